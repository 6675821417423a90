"""What a source sends, measured: for adding a camera, and for telling what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from time import monotonic

from video.clip import mime_of
from video.decoder import StreamDecoder
from video.demux import Demuxer, OpenSettings
from video.errors import OpenFailed, Reason
from video.packet import Packet
from video.source import SourceUrl


@dataclass(frozen=True, slots=True)
class Probe:
    """A source as it was seen for some seconds. What could not be told is None."""

    source: str
    """Its address, without the login."""
    codec: str
    mime: str | None
    """RFC 6381, for H.264 and HEVC."""
    width: int
    height: int
    fps: float | None
    keyframe_interval_s: float | None
    """The longest between two keyframes; None if fewer than two came."""
    bitrate_bps: float | None
    skew_s: float | None
    """The camera's clock minus ours; None where the camera tells no time."""
    duration_s: float | None
    """Length of a file."""
    opened_after_s: float
    first_frame_after_s: float
    """From the start of connecting to the first decoded picture."""
    seen_s: float
    """Seconds of the stream that were looked at."""


def probe(source: SourceUrl, opening: OpenSettings | None = None, seconds: float = 5.0) -> Probe:
    """Open ``source``, look at about ``seconds`` of it and say what it is.

    Takes as long for a live source. Raises SourceRefused, OpenFailed, StreamFailed (see their ``reason``).
    """
    began = monotonic()
    packets: list[Packet] = []
    first_frame_after_s: float | None = None
    size = (0, 0)
    skew_s: float | None = None
    with Demuxer(source, opening) as demuxer:
        opened_after_s = monotonic() - began
        decoder: StreamDecoder | None = None
        for packet in demuxer.packets():
            packets.append(packet)
            if first_frame_after_s is None and (decoder is not None or packet.is_keyframe):
                decoder = decoder or StreamDecoder(source, packet.format)
                for frame in decoder.decode(packet):
                    size = frame.size
                    first_frame_after_s = monotonic() - began
                    break
            if demuxer.camera_time is not None and packet.seen_at is not None:
                skew_s = (demuxer.camera_time - packet.seen_at).total_seconds()
            if _is_enough(packets, seconds) or (source.is_live and monotonic() - began > opened_after_s + 2 * seconds):
                break
        duration_s = demuxer.duration_s
        if decoder is not None and first_frame_after_s is None:
            for frame in decoder.flush():
                size = frame.size
                first_frame_after_s = monotonic() - began
    if first_frame_after_s is None:
        if packets and not any(packet.is_keyframe for packet in packets):
            raise OpenFailed(
                Reason.NO_KEYFRAME, source, "sent no keyframe", "set the camera's keyframe interval to 2 s"
            )
        raise OpenFailed(
            Reason.UNDECODABLE, source, "no picture of it could be decoded", "look at the camera's encoder settings"
        )
    return _summed(source, packets, size, skew_s, duration_s, opened_after_s, first_frame_after_s, demuxer.format.fps)


def _is_enough(packets: list[Packet], seconds: float) -> bool:
    return packets[-1].t - packets[0].t >= seconds


def _summed(
    source: SourceUrl,
    packets: list[Packet],
    size: tuple[int, int],
    skew_s: float | None,
    duration_s: float | None,
    opened_after_s: float,
    first_frame_after_s: float,
    declared_fps: float | None,
) -> Probe:
    shown = sorted(packet.t for packet in packets)
    steps = [b - a for a, b in pairwise(shown) if b > a]
    keyframes = [packet.t for packet in packets if packet.is_keyframe]
    gaps = [b - a for a, b in pairwise(keyframes) if b - a > 0.01]
    seen_s = shown[-1] - shown[0] + (median(steps) if steps else packets[-1].duration)
    stream_format = packets[-1].format
    sets = stream_format.parameter_sets
    return Probe(
        source=str(source),
        codec=stream_format.codec,
        mime=mime_of(stream_format.codec, sets)[0] if sets else None,
        width=size[0],
        height=size[1],
        fps=round(len(steps) / (shown[-1] - shown[0]), 2) if steps else declared_fps,
        keyframe_interval_s=round(max(gaps), 3) if gaps else None,
        bitrate_bps=round(8 * sum(len(packet.data) for packet in packets) / seen_s) if seen_s > 0 else None,
        skew_s=round(skew_s, 3) if skew_s is not None else None,
        duration_s=duration_s,
        opened_after_s=round(opened_after_s, 3),
        first_frame_after_s=round(first_frame_after_s, 3),
        seen_s=round(seen_s, 3),
    )

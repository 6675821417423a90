"""What a source sends, measured: for adding a camera, and for telling what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from time import monotonic

from video.connect.source import SourceUrl
from video.errors import OpenFailed, Reason
from video.health.fault import Finding
from video.health.picture import PictureCheck
from video.health.stream import StreamMeasure, measure_stream
from video.packets.clip import mime_of
from video.packets.demux import Demuxer, OpenSettings
from video.packets.packet import Packet
from video.watch.decoder import StreamDecoder


class ProbeStopped(Exception):
    """A probe that was told to stop before it was done."""


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
    """The longest between two keyframes; None if fewer than two came in two seconds."""
    bitrate_bps: float | None
    lost_share: float | None
    """Share of pictures that are missing between those that came."""
    skew_s: float | None
    """The camera's clock minus ours; None where the camera tells no time."""
    duration_s: float | None
    """Length of a file."""
    opened_after_s: float
    first_frame_after_s: float
    """From the start of connecting to the first decoded picture."""
    seen_s: float
    """Seconds of the stream that were looked at."""
    picture: tuple[Finding, ...] = ()
    """What is wrong with the first picture, as far as one picture tells."""

    @property
    def measured(self) -> StreamMeasure:
        """The stream's part, as requirements judge it."""
        return StreamMeasure(
            codec=self.codec,
            width=self.width,
            height=self.height,
            seen_s=self.seen_s,
            pictures=0,
            fps=self.fps,
            bitrate_bps=self.bitrate_bps,
            keyframe_interval_s=self.keyframe_interval_s,
            lost_share=self.lost_share,
        )


def probe(
    source: SourceUrl, opening: OpenSettings | None = None, seconds: float = 5.0, *, stop: Event | None = None
) -> Probe:
    """Open ``source``, look at about ``seconds`` of it and say what it is.

    Takes as long for a live source. One picture is decoded. Raises SourceRefused, OpenFailed, StreamFailed (see their
    ``reason``), and ProbeStopped soon after ``stop`` is set while packets come.
    """
    began = monotonic()
    packets: list[Packet] = []
    first_frame_after_s: float | None = None
    size = (0, 0)
    skew_s: float | None = None
    check = PictureCheck()
    with Demuxer(source, opening) as demuxer:
        opened_after_s = monotonic() - began
        decoder: StreamDecoder | None = None
        for packet in demuxer.packets():
            if stop is not None and stop.is_set():
                raise ProbeStopped
            packets.append(packet)
            if first_frame_after_s is None and (decoder is not None or packet.is_keyframe):
                decoder = decoder or StreamDecoder(source, packet.format)
                for frame in decoder.decode(packet):
                    size = frame.size
                    first_frame_after_s = monotonic() - began
                    check.look(frame.luma(1), frame.t)
                    break
            if packet.camera_at is not None and packet.seen_at is not None:
                late_s = (packet.camera_at - packet.seen_at).total_seconds()
                # packets come late and never early: the greatest value is the nearest to the truth
                skew_s = late_s if skew_s is None else max(skew_s, late_s)
            if _is_enough(packets, seconds) or (source.is_live and monotonic() - began > opened_after_s + 2 * seconds):
                break
        duration_s = demuxer.duration_s
        if decoder is not None and first_frame_after_s is None:
            for frame in decoder.flush():
                size = frame.size
                first_frame_after_s = monotonic() - began
                check.look(frame.luma(1), frame.t)
                break
    if first_frame_after_s is None:
        if packets and not any(packet.is_keyframe for packet in packets):
            raise OpenFailed(
                Reason.NO_KEYFRAME, source, "sent no keyframe", "set the camera's keyframe interval to 2 s"
            )
        raise OpenFailed(
            Reason.UNDECODABLE, source, "no picture of it could be decoded", "look at the camera's encoder settings"
        )
    measured = measure_stream(packets, size)
    stream_format = packets[-1].format
    sets = stream_format.parameter_sets
    return Probe(
        source=str(source),
        codec=stream_format.codec,
        mime=mime_of(stream_format.codec, sets) if sets else None,
        width=size[0],
        height=size[1],
        fps=(measured.fps if measured else None) or demuxer.format.fps,
        keyframe_interval_s=measured.keyframe_interval_s if measured else None,
        bitrate_bps=measured.bitrate_bps if measured else None,
        lost_share=measured.lost_share if measured else None,
        skew_s=round(skew_s, 3) if skew_s is not None else None,
        duration_s=duration_s,
        opened_after_s=round(opened_after_s, 3),
        first_frame_after_s=round(first_frame_after_s, 3),
        seen_s=measured.seen_s if measured else 0.0,
        picture=check.findings,
    )


def _is_enough(packets: list[Packet], seconds: float) -> bool:
    return packets[-1].t - packets[0].t >= seconds

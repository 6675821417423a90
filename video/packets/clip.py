"""Clips: whole GOPs of a packet ring remuxed, never transcoded, into an MP4 that starts at once."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from video.errors import ClipFailed, Reason
from video.packets import nal
from video.packets.packet import Gop, Packet
from video.packets.ring import PacketRing

_CLOCK = 90_000


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What a clip holds around a pass, in seconds."""

    pre_s: float = 3.0
    post_s: float = 3.0
    max_s: float = 120.0
    wait_s: float = 10.0
    """How long past its post-roll a job waits for packets before it takes what there is."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An MP4 file with one video track, its first frame a keyframe at time 0."""

    path: Path
    sha256: str
    bytes: int
    duration_s: float
    codec: str
    """libav's name: ``h264``, ``hevc``."""
    mime: str
    """RFC 6381, as a browser wants it: ``video/mp4; codecs="avc1.640028"``."""
    t0: float
    """Stream time of the first frame and of the end of the last, in seconds."""
    t1: float


class ClipJob:
    """A clip that waits for its post-roll without a thread of its own: ask ``is_ready`` now and then, then ``cut``.

    It holds on to the GOPs that it needs from the moment of the request, whatever the ring drops meanwhile.
    """

    def __init__(
        self, source: object, ring: PacketRing, t0: float, t1: float, path: Path, settings: ClipSettings | None = None
    ) -> None:
        settings = self._settings = settings or ClipSettings()
        self.path = path
        self._source = source
        self._ring = ring
        self._wanted = (t0, t1)
        self._t1 = t1 + settings.post_s
        self._t0 = max(t0 - settings.pre_s, self._t1 - settings.max_s)
        self._held = ring.gops(self._t0, self._t1)
        left_s = max(self._t1 - ring.t_end, 0.0) if self._held else 0.0
        self._deadline = time.monotonic() + left_s + settings.wait_s

    @property
    def is_ready(self) -> bool:
        """Whether the post-roll has come, or will not come any more."""
        self._hold()
        return self._ring.t_end >= self._t1 or self._ring.ended or time.monotonic() >= self._deadline

    def extend(self, t1: float) -> None:
        """The pass goes on to ``t1``: the clip ends there, and takes its post-roll from there. Not beyond ``max_s``."""
        self._wanted = (self._wanted[0], max(self._wanted[1], t1))
        t1 = min(t1 + self._settings.post_s, self._t0 + self._settings.max_s)
        self._t1 = max(self._t1, t1)
        self._deadline = time.monotonic() + max(self._t1 - self._ring.t_end, 0.0) + self._settings.wait_s
        self._hold()

    def cut(self) -> Clip:
        """Write the clip, from what has come so far. Takes some 10 ms; raises ClipFailed or OSError (a full disk)."""
        self._hold()
        return write_clip(self._source, self._held, self.path, self._wanted)

    def _hold(self) -> None:
        held = {gop.number: gop for gop in self._held}
        for gop in self._ring.gops(self._t0, self._t1):
            held[gop.number] = gop
        self._held = [held[number] for number in sorted(held)]


def write_clip(
    source: object, gops: Sequence[Gop], path: Path, wanted: tuple[float, float] = (float("-inf"), float("inf"))
) -> Clip:
    """Remux GOPs in their order to ``path``; where the stream broke in between, the unbroken part that holds the most
    of ``wanted`` (seconds of the stream).

    The file appears under its name only when it is whole. Raises ClipFailed where there is nothing to write or the
    codec can't stand in an MP4, OSError where it can't be written.
    """
    part = _best_part(gops, wanted)
    if not part:
        raise ClipFailed(
            Reason.CLIP_MISSED, source, "the packets of the clip are gone", "give the ring more seconds or bytes"
        )
    first = part[0]
    if first.format.codec not in ("h264", "hevc"):
        raise ClipFailed(
            Reason.UNSUPPORTED_CODEC,
            source,
            f"clips of {first.format.codec} can't be cut without transcoding",
            "set the camera to H.264 or H.265",
        )
    sets = first.format.parameter_sets or nal.parameter_sets(first.format.codec, first.data, first.format.length_size)
    if not sets:
        raise ClipFailed(
            Reason.UNDECODABLE, source, "the stream has no parameter sets", "look at the camera's encoder settings"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        _remux(part, sets, unfinished)
        data_hash, size = _digest(unfinished)
        unfinished.replace(path)
    except av.error.FFmpegError as error:
        raise ClipFailed(
            Reason.UNDECODABLE, source, f"the clip can't be written ({error.strerror})", "look at the camera's encoder"
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    mime = mime_of(first.format.codec, sets)
    t1 = max(packet.t + packet.duration for packet in part)
    return Clip(path, data_hash, size, t1 - first.t, first.format.codec, mime, first.t, t1)


def mime_of(codec: str, parameter_sets: bytes) -> str:
    """RFC 6381 name of a stream by its parameter sets (Annex B)."""
    wanted = 7 if codec == "h264" else 33
    sps = next((unit for unit in nal.units(parameter_sets, 0) if nal.nal_type(codec, unit) == wanted), b"")
    if codec == "h264" and len(sps) >= 4:
        return f'video/mp4; codecs="avc1.{sps[1:4].hex().upper()}"'
    body = sps.replace(b"\0\0\3", b"\0\0")
    if codec == "hevc" and len(body) >= 15:
        profile, compatible, limits, level = body[3], int.from_bytes(body[4:8], "big"), body[8:14], body[14]
        space = ("", "A", "B", "C")[profile >> 6]
        reversed_bits = int(f"{compatible:032b}"[::-1], 2)
        name = f"hvc1.{space}{profile & 31}.{reversed_bits:X}.{'H' if profile & 32 else 'L'}{level}"
        return f'video/mp4; codecs="{".".join([name, *(f"{b:X}" for b in limits.rstrip(bytes(1)))])}"'
    return "video/mp4"


def _best_part(gops: Sequence[Gop], wanted: tuple[float, float]) -> list[Packet]:
    parts: list[list[Packet]] = []
    for gop in gops:
        # pictures shown before their keyframe lean on the GOP before it
        starts_anew = not parts or gop.discontinuity or gop.t0 - parts[-1][-1].t > 2.0 + parts[-1][-1].duration
        if starts_anew:
            parts.append([packet for packet in gop.packets if packet.t >= gop.t0])
        else:
            parts[-1] += gop.packets

    def worth(part: list[Packet]) -> tuple[float, float]:
        held_s = min(part[-1].t, wanted[1]) - max(part[0].t, wanted[0])
        return held_s, part[-1].t - part[0].t

    return max(parts, key=worth, default=[])


def _remux(packets: list[Packet], parameter_sets: bytes, path: Path) -> None:
    codec, length_size = packets[0].format.codec, packets[0].format.length_size
    start = packets[0].t
    # libav takes a stream's parameters from another stream only: one is read from the first keyframe in memory
    head = parameter_sets + nal.to_annex_b(packets[0].data, length_size)
    with (
        av.open(io.BytesIO(head), format=codec) as template,
        path.open("wb") as file,
        av.open(file, "w", format="mp4", options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(template.streams.video[0], opaque=True)
        stream.time_base = Fraction(1, _CLOCK)
        if codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"
        last_dts: int | None = None
        for packet in packets:
            coded = av.Packet(nal.to_annex_b(packet.data, length_size))
            pts = round((packet.t - start) * _CLOCK)
            dts = min(round((packet.dts - start) * _CLOCK), pts)
            if last_dts is not None and dts <= last_dts:
                dts = last_dts + 1
            coded.pts, coded.dts, coded.duration = max(pts, dts), dts, round(packet.duration * _CLOCK)
            coded.time_base = Fraction(1, _CLOCK)
            coded.is_keyframe = packet.is_keyframe
            coded.stream = stream
            last_dts = dts
            output.mux(coded)


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size

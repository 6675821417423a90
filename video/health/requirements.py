"""What a camera's owner requires of it, and a stream judged against that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from video.health.fault import Fault, Finding
from video.health.stream import StreamMeasure

STREAM_FAULTS: Final = frozenset(
    {
        Fault.RESOLUTION_LOW,
        Fault.FPS_LOW,
        Fault.CODEC_REFUSED,
        Fault.KEYFRAMES_RARE,
        Fault.BITRATE_LOW,
        Fault.BITRATE_HIGH,
        Fault.PICTURES_LOST,
    }
)
CLOCK_FAULTS: Final = frozenset({Fault.CLOCK_SKEW, Fault.CLOCK_UNKNOWN})
_FPS_SLACK: Final = 0.05
"""A camera set to 25 fps measures 24 and a bit over few seconds."""
_INTERVAL_SLACK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Requirements:
    """A requirement profile, as a ministry's unified technical requirements set it. None requires nothing."""

    name: str = "default"
    min_width: int | None = 1280
    min_height: int | None = 720
    min_fps: float | None = 12.0
    codecs: tuple[str, ...] = ("h264", "hevc")
    """libav's names; empty allows all."""
    max_keyframe_interval_s: float | None = 4.0
    min_bitrate_bps: float | None = 300_000
    """An idle road coded with a variable bitrate needs little: judged over the seconds that lie in the ring."""
    max_bitrate_bps: float | None = 16_000_000
    max_lost_share: float | None = 0.02
    max_skew_s: float | None = 2.0
    requires_clock: bool = False
    """Whether a camera must tell its own time (RTCP sender reports)."""
    min_plate_px: float | None = 60.0
    """Least width of a plate in its best frame, for the median of the vehicles that pass."""
    max_unwatched_share: float | None = 0.02


def judge_stream(measured: StreamMeasure, required: Requirements) -> Iterator[Finding]:
    """What the stream lacks. What could not be measured is not judged."""
    least = (required.min_width or 0, required.min_height or 0)
    size = (measured.width, measured.height)
    if size[0] and size[1] and (size[0] < least[0] or size[1] < least[1]):
        share = min(size[0] / max(least[0], 1), size[1] / max(least[1], 1))
        yield Finding(Fault.RESOLUTION_LOW, _short(share), f"{size[0]}x{size[1]}", f"{least[0]}x{least[1]}", "px")
    if required.min_fps and measured.fps is not None and measured.fps < required.min_fps * (1 - _FPS_SLACK):
        yield Finding(Fault.FPS_LOW, _short(measured.fps / required.min_fps), measured.fps, required.min_fps, "fps")
    if required.codecs and measured.codec not in required.codecs:
        yield Finding(Fault.CODEC_REFUSED, 1.0, measured.codec, ", ".join(required.codecs))
    longest_s, interval_s = required.max_keyframe_interval_s, measured.keyframe_interval_s
    if longest_s and interval_s is not None and interval_s > longest_s + _INTERVAL_SLACK_S:
        yield Finding(Fault.KEYFRAMES_RARE, _short(longest_s / interval_s), interval_s, longest_s, "s")
    if measured.bitrate_bps is not None and measured.seen_s >= 2.0:
        bitrate = measured.bitrate_bps
        if required.min_bitrate_bps and bitrate < required.min_bitrate_bps:
            yield Finding(
                Fault.BITRATE_LOW,
                _short(bitrate / required.min_bitrate_bps),
                bitrate,
                required.min_bitrate_bps,
                "bit/s",
            )
        if required.max_bitrate_bps and bitrate > required.max_bitrate_bps:
            yield Finding(
                Fault.BITRATE_HIGH,
                _short(required.max_bitrate_bps / bitrate),
                bitrate,
                required.max_bitrate_bps,
                "bit/s",
            )
    most, lost = required.max_lost_share, measured.lost_share
    if most is not None and lost is not None and lost > most:
        yield Finding(Fault.PICTURES_LOST, min(1.0, 0.3 + lost / 0.3), lost, most, "share")


def judge_clock(skew_s: float | None, required: Requirements) -> Iterator[Finding]:
    """What is wrong with the camera's clock; ``skew_s`` is None where the camera tells no time."""
    if skew_s is None:
        if required.requires_clock:
            yield Finding(Fault.CLOCK_UNKNOWN, 1.0)
    elif required.max_skew_s is not None and abs(skew_s) > required.max_skew_s:
        severity = min(1.0, 0.4 + abs(skew_s) / 60.0)
        yield Finding(Fault.CLOCK_SKEW, severity, round(skew_s, 2), required.max_skew_s, "s")


def _short(share: float) -> float:
    """Severity of reaching a ``share`` of what is required: 0.4 just below, 1 at half of it or less."""
    return min(1.0, 0.4 + 0.6 * (1.0 - min(max(share, 0.0), 1.0)) / 0.5)

"""What can be wrong with a camera that sends, each with its weight and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from video.errors import Reason


class Fault(StrEnum):
    """A fault of a picture or a stream. The values go into events and the database, so they never change."""

    BLACK = "black"
    FROZEN = "frozen"
    COVERED = "covered"
    MOVED = "moved"
    BLURRED = "blurred"
    OVEREXPOSED = "overexposed"
    TOO_DARK = "too_dark"
    PLATES_TOO_SMALL = "plates_too_small"
    RESOLUTION_LOW = "resolution_low"
    FPS_LOW = "fps_low"
    CODEC_REFUSED = "codec_refused"
    KEYFRAMES_RARE = "keyframes_rare"
    BITRATE_LOW = "bitrate_low"
    BITRATE_HIGH = "bitrate_high"
    PICTURES_LOST = "pictures_lost"
    CLOCK_SKEW = "clock_skew"
    CLOCK_UNKNOWN = "clock_unknown"
    UNWATCHED = "unwatched"
    NEVER_SLEEPS = "never_sleeps"
    NEVER_WAKES = "never_wakes"


AWAY_REASONS: Final = frozenset(Reason) - frozenset(Fault)
"""Why a camera may send nothing at all. (Some reasons have the same name as a fault, and are equal to it.)"""

WEIGHTS: Final[dict[Fault, int]] = {
    Fault.BLACK: 100,
    Fault.FROZEN: 100,
    Fault.COVERED: 90,
    Fault.MOVED: 60,
    Fault.BLURRED: 60,
    Fault.OVEREXPOSED: 50,
    Fault.TOO_DARK: 50,
    Fault.PLATES_TOO_SMALL: 50,
    Fault.RESOLUTION_LOW: 35,
    Fault.FPS_LOW: 25,
    Fault.CODEC_REFUSED: 35,
    Fault.KEYFRAMES_RARE: 20,
    Fault.BITRATE_LOW: 20,
    Fault.BITRATE_HIGH: 10,
    Fault.PICTURES_LOST: 40,
    Fault.CLOCK_SKEW: 30,
    Fault.CLOCK_UNKNOWN: 10,
    Fault.UNWATCHED: 40,
    Fault.NEVER_SLEEPS: 5,
    Fault.NEVER_WAKES: 15,
}
"""Points of 100 that a fault takes at its worst."""

NOT_LIVE_WEIGHT: Final = 100

WAYS_OUT: Final[dict[Fault, str]] = {
    Fault.BLACK: "see that the lens is free, the iris opens and the light works",
    Fault.FROZEN: "restart the camera; if it freezes again, replace it",
    Fault.COVERED: "clean the lens, take away what hangs before it",
    Fault.MOVED: "turn the camera back to its lane, fasten it; a new view is learned by itself in time",
    Fault.BLURRED: "focus and clean the lens",
    Fault.OVEREXPOSED: "shorten the exposure, turn the camera away from the sun, or set its backlight compensation",
    Fault.TOO_DARK: "lengthen the exposure or mend the illuminator",
    Fault.PLATES_TOO_SMALL: "zoom in, or set the camera to a higher resolution",
    Fault.RESOLUTION_LOW: "set the camera to a higher resolution",
    Fault.FPS_LOW: "set the camera to a higher frame rate",
    Fault.CODEC_REFUSED: "set the camera to a codec that the requirements allow",
    Fault.KEYFRAMES_RARE: "set the camera's keyframe interval to 2 s",
    Fault.BITRATE_LOW: "raise the camera's bitrate",
    Fault.BITRATE_HIGH: "lower the camera's bitrate",
    Fault.PICTURES_LOST: "look at the network between camera and region, and at the camera's load",
    Fault.CLOCK_SKEW: "point the camera at the region's time server (NTP)",
    Fault.CLOCK_UNKNOWN: "switch on RTCP sender reports with the wall clock, and NTP",
    Fault.UNWATCHED: "give the region more cores or fewer cameras",
    Fault.NEVER_SLEEPS: "normal where the road is never empty; else turn the camera away from trees and water",
    Fault.NEVER_WAKES: "see that the camera looks at its road and that traffic passes there",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: how bad, what was measured, what is required, the way out."""

    code: Fault | Reason
    """A ``Reason`` where the camera sends nothing at all."""
    severity: float
    """0 (barely) to 1 (at its worst)."""
    measured: float | str | None = None
    required: float | str | None = None
    unit: str = ""
    """Of both: ``px``, ``fps``, ``s``, ``bit/s``, ``share`` or nothing."""
    detail: str = ""
    """For a person, where the numbers do not say it all; never holds an address's login."""

    @property
    def points(self) -> int:
        """Points of 100 that it takes; at least one."""
        weight = WEIGHTS[self.code] if isinstance(self.code, Fault) else NOT_LIVE_WEIGHT
        return max(1, round(weight * min(max(self.severity, 0.0), 1.0)))

    @property
    def way_out(self) -> str:
        return WAYS_OUT[self.code] if isinstance(self.code, Fault) else self.detail


def score_of(findings: tuple[Finding, ...] | list[Finding]) -> int:
    """0-100: what is left when each finding has taken its points."""
    return max(0, 100 - sum(finding.points for finding in findings))

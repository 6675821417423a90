"""One camera's health: picture, stream, clock and watch judged together, debounced, scored."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from video.errors import Reason
from video.frame import Frame
from video.health.debounce import Debounce
from video.health.fault import AWAY_REASONS, Fault, Finding, score_of
from video.health.picture import PICTURE_FAULTS, PictureCheck, PictureSettings
from video.health.requirements import CLOCK_FAULTS, STREAM_FAULTS, Requirements, judge_clock, judge_stream
from video.health.stream import StreamMeasure, measure_stream
from video.health.watch import WATCH_FAULTS, WatchFacts, WatchJudge
from video.packets.packet import Packet

Code = Fault | Reason

_PLATES: Final = 50
_PLATES_TO_TELL: Final = 20
_LEAST_SEEN_S: Final = 5.0
_STALE_LOOKS: Final = 4
"""Looks that may be missing before what the last one said is too old."""
_DARKNESS_FORGIVEN_S: Final = 900.0
"""A camera that has read a plate this lately is not too dark for its work."""


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """How often a camera's health is looked at, and how long a condition must hold. Seconds."""

    every_s: float = 10.0
    raise_s: float = 30.0
    """How long a condition must hold before it is raised."""
    clear_s: float = 60.0
    """How long it must be gone before it is cleared."""
    picture_s: float = 60.0
    """As both, for what is wrong with the picture: a lorry before the lens is gone by then."""
    dark_s: float = 600.0
    """As both, for a picture that is too dark or too bright: the sun sets, a lamp passes."""
    picture: PictureSettings = field(default_factory=PictureSettings)
    required: Requirements = field(default_factory=Requirements)


@dataclass(frozen=True, slots=True)
class StandingReason:
    """A finding that has held for long enough, and since when (seconds of the caller's clock)."""

    finding: Finding
    since: float


@dataclass(frozen=True, slots=True)
class HealthSample:
    """A camera's health at one moment."""

    score: int
    """0-100: what the reasons leave of 100."""
    reasons: tuple[StandingReason, ...]
    """Worst first."""
    raised: frozenset[Code]
    cleared: frozenset[Code]
    settled: frozenset[Code]
    """What is known to be a reason or not to be one: soon after a start little is."""
    stream: StreamMeasure | None
    skew_s: float | None
    plate_px: float | None
    """Median width of plates in their best frames; None while too few have passed."""


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What a session says of itself."""

    is_live: bool
    reason: Reason | None
    """Why it is not live."""
    detail: str
    packets: Sequence[Packet]
    """Those of the last seconds, in whole GOPs."""
    size: tuple[int, int] | None
    skew_s: float | None
    watch: WatchFacts


class CameraHealth:
    """Judges one camera. For one thread at a time.

    ``look`` takes pictures that were decoded anyway; ``sample`` is to be called every ``every_s`` or so with times of
    one clock that only grows.
    """

    def __init__(self, settings: HealthSettings | None = None) -> None:
        self.settings = settings = settings or HealthSettings()
        self._picture = PictureCheck(settings.picture)
        self._watch = WatchJudge(settings.required)
        picture: dict[Code, float] = dict.fromkeys(PICTURE_FAULTS, settings.picture_s)
        picture |= dict.fromkeys((Fault.TOO_DARK, Fault.OVEREXPOSED), settings.dark_s)
        self._debounce: Debounce[Code] = Debounce(settings.raise_s, settings.clear_s, picture)
        self._latest: dict[Code, Finding] = {}
        self._plates: deque[float] = deque(maxlen=_PLATES)
        self._plate_at: float | None = None
        self._has_read = False

    def look(self, frame: Frame) -> None:
        """Take in a keyframe; most are passed over."""
        if self._picture.is_due(frame.t):
            self._picture.look(frame.luma(1), frame.t)

    def note_plate(self, width_px: float) -> None:
        """A vehicle has passed whose plate was ``width_px`` wide in its best frame; 0 for one too small to be read."""
        self._plates.append(width_px)
        if width_px:
            self._has_read = True

    def sample(self, now: float, facts: CameraFacts) -> HealthSample:
        """How the camera is at ``now``."""
        if self._has_read:
            self._plate_at, self._has_read = now, False
        measured = measure_stream(facts.packets, facts.size) if facts.packets else None
        found, judged = self._judge(now, facts, measured)
        present: dict[Code, Finding] = {finding.code: finding for finding in found}
        change = self._debounce.look(now, present.keys(), judged)
        self._latest = {
            code: present.get(code) or self._latest[code]
            for code in self._debounce.standing
            if code in present or code in self._latest
        }
        reasons = sorted(
            (StandingReason(self._latest[code], since) for code, since in self._debounce.standing.items()),
            key=lambda reason: -reason.finding.points,
        )
        return HealthSample(
            score=score_of([reason.finding for reason in reasons]),
            reasons=tuple(reasons),
            raised=change.raised,
            cleared=change.cleared,
            settled=frozenset(self._debounce.settled),
            stream=measured,
            skew_s=facts.skew_s,
            plate_px=self._plate_px,
        )

    @property
    def _plate_px(self) -> float | None:
        return round(median(self._plates), 1) if len(self._plates) >= _PLATES_TO_TELL else None

    def _judge(self, now: float, facts: CameraFacts, measured: StreamMeasure | None) -> tuple[list[Finding], set[Code]]:
        """What is wrong, and what could be judged at all: a camera that is away is only that."""
        judged: set[Code] = set(AWAY_REASONS)
        watching = list(self._watch.look(facts.watch))
        if not facts.is_live:
            if facts.reason is None:
                return [], judged
            return [Finding(facts.reason, 1.0, detail=facts.detail)], judged
        found: list[Finding] = list(watching)
        judged |= WATCH_FAULTS
        if self._is_fresh(facts):
            judged |= PICTURE_FAULTS
            can_see = self._plate_at is not None and now - self._plate_at < _DARKNESS_FORGIVEN_S
            found += [one for one in self._picture.findings if not (one.code is Fault.TOO_DARK and can_see)]
        if measured is not None and measured.seen_s >= _LEAST_SEEN_S:
            judged |= STREAM_FAULTS | CLOCK_FAULTS
            found += judge_stream(measured, self.settings.required)
            found += judge_clock(facts.skew_s, self.settings.required)
        found += self._judge_plates()
        judged.add(Fault.PLATES_TOO_SMALL)
        return found, judged

    def _is_fresh(self, facts: CameraFacts) -> bool:
        """Whether the last look is of the stream as it is now."""
        last = self._picture.last
        if last is None or not facts.packets:
            return False
        return facts.packets[-1].t - last.t < _STALE_LOOKS * self.settings.picture.every_s

    def _judge_plates(self) -> list[Finding]:
        least, width = self.settings.required.min_plate_px, self._plate_px
        if least is None or width is None or width >= least:
            return []
        severity = min(1.0, 0.4 + 0.6 * (1.0 - width / least) / 0.5)
        return [Finding(Fault.PLATES_TOO_SMALL, severity, width, least, "px")]

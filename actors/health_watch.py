"""One camera's health in an ingest: what its session and its pipeline know, judged, and told when it is news."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from actors.unwatched import Unwatched
from passes.pipeline import PassPipeline
from passes.record import Pass
from storage.camera_health import HealthFigures, HealthReason, HealthRecord
from video.health.camera import CameraFacts, CameraHealth, HealthSample, HealthSettings, StandingReason
from video.health.watch import WatchFacts
from video.session import CameraSession
from video.state import State
from video.watch.promise import WakeReason


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """How health is judged, and how often it goes into the history when nothing changes."""

    judging: HealthSettings = field(default_factory=HealthSettings)
    history_every_s: float = 300.0
    news_points: int = 10
    """Points by which a score must change to be told before that."""


class HealthWatch:
    """Judges one camera. For the worker that has the camera; a look costs nothing until the next sample is due."""

    def __init__(
        self, session: CameraSession, pipeline: PassPipeline, unwatched: Unwatched, options: HealthOptions
    ) -> None:
        self.sample: HealthSample | None = None
        self._session = session
        self._pipeline = pipeline
        self._unwatched = unwatched
        self._options = options
        self._health = CameraHealth(options.judging)
        self._due = time.monotonic() + options.judging.every_s
        self._told_at = float("-inf")
        self._told_score: int | None = None
        self._told_settled = 0
        self._small = 0
        session.inspect_with(self._health.look)

    def note(self, done: Pass) -> None:
        """A pass was made."""
        if done.read.closed:
            self._health.note_plate(done.read.plate_box.w)

    def look(self) -> HealthRecord | None:
        """Judge the camera if that is due; what of it is news."""
        now = time.monotonic()
        if now < self._due:
            return None
        self._due = now + self._options.judging.every_s
        facts = self._facts()
        if facts is None:
            return None
        small = self._pipeline.counts.unread_by_reason.get("small", 0)
        for _ in range(small - self._small):
            self._health.note_plate(0.0)
        self._small = small
        self.sample = sample = self._health.sample(now, facts)
        if not self._is_news(sample, now):
            return None
        self._told_at, self._told_score, self._told_settled = now, sample.score, len(sample.settled)
        return as_record(self._session.camera_id, sample, now)

    def _facts(self) -> CameraFacts | None:
        session = self._session
        state, count = session.health, session.count
        if state.state is State.DISABLED:
            return None
        watch, resumed = count.watch, self._unwatched.resumed
        return CameraFacts(
            is_live=state.state is State.LIVE,
            reason=state.reason,
            detail=state.detail,
            packets=session.recent_packets() if state.state is State.LIVE else (),
            size=session.size,
            skew_s=count.skew_s,
            watch=WatchFacts(
                watched_s=watch.watched_s,
                awake_s=watch.awake_s,
                unwatched_s=self._unwatched.seconds,
                noted_s=None if resumed is None else resumed.noted_s,
                wakes=watch.wakes.total() - watch.wakes[WakeReason.PROOF],
                has_gate=session.settings.watch.gate is not None,
            ),
        )

    def _is_news(self, sample: HealthSample, now: float) -> bool:
        if sample.raised or sample.cleared or now - self._told_at >= self._options.history_every_s:
            return True
        if len(sample.settled) > self._told_settled:
            return True  # what another process told before us may have to be taken back
        return self._told_score is None or abs(sample.score - self._told_score) >= self._options.news_points


def as_record(camera_id: str, sample: HealthSample, now: float) -> HealthRecord:
    """The sample as the database keeps it; ``now`` is the sample's own clock at this moment."""
    at = datetime.now(UTC)
    stream = sample.stream
    return HealthRecord(
        camera_id=camera_id,
        at=at,
        reasons=tuple(_reason(one, at - timedelta(seconds=now - one.since)) for one in sample.reasons),
        settled=frozenset(str(code) for code in sample.settled),
        figures=HealthFigures(
            codec=stream.codec if stream else None,
            width=stream.width if stream else None,
            height=stream.height if stream else None,
            fps=stream.fps if stream else None,
            bitrate_bps=stream.bitrate_bps if stream else None,
            keyframe_interval_s=stream.keyframe_interval_s if stream else None,
            lost_share=stream.lost_share if stream else None,
            skew_s=round(sample.skew_s, 3) if sample.skew_s is not None else None,
            plate_px=sample.plate_px,
        ),
    )


def _reason(standing: StandingReason, since: datetime) -> HealthReason:
    finding = standing.finding
    return HealthReason(
        code=finding.code.value,
        severity=round(finding.severity, 2),
        points=finding.points,
        measured=finding.measured,
        required=finding.required,
        unit=finding.unit,
        detail=finding.detail,
        way_out=finding.way_out,
        since=since.isoformat(timespec="seconds"),
    )

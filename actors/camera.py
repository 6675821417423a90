"""One camera in an ingest: its session, its pipeline, and which worker looks at it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from actors.health_watch import HealthOptions, HealthWatch
from actors.report import PICTURE_BYTES, PassReport
from actors.unwatched import Resumed, Unwatched
from passes.pipeline import PassPipeline
from passes.record import Pass
from video.redaction import pack_jpeg
from video.session import CameraSession

_log = logging.getLogger("beket.ingest")


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera to be watched. The addresses hold its password and stay out of ``repr``."""

    camera_id: str
    url: str = field(repr=False)
    gate_url: str | None = field(default=None, repr=False)
    """A second, smaller stream of the same view, for the gate."""


class WatchedCamera:
    """A session and its pipeline. ``look`` is for one worker at a time; ``try_begin`` says who."""

    def __init__(
        self,
        spec: CameraSpec,
        session: CameraSession,
        pipeline: PassPipeline,
        *,
        health: HealthOptions | None = None,
        give_up_tracks_s: float = 3.0,
        resumed: Resumed | None = None,
    ) -> None:
        self.spec = spec
        self.session = session
        self.pipeline = pipeline
        self.unwatched = Unwatched(session, resumed)
        self.health = HealthWatch(session, pipeline, self.unwatched, health) if health is not None else None
        self.frames = 0
        self.failures = 0
        self.latest_frame = 0.0
        """Monotonic time at which a frame was last looked at."""
        self._give_up_tracks_s = give_up_tracks_s
        self._frame_t: float | None = None
        self._busy = threading.Lock()

    def try_begin(self) -> bool:
        """Take the camera for this thread; False when another has it."""
        return self._busy.acquire(blocking=False)

    def end(self) -> None:
        self._busy.release()

    def look(self, report: Callable[[PassReport], None], max_frames: int = 4) -> None:
        """Look at what has come; every pass goes to ``report`` as soon as it is made."""
        self.unwatched.look()
        frames = self.session.poll(max_frames)
        for frame in frames:
            self.frames += 1
            self.latest_frame = time.monotonic()
            for done in self.pipeline.process(frame):
                self._tell(done, report)
            if self.pipeline.in_view:
                self.session.note_activity(frame.t)
            if self.pipeline.all_known:
                self.session.note_known(frame.t)
            self._frame_t = frame.t
        if not frames and self.pipeline.watched and self._is_over():
            self.finish(report)

    def finish(self, report: Callable[[PassReport], None]) -> None:
        """Close the passes of vehicles in view: no more frames will show them."""
        for done in self.pipeline.flush():
            self._tell(done, report)

    def _tell(self, done: Pass, report: Callable[[PassReport], None]) -> None:
        if self.health is not None:
            self.health.note(done)
        report(as_report(done, self.session.skew_s))

    def _is_over(self) -> bool:
        """No frame has come for so long that what was in view is gone: the gate slept, or the stream broke off."""
        if self._frame_t is None:
            return False
        slept_s = self.session.stream_t - self._frame_t
        silent_s = time.monotonic() - self.latest_frame
        return max(slept_s, silent_s if not self.session.is_behind else 0.0) > self._give_up_tracks_s

    def stats(self) -> dict[str, Any]:
        count, health, passes = self.session.count, self.session.health, self.pipeline.counts
        gate_health = self.session.gate_health
        return {
            "state": health.state.value,
            "reason": None if health.reason is None else health.reason.value,
            "since": health.since.isoformat(),
            "down_since": None if health.down_since is None else health.down_since.isoformat(),
            "gate_state": None if gate_health is None else gate_health.state.value,
            "gate_reason": None if gate_health is None or gate_health.reason is None else gate_health.reason.value,
            "camera_clock": None if count.camera_clock is None else count.camera_clock.isoformat(),
            "skew_s": None if count.skew_s is None else round(count.skew_s, 3),
            "frames": self.frames,
            "frames_decoded": count.watch.frames_decoded,
            "frames_on_gpu": count.watch.frames_on_gpu,
            "frames_detected": passes.frames_detected,
            "passes": passes.passes,
            "unread": passes.unread,
            "unwatched_s": round(self.unwatched.seconds, 1),
            "thinned_s": round(count.watch.thinned_s, 1),
            "wakes_refused": count.watch.refused.total(),
            "awake_s": round(count.watch.awake_s, 1),
            "watched_s": round(count.watch.watched_s, 1),
            "lag_s": round(count.lag_s, 2),
            "connects": count.connects,
            "failures": count.failures,
            "ring_bytes": count.ring_bytes,
            "broken": count.watch.broken,
            "score": None if self.health is None or self.health.sample is None else self.health.sample.score,
        }


def as_report(done: Pass, skew_s: float | None = None) -> PassReport:
    """The pass with its pictures as JPEG, each small enough for the database, and what is known of its camera's
    clock."""
    plate, vehicle = (pack_jpeg(picture, PICTURE_BYTES) for picture in (done.plate_picture, done.vehicle_picture))
    return PassReport(replace(done.read, skew_s=skew_s), plate, vehicle)

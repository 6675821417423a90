"""One camera in an ingest: its session, its pipeline, and which worker looks at it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2

from actors.report import PassReport
from models.ports import Image
from passes.pipeline import PassPipeline
from passes.record import Pass
from video.session import CameraSession

_log = logging.getLogger("beket.ingest")

_PICTURE_BYTES = 200 * 1024
"""The largest picture that the database takes with a hit."""


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera to be watched. The address holds its password and stays out of ``repr``."""

    camera_id: str
    url: str = field(repr=False)


class WatchedCamera:
    """A session and its pipeline. ``look`` is for one worker at a time; ``try_begin`` says who."""

    def __init__(
        self,
        spec: CameraSpec,
        session: CameraSession,
        pipeline: PassPipeline,
        *,
        give_up_tracks_s: float = 3.0,
    ) -> None:
        self.spec = spec
        self.session = session
        self.pipeline = pipeline
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
        frames = self.session.poll(max_frames)
        for frame in frames:
            self.frames += 1
            self.latest_frame = time.monotonic()
            for done in self.pipeline.process(frame):
                report(as_report(done))
            if self.pipeline.watched:
                self.session.note_activity(frame.t)
            self._frame_t = frame.t
        if not frames and self.pipeline.watched and self._is_over():
            self.finish(report)

    def finish(self, report: Callable[[PassReport], None]) -> None:
        """Close the passes of vehicles in view: no more frames will show them."""
        for done in self.pipeline.flush():
            report(as_report(done))

    def _is_over(self) -> bool:
        """No frame has come for so long that what was in view is gone: the gate slept, or the stream broke off."""
        if self._frame_t is None:
            return False
        slept_s = self.session.stream_t - self._frame_t
        silent_s = time.monotonic() - self.latest_frame
        return max(slept_s, silent_s if not self.session.is_behind else 0.0) > self._give_up_tracks_s

    def stats(self) -> dict[str, Any]:
        count, health, passes = self.session.count, self.session.health, self.pipeline.counts
        return {
            "state": health.state.value,
            "reason": None if health.reason is None else health.reason.value,
            "since": health.since.isoformat(),
            "frames": self.frames,
            "frames_decoded": count.watch.frames_decoded,
            "frames_detected": passes.frames_detected,
            "passes": passes.passes,
            "unread": passes.unread,
            "unwatched_s": round(count.watch.unwatched_s, 1),
            "awake_s": round(count.watch.awake_s, 1),
            "watched_s": round(count.watch.watched_s, 1),
            "lag_s": round(count.lag_s, 2),
            "connects": count.connects,
            "failures": count.failures,
            "ring_bytes": count.ring_bytes,
            "broken": count.watch.broken,
        }


def as_report(done: Pass) -> PassReport:
    """The pass with its pictures as JPEG, each small enough for the database."""
    return PassReport(done.read, _jpeg(done.plate_picture), _jpeg(done.vehicle_picture))


def _jpeg(picture: Image) -> bytes:
    for quality, scale in ((88, 1.0), (80, 1.0), (75, 0.7), (70, 0.5), (60, 0.3)):
        scaled = (
            picture if scale == 1.0 else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
        written, data = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if written and len(data) <= _PICTURE_BYTES:
            return bytes(data)
    return b""

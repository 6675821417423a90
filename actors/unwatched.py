"""Seconds of each camera that nobody looked at; kept on disk, so that those in which the ingest was down count too."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from video.session import CameraSession

_log = logging.getLogger("beket.ingest")


@dataclass(frozen=True, slots=True)
class Resumed:
    """Unwatched seconds of a camera that was watched before and is taken up again."""

    noted_s: float
    """As they were last noted."""
    now_s: float
    """Those since then included: nobody was there to look."""


class Unwatched:
    """One camera's unwatched seconds, from wherever they came: for its worker, and to be read by anyone."""

    def __init__(self, session: CameraSession, resumed: Resumed | None = None) -> None:
        self.resumed = resumed
        self._session = session
        self._begun = time.monotonic()
        self._waited_s = 0.0 if resumed is None else None
        """Seconds until the stream of a camera that is taken up again came; None while it has not."""

    def look(self) -> None:
        """See whether the stream has come."""
        if self._waited_s is None and (self._session.count.packets or self._session.count.failures):
            self._waited_s = time.monotonic() - self._begun

    @property
    def seconds(self) -> float:
        """Those before this process, those until the stream came, and those that the watcher passed over."""
        before_s = 0.0 if self.resumed is None else self.resumed.now_s
        waited_s = self._waited_s
        if waited_s is None:
            waited_s = time.monotonic() - self._begun
        return before_s + waited_s + self._session.count.watch.unwatched_s


class UnwatchedLedger:
    """A file under the ingest's folder: by camera the seconds so far and when they were last noted.

    Thread-safe but for ``save``, which is one thread's at a time. Without its file, or with a broken one, all count
    from nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "unwatched.json"
        self._rows: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            self._rows = {name: (float(seconds), float(at)) for name, (seconds, at) in rows.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            _log.warning("unwatched seconds so far are lost (%s)", type(error).__name__)

    def resume(self, camera_id: str) -> Resumed | None:
        """What is known of the camera's unwatched seconds; None for one not known."""
        with self._lock:
            row = self._rows.get(camera_id)
        if row is None:
            return None
        seconds, at = row
        return Resumed(seconds, seconds + max(time.time() - at, 0.0))

    def forget(self, camera_id: str) -> None:
        """The camera is no longer this ingest's."""
        with self._lock:
            self._rows.pop(camera_id, None)

    def note(self, unwatched: Mapping[str, float]) -> None:
        """The unwatched seconds of these cameras, as of now; what is known of others stays."""
        now = time.time()
        with self._lock:
            self._rows |= {name: (round(seconds, 2), round(now, 2)) for name, seconds in unwatched.items()}

    def save(self) -> None:
        """Write down what was noted."""
        with self._lock:
            rows = dict(self._rows)
        draft = self._path.with_suffix(".part")
        try:
            draft.write_text(json.dumps(rows), encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            _log.warning("unwatched seconds could not be noted: %s", error)

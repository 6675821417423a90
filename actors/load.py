"""How hard an ingest's workers are pressed: what tells cameras of a busy node to ask for less."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Final

_BUSY: Final = 0.9
"""Share of the workers' time from which they are all that holds the cameras up."""


class Load:
    """Counts the workers' time. Thread-safe."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._worked_s = 0.0
        self._working: dict[int, float] = {}
        self._judged = time.monotonic()
        self.busy = 0.0
        """Share of the workers' time since the judgement before the last, 0-1."""
        self.strain = 0.0
        """Share of the allowed backlog by which the node is behind; 0 while a worker has time to spare."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker is at work."""
        me = threading.get_ident()
        with self._lock:
            self._working[me] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._worked_s += time.monotonic() - self._working.pop(me)

    def judge(self, behind: Sequence[float]) -> None:
        """Say how far each awake camera is behind, as a share of its allowed backlog; once a second or so."""
        now = time.monotonic()
        with self._lock:
            for worker, since in self._working.items():
                self._worked_s += now - since
                self._working[worker] = now
            self.busy = self._worked_s / max(self._workers * (now - self._judged), 1e-6)
            self._worked_s, self._judged = 0.0, now
        # one camera that is behind while workers wait is too heavy for one worker: that is its own trouble
        self.strain = median(behind) if behind and self.busy >= _BUSY else 0.0

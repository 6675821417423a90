"""Reading plates for many cameras: crops of several callers go through the network together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from models.ports import Image, PlateReader, Reading


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How long a crop may wait for company. An empty line is never waited for longer than a busy one would take."""

    max_wait_s: float = 0.04
    max_crops: int = 64
    max_waiting: int = 1024
    """Crops that may stand in line; callers beyond wait for a place, so that nothing grows without bound."""


@dataclass(slots=True)
class BatchCounts:
    """What was read so far."""

    crops: int = 0
    batches: int = 0
    busy_s: float = 0.0


@dataclass(slots=True)
class _Asked:
    crops: Sequence[Image]
    answer: Future[list[Reading]] = field(default_factory=Future)
    at: float = field(default_factory=time.monotonic)


class BatchReader:
    """A ``PlateReader`` for any number of threads over one network that a single thread runs.

    Batches form by themselves while the network is busy. Only when the last batch had several callers does the next
    one wait for more of them, ``max_wait_s`` at most.
    """

    def __init__(self, reader: PlateReader, options: BatchOptions | None = None) -> None:
        self.counts = BatchCounts()
        self._reader = reader
        self._options = options or BatchOptions()
        self._line: deque[_Asked] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="batch-reader", daemon=True)
        self._thread.start()

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of ``crops`` in their order; raises what the network raised."""
        if not crops:
            return []
        asked = _Asked(crops)
        with self._changed:
            while self._waiting >= self._options.max_waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                raise RuntimeError("the reader is closed")
            self._line.append(asked)
            self._waiting += len(crops)
            self._changed.notify_all()
        return asked.answer.result()

    def close(self) -> None:
        """Finish what is in line, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        callers = 1
        while True:
            batch = self._gather(callers)
            if not batch:
                return
            callers = len(batch)
            started = time.monotonic()
            crops = [crop for asked in batch for crop in asked.crops]
            try:
                readings = self._reader.read(crops)
            except Exception as error:  # noqa: BLE001 - handed to every caller of this batch
                for asked in batch:
                    asked.answer.set_exception(error)
                continue
            self.counts.crops += len(crops)
            self.counts.batches += 1
            self.counts.busy_s += time.monotonic() - started
            at = 0
            for asked in batch:
                asked.answer.set_result(readings[at : at + len(asked.crops)])
                at += len(asked.crops)

    def _gather(self, callers_before: int) -> list[_Asked]:
        options = self._options
        with self._changed:
            while not self._line and not self._closed:
                self._changed.wait()
            if not self._line:
                return []
            deadline = self._line[0].at + options.max_wait_s
            while len(self._line) < callers_before and self._waiting < options.max_crops and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            batch = [self._line.popleft()]
            size = len(batch[0].crops)
            while self._line and size + len(self._line[0].crops) <= options.max_crops:
                batch.append(self._line.popleft())
                size += len(batch[-1].crops)
            self._waiting -= size
            self._changed.notify_all()
            return batch

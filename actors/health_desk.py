"""The desk from which cameras' health goes to the publisher: the latest of each camera, in batches."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from actors.peers import PeerAway, PublishPeer
from storage.camera_health import HealthRecord

_log = logging.getLogger("beket.ingest")


@dataclass(slots=True)
class HealthCounts:
    """What became of records."""

    told: int = 0
    overtaken: int = 0
    """Replaced by a newer one of the same camera while the publisher was away: a gap in the history, no change lost."""


class HealthDesk:
    """Holds one record a camera at most and tells them as soon as the publisher takes them. Thread-safe."""

    def __init__(self, publisher: PublishPeer, *, batch: int = 200, gather_s: float = 1.0) -> None:
        self.counts = HealthCounts()
        self._publisher = publisher
        self._batch = batch
        self._gather_s = gather_s
        self._waiting: dict[str, HealthRecord] = {}
        self._news = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._thread.start()

    def put(self, record: HealthRecord) -> None:
        """Take a record; returns at once."""
        with self._news:
            self.counts.overtaken += record.camera_id in self._waiting
            self._waiting[record.camera_id] = record
            self._news.notify()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        self._closing.set()
        with self._news:
            self._news.notify()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._closing.is_set())
            if self._closing.wait(self._gather_s):
                return
            with self._news:
                taken = [self._waiting.pop(name) for name in list(self._waiting)[: self._batch]]
            try:
                self._publisher.camera_health(taken)
            except PeerAway:
                with self._news:
                    for record in taken:
                        self._waiting.setdefault(record.camera_id, record)
                self._closing.wait(self._gather_s)
            except Exception:  # noqa: BLE001 - the thread's outer edge: the next samples are told again
                _log.exception("the health of %d cameras could not be told", len(taken))
            else:
                self.counts.told += len(taken)

"""Reads looked at for cloned plates and impossible formats, in memory, for as long as reads are kept."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from index.clones import Clone, CloneRule, CloneWatch, Place, Sighting
from index.grammar import GRAMMAR
from index.read import PlateRead
from storage.clones import CloneBook
from storage.database import Database
from storage.errors import DatabaseAway

_log = logging.getLogger("beket.publish")

_MOST_WAITING: Final = 1_000
_LOOK_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class CloneOptions:
    """What is taken for a clone; ``roads`` holds pairs of cameras with their kilometres."""

    rule: CloneRule = field(default_factory=CloneRule)
    roads: tuple[tuple[str, str, float], ...] = ()
    enabled: bool = True


class CloneDesk:
    """Watches a region's reads for clones and tells of them. Thread-safe.

    Only certain readings are remembered, and none longer than the rule's hours, nor what was told of them: what matches
    nothing is forgotten. What can't be told while Postgres is away waits here; the eldest of a thousand gives way.
    """

    def __init__(self, database: Database, options: CloneOptions) -> None:
        self._book = CloneBook(database)
        self._options = options
        roads = {frozenset((one, other)): km for one, other, km in options.roads}
        self._watch = CloneWatch(options.rule, roads=roads)
        self._places: dict[str, Place | None] = {}
        self._placed_at = float("-inf")
        self._forgotten_until: datetime | None = None
        self._waiting: deque[Clone] = deque(maxlen=_MOST_WAITING)
        self._counts: Counter[str] = Counter()
        self._impossible: Counter[str] = Counter()
        self._lock = threading.Lock()

    def observe(self, reads: Sequence[PlateRead]) -> None:
        """Look at closed passes. Never raises for a database that is away."""
        if any(read.camera_id not in self._places for read in reads):
            self._find_places()
        with self._lock:
            for read in reads:
                if read.score < self._options.rule.least_score:
                    continue
                if not GRAMMAR.is_possible(read.text):
                    self._impossible[read.camera_id] += 1
                elif self._options.enabled and read.seen_at is not None:
                    self._look(read, read.seen_at)
        self.tell()

    def _look(self, read: PlateRead, seen_at: datetime) -> None:
        place = self._places.get(read.camera_id)
        clone = self._watch.observe(
            Sighting(read.text, read.score, read.camera_id, read.pass_id, place, seen_at, read.vehicle_type)
        )
        if clone is not None:
            self._counts[clone.reason.value] += 1
            self._waiting.append(clone)

    def tell(self) -> None:
        """Write what waits to be told."""
        with self._lock:
            try:
                while self._waiting:
                    self._book.announce(self._waiting[0])
                    self._waiting.popleft()
            except DatabaseAway as error:
                _log.warning("%d suspected clones wait: %s", len(self._waiting), error)

    def maintain(self, now: datetime | None = None) -> None:
        """Forget what is old; look where the cameras stand now; tell what waits. To be called every few minutes."""
        oldest = (now or datetime.now(UTC)) - timedelta(hours=self._options.rule.memory_h)
        with self._lock:
            self._watch.forget(oldest)
            while self._waiting and self._waiting[0].later.seen_at < oldest:
                self._waiting.popleft()
            try:
                self._book.forget(self._forgotten_until, oldest)
                self._forgotten_until = oldest
            except DatabaseAway as error:
                _log.warning("clones told of are not forgotten yet: %s", error)
        self._placed_at = float("-inf")
        self._find_places()
        self.tell()

    def stats(self) -> dict[str, object]:
        """Clones by reason, plates remembered, and certain reads of impossible formats by camera."""
        with self._lock:
            return {
                "clones": dict(self._counts),
                "plates_remembered": len(self._watch),
                "impossible_formats": dict(self._impossible),
            }

    def _find_places(self) -> None:
        if time.monotonic() - self._placed_at < _LOOK_AGAIN_S:
            return
        self._placed_at = time.monotonic()
        try:
            self._places = self._book.places()
        except DatabaseAway as error:
            _log.warning("where the cameras stand is not known now: %s", error)

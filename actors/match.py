"""Reads against the live hotlist, which follows the database by itself."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from actors.peers import PeerAway, Sighting
from index.confusion import Confusion
from index.entry import Entry, Match
from index.hotlist import HotlistIndex
from index.read import Posterior
from index.traffic import FLOOR, AlertBudget, Traffic
from storage.database import Database
from storage.errors import DatabaseAway
from storage.hotlists.feed import EntryFeed, FeedPosition
from storage.reads import CLOCK_LEAP

_log = logging.getLogger("beket.match")

_AT_ONCE = 2_000
"""Entries taken in or out while reads wait."""
_ANEW = 100_000
"""From so many changes on, a new index is built beside the old one, which matches meanwhile."""


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """What reads are weighed by, and what makes a hit of a match."""

    traffic: Traffic = field(default_factory=Traffic)
    threshold: float | None = None
    """Least score of a hit; None lets the list's size and the road decide, for the false alerts that are allowed."""


class Matcher:
    """Holds the list in memory, so that matching needs no database. Thread-safe.

    A change of the list is taken in as soon as Postgres tells of it, and looked for every ``poll_s`` besides; an
    entry's end is known beforehand, so it stops matching on time even when Postgres is away.
    """

    def __init__(
        self,
        database: Database,
        *,
        region: str | None = None,
        poll_s: float = 1.0,
        options: MatchOptions | None = None,
        confusion: Confusion | None = None,
    ) -> None:
        """``confusion``: what was learned of the reader whose reads are matched."""
        self._feed = EntryFeed(database, region=region)
        self._poll_s = poll_s
        self._options = options or MatchOptions()
        self._confusion = confusion
        self._budget = AlertBudget(self._options.traffic)
        self._index = self._new_index()
        self._position: FeedPosition | None = None
        self._leaving: frozenset[str] = frozenset()
        """Entries that match no more and are on their way out of the index."""
        self._lock = threading.Lock()
        self._loaded = threading.Event()
        self._closed = threading.Event()
        self._counts = {"reads": 0, "hits": 0, "refreshes": 0, "unusable": 0, "database_away": 0}
        self._thread = threading.Thread(target=self._follow, name="hotlist", daemon=True)
        self._thread.start()

    def match(self, sightings: Sequence[Sighting], *, wait_s: float = 30.0) -> list[list[Match]]:
        """Entries met by each read, likeliest first. What a clock that runs ahead saw is seen now.

        Raises ``PeerAway`` while the list has never been loaded: to answer "no hit" then would lose one.
        """
        if not self._loaded.wait(wait_s):
            raise PeerAway("the hotlist is not loaded yet: Postgres is away")
        now = datetime.now(UTC)
        with self._lock:
            threshold = self._threshold()
            met = self._index.match(
                [Posterior(s.log_probs) for s in sightings],
                [now if s.seen_at > now + CLOCK_LEAP else s.seen_at for s in sightings],
                threshold=FLOOR,
                legibility=[math.nan if s.legibility is None else s.legibility for s in sightings],
            )
            if self._leaving:
                met = [[match for match in one if match.entry.entry_id not in self._leaving] for one in met]
            self._budget.observe(np.array([match.score for one in met for match in one]), len(sightings))
            met = [[match for match in one if match.score >= threshold] for one in met]
            self._counts["reads"] += len(sightings)
            self._counts["hits"] += sum(map(bool, met))
        return met

    def twin(self, entries: Sequence[Entry]) -> tuple[HotlistIndex, float]:
        """An index of these entries alone that weighs like the whole list's, and the whole list's threshold."""
        with self._lock:
            whole = self._index
            threshold = self._threshold()
        index = HotlistIndex(confusion=whole.confusion, grammar=whole.grammar, traffic=whole.traffic)
        self._add(index, entries)
        return index, threshold

    def stats(self) -> dict[str, float]:
        with self._lock:
            threshold = self._threshold()
            return {**self._counts, "entries": len(self._index), "version": self.version, "threshold": threshold}

    def _threshold(self) -> float:
        given = self._options.threshold
        return self._budget.threshold(len(self._index)) if given is None else given

    def _new_index(self) -> HotlistIndex:
        return HotlistIndex(confusion=self._confusion, traffic=self._options.traffic)

    @property
    def version(self) -> int:
        """The version of the entries that is matched; -1 before the list was first loaded."""
        position = self._position
        return -1 if position is None else position.version

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _follow(self) -> None:
        listener = self._feed.listen()
        backoff_s = 0.1
        try:
            while not self._closed.is_set():
                try:
                    listener.start()
                    self._refresh()
                    backoff_s = 0.1
                    listener.wait(self._poll_s)
                except DatabaseAway as error:
                    self._counts["database_away"] += 1
                    if backoff_s > 1.0:
                        _log.warning("the hotlist can't be followed: %s", error)
                    self._closed.wait(backoff_s)
                    backoff_s = min(backoff_s * 2, 2.0)
                except Exception:  # noqa: BLE001 - the thread's outer edge: matching goes on with the list as it was
                    _log.exception("following the hotlist failed")
                    self._closed.wait(1.0)
        finally:
            listener.close()

    def _add(self, index: HotlistIndex, entries: Sequence[Entry]) -> None:
        """Take entries in; one that can't be matched is told and left out, not the list."""
        try:
            index.add(entries)
        except ValueError:
            for entry in entries:
                try:
                    index.add([entry])
                except ValueError:
                    self._counts["unusable"] += 1
                    _log.error("entry %s can't be matched: its plate is none; mend or withdraw it", entry.entry_id)

    def _refresh(self) -> None:
        now = datetime.now(UTC)
        if self._position is None:
            self._load(now)
            return
        started = time.monotonic()
        changes = self._feed.changes(self._position, now=now)
        if changes.position == self._position:
            return
        self._leaving = frozenset(changes.gone)  # from here on they match no more
        if len(changes.entries) + len(changes.gone) >= _ANEW:
            self._load(now)
        else:
            for start in range(0, len(changes.gone), _AT_ONCE):
                with self._lock:
                    self._index.remove(changes.gone[start : start + _AT_ONCE])
            for start in range(0, len(changes.entries), _AT_ONCE):
                with self._lock:
                    self._add(self._index, changes.entries[start : start + _AT_ONCE])
            self._position = changes.position
        self._leaving = frozenset()
        self._counts["refreshes"] += 1
        _log.info(
            "hotlist at version %d: %d taken in, %d out, %.0f ms",
            changes.position.version,
            len(changes.entries),
            len(changes.gone),
            1000 * (time.monotonic() - started),
        )

    def _load(self, now: datetime) -> None:
        changes = self._feed.live(now=now)
        index = self._new_index()
        self._add(index, changes.entries)
        with self._lock:
            self._index, self._position = index, changes.position
        self._loaded.set()
        _log.info("hotlist loaded: %d entries, version %d", len(index), changes.position.version)

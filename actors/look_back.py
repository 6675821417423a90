"""Looking back: entries that went live are sought in the reads still kept, beside live matching and behind it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from actors.match import Matcher
from actors.peers import Sighting
from index.entry import Match
from index.hotlist import HotlistIndex
from index.read import PlateRead
from storage.crossings import Crossing
from storage.database import Database
from storage.errors import DatabaseAway
from storage.hits import HitBook, HitOutcome
from storage.hotlists.entries import EntryBook
from storage.hotlists.look_backs import LookBack, LookBackQueue
from storage.kept_reads import KeptReads

_log = logging.getLogger("beket.look_back")

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LookBackOptions:
    """How a region looks back."""

    same_alert_within_s: float = 60.0
    crossings: tuple[Crossing, ...] = ()
    batch: int = 500
    """Reads matched at a time."""
    share: float = 0.5
    """Of one core, at most: live reads come first."""
    settle_s: float = 15.0
    """A read that was on its way when the matcher took the entries in is written by then."""
    poll_s: float = 1.0


@dataclass(frozen=True, slots=True)
class _Search:
    """The look-backs done together, and what they look for."""

    versions: tuple[int, ...]
    index: HotlistIndex
    threshold: float
    live_since: dict[str, datetime]


class LookBackWorker:
    """Works the queue off in a thread of its own, newest hours first, and writes down what time does with entries.

    Its progress lies in the database after every hour; whoever goes on after its death searches that hour again, and
    hits have an identity: none is doubled. A hit needs the same score as a live one, weighed against the whole list.
    """

    def __init__(
        self, database: Database, matcher: Matcher, options: LookBackOptions, *, region: str | None = None
    ) -> None:
        self._matcher = matcher
        self._options = options
        self._region = region
        self._queue = LookBackQueue(database)
        self._reads = KeptReads(database)
        self._hits = HitBook(database, options.crossings)
        self._entries = EntryBook(database)
        self._search: _Search | None = None
        self._counts = {"look_backs": 0, "looked_at": 0, "look_back_hits": 0}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="look-back", daemon=True)
        self._thread.start()

    def stats(self) -> dict[str, float]:
        return dict(self._counts)

    def close(self) -> None:
        self._closed.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            busy = False
            try:
                self._entries.turn()
                busy = self._step()
            except DatabaseAway:
                self._closed.wait(2.0)
            except Exception:  # noqa: BLE001 - the thread's outer edge: the next round tries again
                _log.exception("looking back failed")
                self._closed.wait(5.0)
            if not busy:
                self._closed.wait(self._options.poll_s)

    def _step(self) -> bool:
        """One hour of one search. False when there is nothing to do now."""
        waiting = [one for one in self._queue.waiting() if one.version <= self._matcher.version]
        if not waiting:
            return False
        fresh = [one.version for one in waiting if one.before is None]
        if fresh:
            now = datetime.now(UTC)
            self._queue.begin(fresh, before=now, next_hour=now.replace(minute=0, second=0, microsecond=0))
            return True
        # the newest first: a single entry does not wait for the end of a large list's search
        before, next_hour = max(_point(one) for one in waiting)
        search = self._prepared([one for one in waiting if _point(one) == (before, next_hour)])
        hour = next((hour for hour in self._reads.hours() if hour <= next_hour), None)
        if hour is not None and search.live_since:
            reads, hits = self._look(search, hour, min(hour + _HOUR, before))
            self._queue.advance(search.versions, next_hour=hour - _HOUR, reads=reads, hits=hits)
            return True
        settled_in_s = self._options.settle_s - (datetime.now(UTC) - before).total_seconds()
        if settled_in_s > 0 and search.live_since:
            return False
        # reads that were matched without the entries and written after their hour had been searched
        reads, hits = self._look(search, before - timedelta(seconds=8 * self._options.settle_s), before)
        self._queue.finish(search.versions, reads=0, hits=hits)
        self._counts["look_backs"] += len(search.versions)
        _log.info("looked back for %d entries: %d versions done", len(search.live_since), len(search.versions))
        return True

    def _prepared(self, group: Sequence[LookBack]) -> _Search:
        versions = tuple(one.version for one in group)
        if self._search is None or self._search.versions != versions:
            since = datetime.now(UTC) - timedelta(days=3650)
            sought = self._queue.entries(versions, since=since, region=self._region)
            index, threshold = self._matcher.twin([one.entry for one in sought])
            live_since = {one.entry.entry_id: one.live_since for one in sought}
            self._search = _Search(versions, index, threshold, live_since)
        return self._search

    def _look(self, search: _Search, since: datetime, until: datetime) -> tuple[int, int]:
        """Search reads seen from ``since`` to before ``until``; returns how many there were, and new hits."""
        looked, hits = 0, 0
        if not search.live_since or since >= until:
            return 0, 0
        for batch in self._reads.batches(since, until, self._options.batch):
            began = time.monotonic()
            met = search.index.match(
                [read.posterior for read in batch],
                [read.seen_at or until for read in batch],
                threshold=search.threshold,
            )
            for read, matches in zip(batch, met, strict=True):
                if matches:
                    hits += self._record(search, read, {match.entry.entry_id for match in matches})
            looked += len(batch)
            self._counts["looked_at"] += len(batch)
            spent_s = time.monotonic() - began
            if self._closed.wait(spent_s * (1 / self._options.share - 1)):
                raise DatabaseAway("the worker is being closed")
        return looked, hits

    def _record(self, search: _Search, read: PlateRead, sought: set[str]) -> int:
        """Weigh a read against the whole list, as it would be now, and record those of ``sought`` that it meets."""
        (met,) = self._matcher.match([Sighting(read.posterior.log_probs, datetime.now(UTC))])
        return sum(self._record_one(search, read, match) for match in met if match.entry.entry_id in sought)

    def _record_one(self, search: _Search, read: PlateRead, match: Match) -> bool:
        live_since = search.live_since[match.entry.entry_id]
        done = self._hits.record(
            read,
            match,
            same_alert_within_s=self._options.same_alert_within_s,
            before_entry=read.seen_at is not None and read.seen_at < live_since,
        )
        is_new = done.outcome is not HitOutcome.REPLAY
        self._counts["look_back_hits"] += is_new
        return is_new


def _point(one: LookBack) -> tuple[datetime, datetime]:
    """Where a search stands; look-backs at one point are done together."""
    never = datetime.min.replace(tzinfo=UTC)
    return one.before or never, one.next_hour or never

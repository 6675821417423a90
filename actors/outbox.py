"""From a camera's passes to lasting records: each report is matched, published, and only then forgotten here."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from actors.journal import Journal
from actors.peers import MatchPeer, PeerAway, PublishPeer, Sighting
from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead

_log = logging.getLogger("beket.ingest")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """Bounds of what waits in memory; what is beyond lies in the journal until there is room."""

    in_memory: int = 256
    batch: int = 32
    reads_every_s: float = 1.0
    reads_at_once: int = 200
    early_for_s: float = 600.0
    """An early report whose final one has not come by then is final."""


@dataclass(slots=True)
class OutboxCounts:
    reports: int = 0
    hits: int = 0
    alerts: int = 0
    reads: int = 0
    retries: int = 0
    replayed: int = 0
    set_aside: int = 0


class Outbox:
    """Delivers reports in their order, again and again until someone has made them last. ``put`` never blocks for long.

    ``on_hit`` is told of every hit whose clip is wanted, before the report is forgotten. ``redact`` makes a hit's
    pictures fit to be shown before the publisher has them.
    """

    def __init__(
        self,
        journal: Journal,
        matcher: MatchPeer,
        publisher: PublishPeer,
        on_hit: Callable[[PassReport], None],
        options: OutboxOptions | None = None,
        redact: Callable[[PassReport], PassReport] | None = None,
    ) -> None:
        self.counts = OutboxCounts()
        self._journal = journal
        self._matcher = matcher
        self._publisher = publisher
        self._on_hit = on_hit
        self._options = options or OutboxOptions()
        self._redact = redact
        self._pending: OrderedDict[tuple[str, str], PassReport] = OrderedDict()
        self._early: dict[tuple[str, str], tuple[float, Sequence[Match]]] = {}
        self._reads: dict[tuple[str, str], PlateRead] = {}
        self._reads_due = 0.0
        self._overflowed = journal.counts.items > 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, report: PassReport) -> None:
        """Keep ``report`` on disk and deliver it."""
        if report.read.seen_at is None:
            report = replace(report, read=replace(report.read, seen_at=datetime.now(UTC)))
        kept = self._journal.put(report)
        with self._changed:
            self.counts.reports += 1
            if kept and len(self._pending) >= self._options.in_memory and report.identity not in self._pending:
                self._overflowed = True
            else:
                self._pending[report.identity] = report
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Reports not yet delivered, those on disk only left out."""
        with self._changed:
            return len(self._pending)

    def close(self, timeout_s: float = 5.0) -> None:
        """Deliver what can be delivered in ``timeout_s``; the rest stays in the journal."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            batch = self._take()
            if batch is None:
                break
            try:
                self._end_early()
                self._deliver(batch)
                self._write_reads(force=False)
            except _Closing:
                break
        try:
            self._write_reads(force=True)
        except _Closing:
            return

    def _take(self) -> list[PassReport] | None:
        with self._changed:
            while not self._pending:
                if self._closed:
                    return None
                if self._overflowed:
                    break
                wait_s = self._reads_due - time.monotonic() if self._reads else 30.0
                if wait_s <= 0 or not self._changed.wait(wait_s):
                    return []
            if not self._pending:
                self._overflowed = False
                known = {*self._early, *self._reads}
                for report in self._journal.replay():
                    if report.identity in known:
                        continue
                    if len(self._pending) >= self._options.in_memory:
                        self._overflowed = True
                        break
                    # its pass ended with the process that watched it, if that is gone
                    self._pending[report.identity] = replace(report, read=replace(report.read, closed=True))
                    self.counts.replayed += 1
            batch: list[PassReport] = []
            while self._pending and len(batch) < self._options.batch:
                batch.append(self._pending.popitem(last=False)[1])
            return batch

    def _deliver(self, batch: list[PassReport]) -> None:
        try:
            self._match_and_settle(batch)
        except _Closing:
            raise
        except Exception:  # noqa: BLE001 - the thread's outer edge: one bad report must not hold up the others
            if len(batch) == 1:
                _log.exception("camera %s, pass %s can't be delivered; it is set aside", *batch[0].identity)
                self._journal.set_aside(batch[0].identity)
                self.counts.set_aside += 1
                return
            for report in batch:
                self._deliver([report])

    def _match_and_settle(self, batch: list[PassReport]) -> None:
        if not batch:
            return
        sightings = [
            Sighting(report.read.posterior.log_probs, report.read.seen_at or datetime.now(UTC), report.read.legibility)
            for report in batch
        ]
        met = self._insist(lambda: self._matcher.match(sightings))
        for report, matches in zip(batch, met, strict=True):
            self._settle(report, matches)

    def _settle(self, report: PassReport, matches: Sequence[Match]) -> None:
        _, before = self._early.get(report.identity, (0.0, ()))
        if report.read.closed and not matches:
            matches = before  # a hit that was alerted stands: the final report completes it
        if matches:
            found, shown = matches, self._redact(report) if self._redact is not None else report
            recorded = self._insist(lambda: self._publisher.record(shown, found))
            self.counts.hits += 1
            self.counts.alerts += recorded.raised
            if recorded.wants_clip:
                self._on_hit(report)
        if not report.read.closed:
            self._early[report.identity] = (time.monotonic(), matches)
            return
        self._early.pop(report.identity, None)
        if not self._reads:
            self._reads_due = time.monotonic() + self._options.reads_every_s
        self._reads[report.identity] = report.read

    def _end_early(self) -> None:
        """Early reports whose final one never came are taken from the journal as they are."""
        if not self._early:
            return
        oldest = time.monotonic() - self._options.early_for_s
        for identity in [identity for identity, (at, _) in self._early.items() if at < oldest]:
            del self._early[identity]
            self._overflowed = True

    def _write_reads(self, *, force: bool) -> None:
        if not self._reads:
            return
        due = time.monotonic() >= self._reads_due or len(self._reads) >= self._options.reads_at_once
        if not (due or force):
            return
        reads = list(self._reads.values())
        self._insist(lambda: self._publisher.write_reads(reads))
        for identity in self._reads:
            self._journal.drop(identity)
        self.counts.reads += len(reads)
        self._reads.clear()

    def _insist(self, call: Callable[[], _T]) -> _T:
        """Call until it works; a closing outbox gives up and leaves the report to the journal."""
        pause_s = 0.05
        while True:
            try:
                return call()
            except PeerAway as error:
                self.counts.retries += 1
                if pause_s > 1.0:
                    _log.warning("reports wait: %s", error)
                with self._changed:
                    if self._closed:
                        raise _Closing from None
                    self._changed.wait(pause_s)
                pause_s = min(pause_s * 2, 2.0)


class _Closing(Exception):
    """The outbox is closing while a peer is away."""

"""Hits, reads and camera states on their way to the database; a spool on disk while it is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from index.read import PlateRead
from storage.cameras import CameraBook
from storage.delivery import Delivery
from storage.errors import DatabaseAway, DatabaseRefused
from storage.hits import HitBook, RecordedHit
from storage.reads import ReadLog, WrittenReads
from storage.spool import Spool, SpoolFigures, SpoolItem
from storage.wire import HitReport, pack_hit, pack_reads, unpack_hit, unpack_reads

log = logging.getLogger(__name__)
_T = TypeVar("_T")
_BELIEVED_AWAY_S = 1.0
_READS: Final = "reads"


class Publisher:
    """Writes at once where it can, else into the spool, from which a thread of its own delivers. Thread-safe.

    When a method returns, what it was given is in the database or on this disk; it raises ``SpoolFull`` when it is in
    neither. What the database will never take ends aside in the spool, with the reason, and is counted in ``figures``.
    """

    def __init__(
        self, hits: HitBook, reads: ReadLog, cameras: CameraBook, spool: Spool, *, same_alert_within_s: float
    ) -> None:
        self._hits = hits
        self._reads = reads
        self._cameras = cameras
        self._spool = spool
        self._same_alert_within_s = same_alert_within_s
        self._away_until = 0.0
        self._delivery = Delivery("publisher", spool, self._deliver)

    def start(self) -> None:
        """Begin to deliver what the spool holds."""
        self._delivery.start()

    def publish_hit(self, report: HitReport) -> RecordedHit | None:
        """Record a hit; None when it waits in the spool (cut its clip in any case)."""
        return self._write(
            lambda: self._record(report),
            lambda: self._spool.put(f"hit/{report.read.camera_id}", pack_hit(report), {"kind": "hit"}),
        )

    def publish_reads(self, reads: Sequence[PlateRead]) -> WrittenReads | None:
        """Keep a batch of reads; None when it waits in the spool."""
        return self._write(
            lambda: self._reads.write(reads),
            lambda: self._spool.put(_READS, pack_reads(reads), {"kind": "reads"}),
        )

    def publish_camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> bool | None:
        """Write how a camera is; None when it waits in the spool."""
        note = {"kind": "state", "camera_id": camera_id, "state": state, "reason": reason, "since": since.isoformat()}
        return self._write(
            lambda: self._cameras.set_state(camera_id, state, reason, since),
            lambda: self._spool.put(f"state/{camera_id}", b"", note),
        )

    def forget_reads(self, older_than_s: float) -> int:
        """Give up batches of reads that have waited longer, or were set aside; returns how many."""
        return self._spool.forget(_READS, older_than_s)

    def figures(self) -> SpoolFigures:
        """How the spool is."""
        return self._spool.figures()

    def close(self) -> None:
        """End the thread; what waits stays on disk for the next start."""
        self._delivery.close()

    def _write(self, now: Callable[[], _T], later: Callable[[], None]) -> _T | None:
        if time.monotonic() >= self._away_until:
            try:
                return now()
            except DatabaseAway:
                # the next callers go to the spool at once instead of each waiting for the same timeout
                self._away_until = time.monotonic() + _BELIEVED_AWAY_S
            except DatabaseRefused as error:
                log.error("Postgres will not take this: %s; it goes to the spool, to be set aside there", error)
        later()
        return None

    def _record(self, report: HitReport) -> RecordedHit:
        return self._hits.record(
            report.read, report.match, same_alert_within_s=self._same_alert_within_s, pictures=report.pictures
        )

    def _deliver(self, item: SpoolItem) -> None:
        try:
            match item.note.get("kind"):
                case "hit":
                    self._record(unpack_hit(item.read()))
                case "reads":
                    self._reads.write(unpack_reads(item.read()))
                case "state":
                    since = datetime.fromisoformat(item.note["since"]).astimezone(UTC)
                    self._cameras.set_state(item.note["camera_id"], item.note["state"], item.note["reason"], since)
                case kind:
                    raise DatabaseRefused(f"this beket can't deliver a {kind!r}: a newer one left it")
        except DatabaseAway:
            self._away_until = time.monotonic() + _BELIEVED_AWAY_S
            raise
        self._away_until = 0.0

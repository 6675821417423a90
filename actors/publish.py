"""Hits become alerts, reads are kept for their hours: the database's writer for a region."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actors.clones import CloneDesk, CloneOptions
from actors.peers import PeerAway, Recorded
from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead
from storage.alerts import MediaState, PictureKind
from storage.camera_health import HealthBook, HealthRecord
from storage.cameras import CameraBook
from storage.clips import ClipBook
from storage.crossings import Crossing
from storage.database import Database
from storage.errors import DatabaseAway, SpoolFull
from storage.events import EventLog
from storage.hits import HitBook, HitOutcome
from storage.publisher import Publisher
from storage.reads import ReadLog
from storage.sealing import Seal
from storage.spool import Spool
from storage.wire import HitReport

_log = logging.getLogger("beket.publish")


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How long things live, and when two hits are one alert."""

    folder: Path
    """Where the spool lies."""
    retention_hours: int = 24
    events_days: int = 30
    health_days: int = 14
    same_alert_within_s: float = 60.0
    crossings: tuple[Crossing, ...] = ()
    clones: CloneOptions = field(default_factory=CloneOptions)
    spool_bytes: int = 4 * 2**30
    clip_overdue_s: float = 3600.0
    maintain_every_s: float = 300.0


class RegionPublisher:
    """Writes what ingests report, and keeps the database's house. Thread-safe.

    Every write is idempotent under (camera, pass, entry). What ``record`` and ``write_reads`` return for is in
    Postgres, or in a spool that empties itself into Postgres as soon as that is back.
    """

    def __init__(self, database: Database, seal: Seal, options: PublishOptions) -> None:
        self._options = options
        self._reads = ReadLog(database, retention_hours=options.retention_hours)
        self._clips = ClipBook(database)
        self._events = EventLog(database)
        self._health = HealthBook(database, history_days=options.health_days)
        self._publisher = Publisher(
            HitBook(database, options.crossings),
            self._reads,
            CameraBook(database, seal),
            Spool(options.folder / "spool", bound_bytes=options.spool_bytes),
            same_alert_within_s=options.same_alert_within_s,
        )
        self._clone_desk = CloneDesk(database, options.clones)
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ("raised", "updated", "replay", "spooled", "reads", "reads_refused", "reads_ahead"), 0
        )
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._maintain, name="retention", daemon=True)
        self._publisher.start()
        self._thread.start()

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        """Make the hits of ``report`` last and alert. Raises ``PeerAway`` when neither Postgres nor the spool took
        them."""
        pictures = {
            kind: jpeg
            for kind, jpeg in ((PictureKind.PLATE, report.plate_jpeg), (PictureKind.VEHICLE, report.vehicle_jpeg))
            if jpeg
        }
        wants_clip, raised = False, 0
        for match in matches:
            try:
                recorded = self._publisher.publish_hit(HitReport(report.read, match, pictures))
            except SpoolFull as error:
                raise PeerAway(str(error)) from None
            if recorded is None:
                wants_clip = True
                self._count("spooled")
                continue
            wants_clip |= recorded.clip is MediaState.PENDING
            raised += recorded.outcome is HitOutcome.RAISED
            self._count(recorded.outcome.value)
        return Recorded(wants_clip, raised)

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        """Keep reads. Raises ``PeerAway`` when neither Postgres nor the spool took them."""
        try:
            written = self._publisher.publish_reads(reads)
        except SpoolFull as error:
            raise PeerAway(str(error)) from None
        if written is not None:
            self._count("reads", written.written)
            self._count("reads_refused", written.refused)
            self._count("reads_ahead", written.ahead)
        self._clone_desk.observe(reads)

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        """Write how a camera is, and tell those who follow. Raises ``PeerAway``."""
        try:
            self._publisher.publish_camera_state(camera_id, state, reason, since)
        except SpoolFull as error:
            raise PeerAway(str(error)) from None

    def camera_health(self, records: Sequence[HealthRecord]) -> None:
        """Write how well cameras see and send. Raises ``PeerAway``: it is the ingest that holds on to the latest."""
        try:
            self._health.record(records)
        except DatabaseAway as error:
            raise PeerAway(str(error)) from None

    def stats(self) -> dict[str, object]:
        figures = self._publisher.figures()
        with self._lock:
            counts = dict(self._counts)
        return {
            **counts,
            "spool_items": figures.items,
            "spool_bytes": figures.size_bytes,
            "spool_refused": figures.refused,
            "set_aside": figures.set_aside,
            **self._clone_desk.stats(),
        }

    def close(self) -> None:
        self._closed.set()
        self._publisher.close()
        self._thread.join(5.0)

    def _maintain(self) -> None:
        while True:
            pause_s = self._options.maintain_every_s
            try:
                self._publisher.forget_reads(3600.0 * self._options.retention_hours)
                retention = self._reads.maintain()
                if retention.dropped:
                    _log.info("forgotten: %s", ", ".join(retention.dropped))
                self._clone_desk.maintain()
                self._clips.give_up_overdue(self._options.clip_overdue_s)
                self._health.maintain()
                self._events.prune(datetime.now(UTC) - timedelta(days=self._options.events_days))
            except DatabaseAway:
                pause_s = 5.0
            except Exception:  # noqa: BLE001 - the thread's outer edge: the next round tries again
                _log.exception("retention failed")
            if self._closed.wait(pause_s):
                return

    def _count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self._counts[what] += by

"""Every read for some hours, then none: time partitions written by COPY and dropped whole."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql

from index.read import PlateRead, Posterior
from storage.database import Connection, Database
from storage.errors import DatabaseRefused
from storage.forgetting import wipe_traces
from storage.posteriors import pack_posterior, unpack_posterior

_log = logging.getLogger(__name__)

RETENTION_HOURS: Final = 24
RETENTION_CEILING_HOURS: Final = 168
"""What matches nothing is forgotten: no setting goes beyond this."""

_AHEAD = timedelta(hours=3)
CLOCK_LEAP = timedelta(hours=1)
"""A read from further in the future than this has a broken clock: it is kept under the time of its arrival."""
_TELL_AHEAD_EVERY_S: Final = 60.0
_LOCK: Final = 0x6265_6B65_7401
_NAME = re.compile(r"(?:reads|appearances)_(\d{10})")
_COLUMNS: Final = (
    "seen_at, camera_id, pass_id, text, score, legibility, country, format, lines, frames_read, vehicle_type, "
    "vehicle_colour, plate_box, vehicle_box, posterior"
)

_TYPES: Final = (
    "timestamptz",
    *("text", "text", "text", "float4", "float4", "text", "text", "int2", "int4", "text", "text"),
    *("float4[]", "float4[]", "bytea"),
)
_LOOK_COLUMNS: Final = "seen_at, camera_id, pass_id, vector"
_LOOK_TYPES: Final = ("timestamptz", "text", "text", "bytea")


@dataclass(frozen=True, slots=True)
class WrittenReads:
    """What became of a batch of reads."""

    written: int
    replayed: int
    """Known already."""
    refused: int
    """Older than the retention: not kept."""
    ahead: int = 0
    """From a clock that runs ahead: kept under the time of their arrival, so that they go when all others do."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What one round of retention did: names of the partitions made and dropped, and the oldest hour still kept."""

    created: tuple[str, ...]
    dropped: tuple[str, ...]
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class StoredRead:
    """A read that is still kept."""

    seen_at: datetime
    camera_id: str
    pass_id: str
    text: str
    score: float
    country: str | None
    format: str | None
    vehicle_type: str | None
    posterior: Posterior


class ReadLog:
    """Keeps reads for ``retention_hours``. Thread-safe, safe between processes.

    Partitions are an hour long; ``maintain`` is to be called every few minutes by someone, and makes them ahead and
    drops them whole. A read whose partition is missing gets it made on the way.
    """

    def __init__(self, database: Database, *, retention_hours: int = RETENTION_HOURS) -> None:
        if not 1 <= retention_hours <= RETENTION_CEILING_HOURS:
            raise ValueError(
                f"reads are kept for 1 to {RETENTION_CEILING_HOURS} hours, not {retention_hours}: change the retention"
            )
        self._database = database
        self._retention = timedelta(hours=retention_hours)
        self._known: set[str] = set()
        self._has_traces = False
        self._ahead_told = float("-inf")
        self._guard = threading.Lock()

    def write(self, reads: Sequence[PlateRead], *, now: datetime | None = None) -> WrittenReads:
        """Write a batch in one transaction; what is there already is left as it is. Raises ``DatabaseAway``."""
        now = now or datetime.now(UTC)
        horizon = _hour(now - self._retention)
        ahead = [read for read in reads if (read.seen_at or now) > now + CLOCK_LEAP]
        replayed = 0
        if ahead:
            self._tell_ahead(ahead, now)
            rest = [read for read in reads if (read.seen_at or now) <= now + CLOCK_LEAP]
            fresh = self._not_kept(ahead)
            replayed = len(ahead) - len(fresh)
            reads = [*rest, *(replace(read, seen_at=now) for read in fresh)]
        timely = [read for read in reads if horizon <= (read.seen_at or now)]
        rows = [_row(read, read.seen_at or now) for read in timely]
        looks = [
            (read.seen_at or now, read.camera_id, read.pass_id, read.appearance)
            for read in timely
            if read.appearance is not None
        ]
        refused = len(reads) - len(rows)
        if not rows:
            return WrittenReads(0, replayed, refused, len(ahead))
        self._ensure({_hour(row[0]) for row in rows})
        try:
            written = self._copy(rows, looks)
        except DatabaseRefused as error:
            if not isinstance(error.__cause__, psycopg.errors.CheckViolation | psycopg.errors.UniqueViolation):
                raise
            if isinstance(error.__cause__, psycopg.errors.CheckViolation):
                self._known.clear()  # someone dropped the partition: make it again
                self._ensure({_hour(row[0]) for row in rows})
            written = self._copy_new(rows, looks)
        return WrittenReads(written, replayed + len(rows) - written, refused, len(ahead))

    def maintain(self, *, now: datetime | None = None) -> Retention:
        """Make the coming hours' partitions; drop those whose every read is older than the retention, traces and all.

        Raises ``DatabaseAway``: then the next round does it.
        """
        now = now or datetime.now(UTC)
        coming = {_hour(now) + timedelta(hours=n) for n in range(int(_AHEAD.total_seconds() // 3600) + 1)}
        created = self._ensure(coming)
        dropped = []
        with self._database.transaction() as connection:
            _lock_partitions(connection)
            partitions = partitions_of(connection, "reads")
            for name, start in sorted((partitions_of(connection, "appearances") | partitions).items()):
                if start + timedelta(hours=1) <= now - self._retention:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                    if name in partitions:
                        dropped.append(name)
        with self._guard:
            self._known -= set(dropped)
        self._has_traces |= bool(dropped)
        if self._has_traces:
            self._has_traces = not wipe_traces(self._database)
        kept = [start for name, start in partitions.items() if name not in dropped]
        return Retention(tuple(sorted(created)), tuple(dropped), min(kept, default=None))

    def count(self) -> int:
        """How many reads are kept now."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT count(*) FROM reads").fetchone()
        return 0 if row is None else int(row[0])

    def find(self, text: str, since: datetime, until: datetime, limit: int = 100) -> list[StoredRead]:
        """Reads whose best text is ``text``, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT seen_at, camera_id, pass_id, text, score, country, format, vehicle_type, posterior FROM reads "
                "WHERE text = %s AND seen_at >= %s AND seen_at < %s ORDER BY seen_at DESC LIMIT %s",
                [text, since, until, limit],
            ).fetchall()
        return [StoredRead(*(*row[:8], unpack_posterior(row[8]))) for row in rows]

    def _not_kept(self, reads: Sequence[PlateRead]) -> list[PlateRead]:
        """Those that are not kept yet, under whatever time."""
        with self._database.transaction() as connection:
            kept = connection.execute(
                "SELECT camera_id, pass_id FROM reads "
                "JOIN unnest(%s::text[], %s::text[]) AS sought (camera_id, pass_id) USING (camera_id, pass_id)",
                [[read.camera_id for read in reads], [read.pass_id for read in reads]],
            ).fetchall()
        return [read for read in reads if (read.camera_id, read.pass_id) not in kept]

    def _tell_ahead(self, reads: Sequence[PlateRead], now: datetime) -> None:
        if time.monotonic() - self._ahead_told < _TELL_AHEAD_EVERY_S:
            return
        self._ahead_told = time.monotonic()
        farthest = max(read.seen_at - now for read in reads if read.seen_at is not None)
        _log.error(
            "reads of %s are from a clock that runs %.1f h ahead of this node's: they are kept under the time of their "
            "arrival; set the clocks of both nodes (NTP)",
            ", ".join(sorted({read.camera_id for read in reads})[:5]),
            farthest / timedelta(hours=1),
        )

    def _ensure(self, hours: set[datetime]) -> list[str]:
        wanted = {_name(hour): hour for hour in hours}
        with self._guard:
            missing = wanted.keys() - self._known
        if not missing:
            return []
        created = []
        with self._database.transaction() as connection:
            _lock_partitions(connection)
            for parent in ("appearances", "reads"):
                there = partitions_of(connection, parent).values()
                for name in sorted(name for name in missing if wanted[name] not in there):
                    hour, partition = wanted[name], _name(wanted[name], parent)
                    connection.execute(
                        sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                            sql.Identifier(partition), sql.Identifier(parent), hour, hour + timedelta(hours=1)
                        )
                    )
                    if partition == name:
                        created.append(name)
        with self._guard:
            self._known |= wanted.keys()
        return created

    def _copy(self, rows: Sequence[tuple[Any, ...]], looks: Sequence[tuple[Any, ...]]) -> int:
        with self._database.transaction() as connection:
            _copy_into(connection, "reads", _COLUMNS, _TYPES, rows)
            _copy_into(connection, "appearances", _LOOK_COLUMNS, _LOOK_TYPES, looks)
        return len(rows)

    def _copy_new(self, rows: Sequence[tuple[Any, ...]], looks: Sequence[tuple[Any, ...]]) -> int:
        with self._database.transaction() as connection:
            _copy_missing(connection, "appearances", _LOOK_COLUMNS, _LOOK_TYPES, looks)
            return _copy_missing(connection, "reads", _COLUMNS, _TYPES, rows)


def _copy_into(
    connection: Connection, table: str, columns: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    if not rows:
        return
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _copy_missing(
    connection: Connection, table: str, columns: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> int:
    connection.execute(f"CREATE TEMP TABLE {table}_arrived (LIKE {table}) ON COMMIT DROP".encode())
    _copy_into(connection, f"{table}_arrived", columns, types, rows)
    return connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_arrived ON CONFLICT DO NOTHING".encode()  # noqa: S608
    ).rowcount


def _row(read: PlateRead, seen_at: datetime) -> tuple[Any, ...]:
    return (
        seen_at,
        read.camera_id,
        read.pass_id,
        read.text,
        read.score,
        read.legibility,
        read.country,
        read.format,
        read.lines,
        read.frames_read,
        read.vehicle_type,
        read.vehicle_colour,
        list(read.plate_box),
        None if read.vehicle_box is None else list(read.vehicle_box),
        pack_posterior(read.posterior),
    )


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _name(hour: datetime, parent: str = "reads") -> str:
    return f"{parent}_{hour:%Y%m%d%H}"


def _lock_partitions(connection: Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def partitions_of(connection: Connection, parent: str) -> dict[str, datetime]:
    """Names of a table's partitions with the hour each begins."""
    rows = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass",
        [parent],
    ).fetchall()
    matches = (_NAME.fullmatch(name) for (name,) in rows)
    return {m[0]: datetime.strptime(m[1], "%Y%m%d%H").replace(tzinfo=UTC) for m in matches if m is not None}

"""Cameras' health: how each is now, how it was in the last days, and an event for each change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from storage.database import Connection, Database
from storage.events import append_event

_LOCK: Final = 0x6265_6B65_7404
_NAME = re.compile(r"camera_health_samples_(\d{8})")
_DAY = timedelta(days=1)
_CLOCK_LEAP = timedelta(minutes=1)
"""A record from further in the future than this has a broken clock."""
_NODE_CLOCK: Final = "node_clock"
_NODE_CLOCK_POINTS: Final = 30


@dataclass(frozen=True, slots=True)
class HealthReason:
    """One thing wrong with a camera, that has held for long enough to be told."""

    code: str
    severity: float
    """0 (barely) to 1 (at its worst)."""
    points: int
    """What it takes of the score's 100."""
    measured: float | str | None
    required: float | str | None
    unit: str
    detail: str
    way_out: str
    since: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """What was measured of a camera's stream. What could not be told is None."""

    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_bps: float | None = None
    keyframe_interval_s: float | None = None
    lost_share: float | None = None
    skew_s: float | None = None
    plate_px: float | None = None


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """A camera's health at one moment, as the one who watches it tells it."""

    camera_id: str
    at: datetime
    """UTC."""
    reasons: tuple[HealthReason, ...]
    settled: frozenset[str]
    """Codes that are known to be among the reasons or not. Who has just begun to watch knows of few: others stay as
    they were told before."""
    figures: HealthFigures


@dataclass(frozen=True, slots=True)
class StoredHealth:
    """A camera's health as it is kept."""

    camera_id: str
    at: datetime
    score: int
    reasons: tuple[HealthReason, ...]
    figures: HealthFigures


class HealthBook:
    """Keeps cameras' health for ``history_days``. Thread-safe, safe between processes.

    Every method may raise ``DatabaseAway``. ``maintain`` is to be called every few minutes by someone.
    """

    def __init__(self, database: Database, *, history_days: int = 14) -> None:
        self._database = database
        self._history = timedelta(days=history_days)
        self._known: set[str] = set()

    def record(self, records: Sequence[HealthRecord]) -> int:
        """Write how cameras are, each into its history; a change of what is wrong becomes a ``camera.health`` event.

        What is older than what is known (an orphan's last word, a replay), and what is of a camera that is not there
        any more, is passed over. What a clock that runs ahead tells is taken for now's, and that is one more reason.
        Returns how many were taken.
        """
        now = datetime.now(UTC)
        records = [_by_our_clock(record, now) for record in records if now - self._history <= record.at]
        if not records:
            return 0
        self._ensure({_day(record.at) for record in records})
        taken = 0
        events: list[dict[str, Any]] = []
        with self._database.transaction() as connection:
            there = _locked(connection, [record.camera_id for record in records])
            for record in sorted(records, key=lambda record: (record.at, record.camera_id)):
                if record.camera_id not in there:
                    continue
                before = there[record.camera_id]
                if before is not None and record.at <= before.at <= now + _CLOCK_LEAP:
                    continue
                now_is = _merged(record, before)
                event = _change(before, now_is)
                _write(connection, now_is, is_change=event is not None)
                if event is not None:
                    events.append(event)
                there[record.camera_id] = now_is
                taken += 1
            for event in events:  # last: the log is locked from here to the commit
                append_event(connection, "camera.health", event)
        return taken

    def maintain(self, *, now: datetime | None = None) -> tuple[str, ...]:
        """Make the coming day's partition, drop those older than the history; the names of those dropped."""
        now = now or datetime.now(UTC)
        self._ensure({_day(now), _day(now) + _DAY})
        dropped = []
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for name, start in sorted(_partitions(connection).items()):
                if start + _DAY <= now - self._history:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                    dropped.append(name)
        self._known.difference_update(dropped)
        return tuple(dropped)

    def _ensure(self, days: set[datetime]) -> None:
        missing = {_name(day): day for day in days if _name(day) not in self._known}
        if not missing:
            return
        with self._database.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            there = _partitions(connection)
            for name, day in missing.items():
                if name not in there:
                    connection.execute(
                        sql.SQL(
                            "CREATE TABLE {} PARTITION OF camera_health_samples FOR VALUES FROM ({}) TO ({})"
                        ).format(sql.Identifier(name), day, day + _DAY)
                    )
        self._known.update(missing)


def latest_health(database: Database) -> dict[str, StoredHealth]:
    """The latest health of every camera that has been watched, by id. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        rows = connection.execute("SELECT camera_id, at, score, reasons, measured FROM camera_health").fetchall()
    return {row[0]: _stored(row) for row in rows}


def health_history(
    database: Database, camera_id: str, since: datetime, limit: int = 1000
) -> tuple[StoredHealth | None, list[StoredHealth]]:
    """A camera's latest health (None: never watched) and its samples from ``since`` on, newest first.

    Raises ``LookupError`` for a camera that is not known, ``DatabaseAway``.
    """
    with database.transaction() as connection:
        known = connection.execute("SELECT 1 FROM cameras WHERE camera_id = %s", [camera_id]).fetchone()
        if known is None:
            raise LookupError(f"there is no camera {camera_id}")
        latest = connection.execute(
            "SELECT camera_id, at, score, reasons, measured FROM camera_health WHERE camera_id = %s", [camera_id]
        ).fetchone()
        rows = connection.execute(
            "SELECT camera_id, at, score, reasons, measured FROM camera_health_samples "
            "WHERE camera_id = %s AND at >= %s ORDER BY at DESC LIMIT %s",
            [camera_id, since, limit],
        ).fetchall()
    return None if latest is None else _stored(latest), [_stored(row) for row in rows]


def _locked(connection: Connection, camera_ids: list[str]) -> dict[str, StoredHealth | None]:
    """What is known of those cameras that are there; they stay locked, so that two writers do not cross."""
    rows = connection.execute(
        "SELECT camera_id FROM cameras WHERE camera_id = ANY(%s) ORDER BY camera_id FOR NO KEY UPDATE", [camera_ids]
    ).fetchall()
    there: dict[str, StoredHealth | None] = {camera_id: None for (camera_id,) in rows}
    # a statement of its own: one that has waited for the lock would still see what was before it
    known = connection.execute(
        "SELECT camera_id, at, score, reasons, measured FROM camera_health WHERE camera_id = ANY(%s)", [list(there)]
    ).fetchall()
    return there | {row[0]: _stored(row) for row in known}


def _by_our_clock(record: HealthRecord, now: datetime) -> HealthRecord:
    """The record with a time that can be, and with what there is to say of the clock of the node that told it."""
    settled = record.settled | {_NODE_CLOCK}
    if record.at <= now + _CLOCK_LEAP:
        return replace(record, settled=settled)
    ahead_s = round((record.at - now).total_seconds(), 1)
    way_out = "set the clock of the node that watches the camera (NTP)"
    reason = HealthReason(
        _NODE_CLOCK,
        1.0,
        _NODE_CLOCK_POINTS,
        ahead_s,
        _CLOCK_LEAP.total_seconds(),
        "s",
        "",
        way_out,
        now.isoformat(timespec="seconds"),
    )
    return replace(record, at=now, reasons=(*record.reasons, reason), settled=settled)


def _merged(record: HealthRecord, before: StoredHealth | None) -> StoredHealth:
    told = {reason.code for reason in record.reasons}
    kept = [one for one in (before.reasons if before else ()) if one.code not in record.settled | told]
    reasons = tuple(sorted((*record.reasons, *kept), key=lambda reason: (-reason.points, reason.code)))
    score = max(0, 100 - sum(reason.points for reason in reasons))
    return StoredHealth(record.camera_id, record.at, score, reasons, record.figures)


def _change(before: StoredHealth | None, now: StoredHealth) -> dict[str, Any] | None:
    """The event's data, where what is wrong has changed."""
    were = {reason.code for reason in before.reasons} if before else set()
    are = {reason.code for reason in now.reasons}
    if were == are:
        return None
    return {
        "camera_id": now.camera_id,
        "score": now.score,
        "reasons": [asdict(reason) for reason in now.reasons],
        "raised": sorted(are - were),
        "cleared": sorted(were - are),
        "at": now.at.isoformat(),
    }


def _write(connection: Connection, health: StoredHealth, *, is_change: bool) -> None:
    values = [
        health.camera_id,
        health.at,
        health.score,
        Jsonb([asdict(reason) for reason in health.reasons]),
        Jsonb({name: value for name, value in asdict(health.figures).items() if value is not None}),
    ]
    connection.execute(
        "INSERT INTO camera_health (camera_id, at, score, reasons, measured, changed_at) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (camera_id) DO UPDATE SET (at, score, reasons, measured, "
        "changed_at) = (excluded.at, excluded.score, excluded.reasons, excluded.measured, "
        "CASE WHEN %s THEN excluded.changed_at ELSE camera_health.changed_at END)",
        [*values, health.at, is_change],
    )
    connection.execute(
        "INSERT INTO camera_health_samples (camera_id, at, score, reasons, measured) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        values,
    )


def _stored(row: Sequence[Any]) -> StoredHealth:
    return StoredHealth(
        row[0], row[1], row[2], tuple(HealthReason(**reason) for reason in row[3]), HealthFigures(**row[4])
    )


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _name(day: datetime) -> str:
    return f"camera_health_samples_{day:%Y%m%d}"


def _partitions(connection: Connection) -> dict[str, datetime]:
    rows = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'camera_health_samples'::regclass"
    ).fetchall()
    found = {}
    for (name,) in rows:
        match = _NAME.fullmatch(name)
        if match is not None:
            found[name] = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC)
    return found

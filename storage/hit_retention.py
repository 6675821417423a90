"""Hits past keeping: their alerts, pictures and clips go together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from storage.archive import Archive
from storage.database import Connection, Database

HITS_DAYS: Final = 1096
HITS_CEILING_DAYS: Final = 3660
_AT_ONCE: Final = 50
_PAST: Final = "SELECT alert_id FROM alerts WHERE raised_at < %s ORDER BY raised_at LIMIT %s FOR UPDATE SKIP LOCKED"
_HITS: Final = """
WITH gone AS (DELETE FROM hits WHERE alert_id = ANY(%(alerts)s) RETURNING camera_id, pass_id)
SELECT DISTINCT camera_id, pass_id FROM gone WHERE NOT EXISTS (
    SELECT FROM hits h
    WHERE (h.camera_id, h.pass_id) = (gone.camera_id, gone.pass_id) AND h.alert_id <> ALL(%(alerts)s)
)
"""
_OF_PASSES: Final = (
    "t USING unnest(%s::text[], %s::text[]) AS gone (camera_id, pass_id) "
    "WHERE (t.camera_id, t.pass_id) = (gone.camera_id, gone.pass_id)"
)


class HitRetention:
    """Forgets alerts ``hits_days`` after they were raised. Safe between processes."""

    def __init__(self, database: Database, archive: Archive, *, hits_days: int = HITS_DAYS) -> None:
        if not 1 <= hits_days <= HITS_CEILING_DAYS:
            raise ValueError(f"hits are kept for 1 to {HITS_CEILING_DAYS} days, not {hits_days}: change the retention")
        self._database = database
        self._archive = archive
        self._term = timedelta(days=hits_days)

    def maintain(self, *, now: datetime | None = None) -> int:
        """Delete what is past keeping; returns how many alerts. A clip leaves S3 before its row leaves Postgres.

        Raises ``DatabaseAway``, ``ArchiveAway``: then the next round does the rest.
        """
        horizon = (now or datetime.now(UTC)) - self._term
        count = 0
        while True:
            with self._database.transaction() as connection:
                alerts = [alert_id for (alert_id,) in connection.execute(_PAST, [horizon, _AT_ONCE])]
                if not alerts:
                    return count
                self._delete(connection, alerts)
            count += len(alerts)

    def _delete(self, connection: Connection, alerts: list[object]) -> None:
        passes = connection.execute(_HITS, {"alerts": alerts}).fetchall()
        gone = [[camera_id for camera_id, _ in passes], [pass_id for _, pass_id in passes]]
        connection.execute(f"DELETE FROM hit_pictures {_OF_PASSES}".encode(), gone)  # noqa: S608 - constants
        clips = connection.execute(f"DELETE FROM clips {_OF_PASSES} RETURNING key".encode(), gone)  # noqa: S608
        for (key,) in clips:
            if key is not None:
                self._archive.delete(key)
        connection.execute("DELETE FROM alerts WHERE alert_id = ANY(%s)", [alerts])

"""The reads still kept, hour by hour in batches: for looking back without holding anything for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from index.read import Box, PlateRead
from storage.database import Database
from storage.posteriors import unpack_posterior
from storage.reads import partitions_of

_BATCH: Final = """
SELECT camera_id, pass_id, seen_at, posterior, legibility, country, format, lines, frames_read, plate_box, vehicle_box,
       vehicle_type, vehicle_colour
FROM reads
WHERE seen_at >= %(since)s AND seen_at < %(until)s AND (camera_id, pass_id, seen_at) > (%(camera)s, %(pass)s, %(at)s)
ORDER BY camera_id, pass_id, seen_at LIMIT %(limit)s
"""


class KeptReads:
    """Walks through kept reads. Each batch is a transaction of its own: an hour may be dropped between two.

    Methods raise ``DatabaseAway``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def hours(self) -> list[datetime]:
        """The hours that may hold reads, newest first."""
        with self._database.transaction() as connection:
            return sorted(partitions_of(connection, "reads").values(), reverse=True)

    def batches(self, since: datetime, until: datetime, size: int = 500) -> Iterator[list[PlateRead]]:
        """Reads seen from ``since`` to before ``until``, at most ``size`` at a time; at best within one hour."""
        camera, name, at = "", "", since - timedelta(hours=1)
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(
                    _BATCH,
                    {"since": since, "until": until, "camera": camera, "pass": name, "at": at, "limit": size},
                ).fetchall()
            if not rows:
                return
            camera, name, at = rows[-1][:3]
            yield [_read(row) for row in rows]
            if len(rows) < size:
                return


def _read(row: tuple[Any, ...]) -> PlateRead:
    return PlateRead(
        camera_id=row[0],
        pass_id=row[1],
        posterior=unpack_posterior(row[3]),
        legibility=row[4],
        country=row[5],
        format=row[6],
        lines=row[7],
        frames_read=row[8],
        plate_box=Box(*row[9]),
        vehicle_box=None if row[10] is None else Box(*row[10]),
        vehicle_type=row[11],
        t_in=None,
        t_out=None,
        best_t=None,
        seen_at=row[2],
        vehicle_colour=row[12],
    )

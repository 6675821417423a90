"""Suspected clones told to those who follow: an event with both sightings."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from index.clones import Clone, Place, Sighting
from storage.database import Connection, Database
from storage.events import append_event


class CloneBook:
    """Tells of clones. Thread-safe; every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def places(self) -> dict[str, Place | None]:
        """Where each camera stands, as far as it is known."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT camera_id, latitude, longitude FROM cameras").fetchall()
        return {row[0]: None if row[1] is None or row[2] is None else Place(row[1], row[2]) for row in rows}

    def announce(self, clone: Clone) -> int:
        """Write the event ``clone.suspected``; returns its cursor."""
        is_finite = clone.speed_kmh is not None and math.isfinite(clone.speed_kmh)
        with self._database.transaction() as connection:
            data = {
                "text": clone.later.text,
                "reason": clone.reason.value,
                "distance_km": None if clone.distance_km is None else round(clone.distance_km, 1),
                "speed_kmh": round(clone.speed_kmh) if is_finite and clone.speed_kmh is not None else None,
                "earlier": _side(connection, clone.earlier),
                "later": _side(connection, clone.later),
            }
            return append_event(connection, "clone.suspected", data)

    def forget(self, since: datetime | None, until: datetime) -> int:
        """Empty the events told from ``since`` (None: ever) to before ``until``: a clone is no hit, its reads are not
        kept longer than others. The events keep their cursors, which have no gaps."""
        with self._database.transaction() as connection:
            return connection.execute(
                "UPDATE events SET kind = 'clone.forgotten', data = '{}' "
                "WHERE kind = 'clone.suspected' AND at >= coalesce(%s::timestamptz, '-infinity') AND at < %s",
                [since, until],
            ).rowcount


def _side(connection: Connection, sighting: Sighting) -> dict[str, Any]:
    """One sighting, with the kinds of pictures that are kept of its pass: only hits keep any."""
    name = connection.execute("SELECT name FROM cameras WHERE camera_id = %s", [sighting.camera_id]).fetchone()
    pictures = connection.execute(
        "SELECT kind FROM hit_pictures WHERE camera_id = %s AND pass_id = %s ORDER BY kind",
        [sighting.camera_id, sighting.pass_id],
    ).fetchall()
    return {
        "camera_id": sighting.camera_id,
        "name": sighting.camera_id if name is None else name[0],
        "pass_id": sighting.pass_id,
        "seen_at": sighting.seen_at.isoformat(),
        "score": round(sighting.score, 4),
        "vehicle_type": sighting.vehicle_type,
        "pictures": [row[0] for row in pictures],
    }

"""From a place to the cameras that stand there."""

from __future__ import annotations

import math
from typing import Any, Final

from index.clones import Place as Position
from index.clones import great_circle_km
from storage.database import Connection
from storage.search.errors import QueryRefused
from storage.search.query import MOST_CAMERAS, Place, contains

_METRES_A_DEGREE: Final = 111_000.0
"""Somewhat less than a degree of latitude: boxes made with it are a little too large, never too small."""
_IN_BOX: Final = (
    "SELECT camera_id, longitude, latitude FROM cameras "
    "WHERE latitude BETWEEN %s AND %s AND longitude BETWEEN %s AND %s"
)


def cameras_at(connection: Connection, place: Place) -> list[str] | None:
    """Ids of the cameras in ``place``, sorted; None for everywhere. Raises ``QueryRefused``."""
    if place.is_everywhere:
        return None
    found = set(place.cameras)
    if place.area:
        points = [point for polygon in place.area for ring in polygon for point in ring]
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        for camera_id, longitude, latitude in _in_box(connection, south, north, west, east):
            if contains(place.area, longitude, latitude):
                found.add(camera_id)
    if place.centre is not None:
        longitude, latitude = place.centre
        middle = Position(latitude, longitude)
        high = place.radius_m / _METRES_A_DEGREE
        wide = high / max(math.cos(math.radians(min(abs(latitude) + high, 89.9))), 1e-3)
        for camera_id, x, y in _in_box(
            connection, latitude - high, latitude + high, longitude - wide, longitude + wide
        ):
            if 1e3 * great_circle_km(middle, Position(y, x)) <= place.radius_m:
                found.add(camera_id)
    if place.road:
        pattern = "%" + place.road.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.update(
            camera_id
            for (camera_id,) in connection.execute(
                "SELECT camera_id FROM cameras WHERE place ILIKE %s OR name ILIKE %s", [pattern, pattern]
            )
        )
    if len(found) > MOST_CAMERAS:
        raise QueryRefused("place", f"place: {len(found)} cameras stand there; at most {MOST_CAMERAS} can be searched")
    return sorted(found)


def _in_box(connection: Connection, south: float, north: float, west: float, east: float) -> list[tuple[Any, ...]]:
    return connection.execute(_IN_BOX, [south, north, west, east]).fetchall()

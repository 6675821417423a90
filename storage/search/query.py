"""What is looked for: a plate, a place, a time, a kind of vehicle."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from index.lookalikes import PlateError, normalise
from index.read import Posterior
from storage.search.errors import QueryRefused

FEWEST_KNOWN: Final = 2
"""Characters that a partial plate must name: with fewer it asks for a good part of the traffic."""
MOST_CAMERAS: Final = 20_000
MOST_POINTS: Final = 2_000

Ring = tuple[tuple[float, float], ...]
"""Corners as (longitude, latitude), degrees; the last is the first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where: cameras that stand in any of what is given. All empty: everywhere."""

    cameras: tuple[str, ...] = ()
    area: tuple[tuple[Ring, ...], ...] = ()
    """Polygons; each is an outer ring and the holes in it."""
    centre: tuple[float, float] | None = None
    """(longitude, latitude), degrees."""
    radius_m: float = 0.0
    road: str = ""
    """Part of a camera's name or place, whatever its case."""

    def __post_init__(self) -> None:
        if len(self.cameras) > MOST_CAMERAS:
            raise QueryRefused("place", f"place.cameras: at most {MOST_CAMERAS} can be named; draw an area instead")
        if sum(len(ring) for polygon in self.area for ring in polygon) > MOST_POINTS:
            raise QueryRefused("place", f"place.area: at most {MOST_POINTS} corners; draw it more coarsely")
        if self.centre is not None and not 0 < self.radius_m <= 500_000:
            raise QueryRefused("place", "place.radius_m: more than 0 and at most 500000 metres")
        if self.road and len(self.road.strip()) < 2:
            raise QueryRefused("place", "place.road: give two characters or more of the road's name")

    @property
    def is_everywhere(self) -> bool:
        return not (self.cameras or self.area or self.centre is not None or self.road)

    def as_json(self) -> dict[str, Any]:
        return {
            "cameras": list(self.cameras),
            "area": [[[list(point) for point in ring] for ring in polygon] for polygon in self.area],
            "centre": None if self.centre is None else list(self.centre),
            "radius_m": self.radius_m if self.centre is not None else None,
            "road": self.road,
        }


def polygons_of(geometry: dict[str, Any]) -> tuple[tuple[Ring, ...], ...]:
    """The polygons of a GeoJSON ``Polygon`` or ``MultiPolygon`` (RFC 7946). Raises ``QueryRefused``."""
    coordinates = geometry.get("coordinates")
    match geometry.get("type"):
        case "Polygon":
            polygons: Any = [coordinates]
        case "MultiPolygon":
            polygons = coordinates
        case other:
            raise QueryRefused("place", f"place.area: a Polygon or MultiPolygon is wanted, not {str(other)[:40]!r}")
    try:
        found = tuple(
            tuple(tuple((float(point[0]), float(point[1])) for point in ring) for ring in polygon)
            for polygon in polygons
        )
    except (TypeError, ValueError, IndexError):
        raise QueryRefused("place", "place.area: its coordinates are no rings of [longitude, latitude]") from None
    for polygon in found:
        if not polygon:
            raise QueryRefused("place", "place.area: a polygon has no ring")
        for ring in polygon:
            if len(ring) < 4 or ring[0] != ring[-1]:
                raise QueryRefused("place", "place.area: a ring has four corners or more, the last equal to the first")
            if not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring):
                raise QueryRefused("place", "place.area: longitudes are within 180 and latitudes within 90 degrees")
    return found


def contains(area: tuple[tuple[Ring, ...], ...], longitude: float, latitude: float) -> bool:
    """Whether a point lies in one of the polygons and in none of its holes (even-odd rule)."""
    return any(sum(_crosses(ring, longitude, latitude) for ring in polygon) % 2 == 1 for polygon in area)


def _crosses(ring: Ring, x: float, y: float) -> bool:
    inside = False
    for (x0, y0), (x1, y1) in itertools.pairwise(ring):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            inside = not inside
    return inside


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """What a photo shows of the vehicle that is sought. The photo itself is not kept, only its ``sha256``."""

    sha256: str
    vehicle: int = 0
    """Which of the photo's vehicles."""
    reading: Posterior | None = None
    """Of its plate; None where it can't be read."""
    looks: NDArray[np.float32] | None = None
    """What it looks like, ``(index.appearance.DIMENSIONS,)``; None where that is not compared."""
    colour: str | None = None

    def __post_init__(self) -> None:
        if self.reading is None and self.looks is None:
            raise QueryRefused("photo", "photo: shows neither a plate that can be read nor a vehicle to compare")


@dataclass(frozen=True, slots=True)
class Query:
    """A question. ``plate`` is normalised, and may hold wildcards where ``similar`` is off."""

    plate: str = ""
    similar: bool = False
    """Every plate that the reading could be, by likelihood, instead of one text."""
    least: float = 0.05
    """Least score of a similar plate."""
    place: Place = Place()
    since: datetime | None = None
    until: datetime | None = None
    vehicle_types: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    hits_only: bool = False
    entry_id: str = ""
    """Hits of this hotlist entry alone."""
    alert_id: UUID | None = None
    """Hits of this alert alone."""
    photo: Photo | None = field(default=None, compare=False, repr=False)
    """Searched as ``similar`` is by its plate, and by its vehicle's looks."""

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            at: datetime | None = getattr(self, name)
            if at is not None and at.tzinfo is None:
                raise QueryRefused("time", f"{name}: names no time zone; end it with Z or +05:00")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise QueryRefused("time", "since: must be before until")
        if self.photo is not None and self.plate:
            raise QueryRefused("plate", "plate: the photo's plate is searched; leave this one out")
        wild = "?" in self.plate or "*" in self.plate
        if wild and self.similar:
            raise QueryRefused("plate", "plate: a similar plate is searched by all its characters, without ? and *")
        if wild and len(self.plate.replace("?", "").replace("*", "")) < FEWEST_KNOWN:
            raise QueryRefused("plate", f"plate: name {FEWEST_KNOWN} of its characters or more")

    @property
    def is_of_hits(self) -> bool:
        """Whether only hits can answer."""
        return self.hits_only or bool(self.entry_id) or self.alert_id is not None

    @property
    def is_scored(self) -> bool:
        """Whether the answer is ranked by how likely the plate is, instead of by time."""
        return self.similar or self.photo is not None

    def as_json(self) -> dict[str, Any]:
        """The question as the audit log keeps it."""
        return {
            "plate": self.plate,
            "similar": self.similar,
            "least": self.least,
            "place": self.place.as_json(),
            "since": self.since and self.since.astimezone(UTC).isoformat(),
            "until": self.until and self.until.astimezone(UTC).isoformat(),
            "vehicle_types": list(self.vehicle_types),
            "colours": list(self.colours),
            "hits_only": self.hits_only,
            "entry_id": self.entry_id or None,
            "alert_id": None if self.alert_id is None else str(self.alert_id),
            "photo": None if self.photo is None else {"sha256": self.photo.sha256, "vehicle": self.photo.vehicle},
            "photo_text": None if self.photo is None or self.photo.reading is None else self.photo.reading.text,
        }

    @property
    def digest(self) -> str:
        """Tells a question from another, without telling what it asks."""
        told = {name: value for name, value in self.as_json().items() if name != "photo_text"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]


def plate_of(written: str, *, wildcards: bool = True) -> str:
    """The plate as someone wrote it in its one spelling. Raises ``QueryRefused``."""
    try:
        return normalise(written, wildcards=wildcards).text
    except PlateError as error:
        raise QueryRefused("plate", f"plate: {error}") from None

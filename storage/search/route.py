"""A vehicle's sightings in the order of time, as a route: drawn when it is asked for, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from index.clones import CloneRule, Place, great_circle_km
from storage.search.errors import QueryRefused
from storage.search.export import position
from storage.search.query import Query
from storage.search.sighting import Sighting

MOST_STOPS: Final = 1_000
LEAST_LIKELY: Final = 0.5
"""Of a ranked sighting: a route is of what is more likely the vehicle than not."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The way from the stop before whose place is known."""

    distance_m: float
    """By the great circle: roads are longer."""
    elapsed_s: float
    speed_kmh: float | None
    """At least; None where no time passed."""
    is_plausible: bool
    """Whether one vehicle can have driven it, the clocks' error allowed for."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A sighting on the route; ``leg`` is None at the first, and where the place is not known."""

    sighting: Sighting
    leg: Leg | None


@dataclass(frozen=True, slots=True)
class Route:
    """Sightings in the order of time. ``is_whole`` unless there are more than were asked for."""

    stops: tuple[Stop, ...]
    searched_since: datetime
    is_whole: bool

    @property
    def distance_m(self) -> float:
        return sum(stop.leg.distance_m for stop in self.stops if stop.leg is not None)

    @property
    def implausible(self) -> int:
        """Legs that one vehicle can't have driven: a cloned plate, a misread, a camera's wrong place or clock."""
        return sum(stop.leg is not None and not stop.leg.is_plausible for stop in self.stops)

    def as_geojson(self) -> dict[str, Any]:
        """A ``FeatureCollection``: the way as a ``LineString``, if it leads anywhere, then a point for each stop."""
        placed = [one for one in (stop.sighting for stop in self.stops) if position(one) is not None]
        way = [one for n, one in enumerate(placed) if n == 0 or _at(one) != _at(placed[n - 1])]
        features = [] if len(way) < 2 else [_line(way)]
        return {
            "type": "FeatureCollection",
            "features": features + [_point(number, stop) for number, stop in enumerate(self.stops, 1)],
            "distance_m": round(self.distance_m),
            "implausible": self.implausible,
            "is_whole": self.is_whole,
            "searched_since": self.searched_since.isoformat(),
        }


def require_one_vehicle(query: Query) -> None:
    """Raises ``QueryRefused`` for a question that many vehicles answer."""
    is_whole_plate = query.plate and not ("?" in query.plate or "*" in query.plate)
    if not (is_whole_plate or query.photo is not None or query.entry_id or query.alert_id is not None):
        raise QueryRefused("route", "plate: a route is one vehicle's; give a whole plate, an alert or an entry")


def route_of(sightings: Iterable[Sighting], searched_since: datetime, *, is_whole: bool, rule: CloneRule) -> Route:
    """The route of what was found; a pass that led to several hits is one stop."""
    stops: list[Stop] = []
    before: Sighting | None = None
    for one in sorted(sightings, key=lambda sighting: sighting.key):
        is_placed = position(one) is not None
        stops.append(Stop(one, _leg(before, one, rule) if before is not None and is_placed else None))
        before = one if is_placed else before
    return Route(tuple(stops), searched_since, is_whole)


def _leg(before: Sighting, one: Sighting, rule: CloneRule) -> Leg:
    km = great_circle_km(_place(before), _place(one))
    elapsed_s = (one.seen_at - before.seen_at).total_seconds()
    is_plausible = rule.is_drivable(km * rule.road_factor, elapsed_s)
    return Leg(1e3 * km, elapsed_s, 3600 * km / elapsed_s if elapsed_s else None, is_plausible)


def _at(sighting: Sighting) -> tuple[float, float]:
    return sighting.longitude or 0.0, sighting.latitude or 0.0


def _place(sighting: Sighting) -> Place:
    longitude, latitude = _at(sighting)
    return Place(latitude, longitude)


def _line(way: list[Sighting]) -> dict[str, Any]:
    times = [one.seen_at.isoformat() for one in way]
    geometry = {"type": "LineString", "coordinates": [list(_at(one)) for one in way]}
    return {"type": "Feature", "geometry": geometry, "properties": {"coordTimes": times}}


def _point(number: int, stop: Stop) -> dict[str, Any]:
    leg = None
    if stop.leg is not None:
        leg = {
            "distance_m": round(stop.leg.distance_m),
            "elapsed_s": round(stop.leg.elapsed_s, 3),
            "speed_kmh": None if stop.leg.speed_kmh is None else round(stop.leg.speed_kmh, 1),
            "is_plausible": stop.leg.is_plausible,
        }
    properties = {"stop": number, "leg": leg, **stop.sighting.as_json()}
    return {"type": "Feature", "geometry": position(stop.sighting), "properties": properties}

"""Cloned plates: one plate read with certainty at two places that no vehicle could pass so soon after each other."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth (IUGG)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a camera stands, in degrees (WGS 84)."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError(f"{self.latitude}, {self.longitude} is no place: latitude within 90, longitude within 180")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A plate seen by a camera; ``score`` is the probability that the text is right."""

    text: str
    score: float
    camera_id: str
    pass_id: str
    place: Place
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Clone:
    """Two sightings that one vehicle can't have made."""

    earlier: Sighting
    later: Sighting
    distance_km: float
    speed_kmh: float
    """Speed that one vehicle would have needed at the least; infinite where no time passed."""


@dataclass(frozen=True, slots=True)
class CloneRule:
    """When two sightings contradict each other."""

    fastest_kmh: float = 180.0
    """No vehicle keeps up more than this along the great circle; roads are longer."""
    least_score: float = 0.98
    """Both readings must be this certain: a misread makes a clone of anyone."""
    least_distance_km: float = 3.0
    """Cameras nearer than this see one vehicle at once, and their places and clocks are not that exact."""
    clock_error_s: float = 60.0
    """What the cameras' clocks may differ by; taken in the vehicle's favour."""
    memory_h: float = 24.0
    """How long a sighting is kept; reads are not kept longer either."""

    def __post_init__(self) -> None:
        if min(self.fastest_kmh, self.memory_h) <= 0 or min(self.least_distance_km, self.clock_error_s) < 0:
            raise ValueError("a clone rule needs a speed and a memory above 0, a distance and a clock error not below")
        if not 0 < self.least_score <= 1:
            raise ValueError(f"least_score is a probability above 0, not {self.least_score}")


def great_circle_km(one: Place, other: Place) -> float:
    """Shortest way over the ground (haversine formula; R. W. Sinnott, Sky and Telescope 68, 1984)."""
    lat, lon = math.radians(other.latitude - one.latitude), math.radians(other.longitude - one.longitude)
    north = math.cos(math.radians(one.latitude)) * math.cos(math.radians(other.latitude))
    chord = math.sin(lat / 2) ** 2 + north * math.sin(lon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(chord, 1.0)))


class CloneWatch:
    """Remembers where each plate was last seen for certain, and tells when it is seen too far away too soon.

    Sightings may come somewhat out of order. Memory is bounded by ``most_plates`` (the longest unseen goes first) and
    by the rule's hours. A replay of a pass is known by camera and pass.
    """

    def __init__(self, rule: CloneRule | None = None, most_plates: int = 1_000_000) -> None:
        self.rule = rule or CloneRule()
        self._most_plates = most_plates
        self._seen: OrderedDict[str, list[Sighting]] = OrderedDict()

    def __len__(self) -> int:
        """Plates remembered."""
        return len(self._seen)

    def observe(self, sighting: Sighting) -> Clone | None:
        """Take in a sighting; the strongest contradiction with what is remembered, if there is one.

        Raises ``ValueError`` for a time without a zone.
        """
        if sighting.seen_at.tzinfo is None:
            raise ValueError(f"the sighting by {sighting.camera_id} has a time without a zone")
        if sighting.score < self.rule.least_score:
            return None
        known = self._seen.get(sighting.text, [])
        if any(one.camera_id == sighting.camera_id and one.pass_id == sighting.pass_id for one in known):
            return None
        found = [clone for one in known if (clone := self._contradiction(one, sighting))]
        self._remember(sighting, known)
        return max(found, key=lambda clone: clone.speed_kmh, default=None)

    def _contradiction(self, one: Sighting, other: Sighting) -> Clone | None:
        apart = other.seen_at - one.seen_at
        if abs(apart) > timedelta(hours=self.rule.memory_h):
            return None
        distance = great_circle_km(one.place, other.place)
        if distance < self.rule.least_distance_km:
            return None
        hours = (abs(apart.total_seconds()) + self.rule.clock_error_s) / 3600
        speed = distance / hours if hours else math.inf
        if speed <= self.rule.fastest_kmh:
            return None
        earlier, later = (one, other) if apart >= timedelta(0) else (other, one)
        return Clone(earlier, later, distance, speed)

    def _remember(self, sighting: Sighting, known: list[Sighting]) -> None:
        """Keep the last sighting of each of the last two places: a vehicle and its clone take turns."""
        oldest = sighting.seen_at - timedelta(hours=self.rule.memory_h)
        others = [
            one
            for one in known
            if one.seen_at >= oldest and great_circle_km(one.place, sighting.place) >= self.rule.least_distance_km
        ]
        self._seen[sighting.text] = sorted([*others, sighting], key=lambda one: one.seen_at)[-2:]
        self._seen.move_to_end(sighting.text)
        while len(self._seen) > self._most_plates:
            self._seen.popitem(last=False)

    def forget(self, before: datetime) -> int:
        """Drop plates last seen before a time. Returns how many."""
        gone = [text for text, sightings in self._seen.items() if sightings[-1].seen_at < before]
        for text in gone:
            del self._seen[text]
        return len(gone)

"""Cloned plates: one plate read with certainty on two vehicles, or at two places too far apart for the time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
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
    place: Place | None
    seen_at: datetime
    vehicle_type: str | None = None


class CloneReason(StrEnum):
    """What one vehicle can't have done."""

    DISTANCE = "distance"
    """To be at both places so soon after each other."""
    VEHICLE = "vehicle"
    """To be of both types."""


@dataclass(frozen=True, slots=True)
class Clone:
    """Two sightings that one vehicle can't have made."""

    earlier: Sighting
    later: Sighting
    reason: CloneReason
    distance_km: float | None
    """None where a camera's place is not known."""
    speed_kmh: float | None
    """Speed that one vehicle would have needed at the least; infinite where no time passed."""


@dataclass(frozen=True, slots=True)
class CloneRule:
    """When two sightings contradict each other."""

    fastest_kmh: float = 180.0
    """No vehicle keeps up more than this."""
    road_factor: float = 1.0
    """Roads are at least so many times as long as the great circle, where their length is not known."""
    least_score: float = 0.98
    """Both readings must be this certain: a misread makes a clone of anyone."""
    least_distance_km: float = 3.0
    """Cameras nearer than this see one vehicle at once, and their places and clocks are not that exact."""
    clock_error_s: float = 60.0
    """What the cameras' clocks may differ by; taken in the vehicle's favour."""
    memory_h: float = 24.0
    """How long a sighting is kept; reads are not kept longer either."""
    again_after_h: float = 1.0
    """A plate that was told of is not told of again so soon."""

    def __post_init__(self) -> None:
        if min(self.fastest_kmh, self.memory_h) <= 0 or min(self.least_distance_km, self.clock_error_s) < 0:
            raise ValueError("a clone rule needs a speed and a memory above 0, a distance and a clock error not below")
        if self.road_factor < 1 or self.again_after_h < 0:
            raise ValueError("roads are no shorter than the great circle, and again_after_h is not below 0")
        if not 0 < self.least_score <= 1:
            raise ValueError(f"least_score is a probability above 0, not {self.least_score}")

    def speed_kmh(self, road_km: float, elapsed_s: float) -> float:
        """What one vehicle must have driven at the least, the clocks' error in its favour; infinite for no time."""
        hours = (abs(elapsed_s) + self.clock_error_s) / 3600
        return road_km / hours if hours else math.inf

    def is_drivable(self, road_km: float, elapsed_s: float) -> bool:
        """Whether one vehicle can have come so far in that time, or the places are too near to tell."""
        return road_km < self.least_distance_km or self.speed_kmh(road_km, elapsed_s) <= self.fastest_kmh


def great_circle_km(one: Place, other: Place) -> float:
    """Shortest way over the ground (haversine formula; R. W. Sinnott, Sky and Telescope 68, 1984)."""
    lat, lon = math.radians(other.latitude - one.latitude), math.radians(other.longitude - one.longitude)
    north = math.cos(math.radians(one.latitude)) * math.cos(math.radians(other.latitude))
    chord = math.sin(lat / 2) ** 2 + north * math.sin(lon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(chord, 1.0)))


UNLIKE: Final = ({"motorcycle"}, {"bus"}, {"car", "truck"})
"""Kinds of vehicles that are not taken for each other; detectors do take trucks for cars."""


def are_unlike(one: str | None, other: str | None) -> bool:
    """Whether two seen vehicle types can't be of one vehicle."""
    kinds = [next((kind for kind in UNLIKE if seen in kind), None) for seen in (one, other)]
    return None not in kinds and kinds[0] is not kinds[1]


class CloneWatch:
    """Remembers where each plate was last seen for certain, and tells when another vehicle is seen with it.

    Sightings may come somewhat out of order. Memory is bounded by ``most_plates`` (the longest unseen goes first) and
    by the rule's hours. A replay of a pass is known by camera and pass. ``roads``: kilometres between two cameras,
    where known. A vehicle's type contradicts only what was seen twice of it: one look may err.
    """

    def __init__(
        self,
        rule: CloneRule | None = None,
        most_plates: int = 1_000_000,
        roads: Mapping[frozenset[str], float] | None = None,
    ) -> None:
        self.rule = rule or CloneRule()
        self._most_plates = most_plates
        self._roads = dict(roads or {})
        self._seen: OrderedDict[str, list[Sighting]] = OrderedDict()
        self._told: OrderedDict[str, datetime] = OrderedDict()

    def __len__(self) -> int:
        """Plates remembered."""
        return len(self._seen)

    def observe(self, sighting: Sighting) -> Clone | None:
        """Take in a sighting; the strongest contradiction with what is remembered, if there is one to be told.

        Raises ``ValueError`` for a time without a zone.
        """
        if sighting.seen_at.tzinfo is None:
            raise ValueError(f"the sighting by {sighting.camera_id} has a time without a zone")
        if sighting.score < self.rule.least_score:
            return None
        known = self._seen.get(sighting.text, [])
        if any(one.camera_id == sighting.camera_id and one.pass_id == sighting.pass_id for one in known):
            return None
        recent = [one for one in known if abs(sighting.seen_at - one.seen_at) <= timedelta(hours=self.rule.memory_h)]
        found = [clone for one in recent if (clone := self._too_far(one, sighting))]
        found += self._another_vehicle(recent, sighting)
        self._remember(sighting, known)
        if not found or self._was_told(sighting):
            return None
        return max(found, key=lambda clone: clone.speed_kmh or 0.0)

    def distance_km(self, one: Sighting, other: Sighting) -> float | None:
        """The least that a vehicle must have driven between two sightings; None where a place is not known."""
        known = self._roads.get(frozenset((one.camera_id, other.camera_id)))
        if known is not None:
            return known
        if one.place is None or other.place is None:
            return None
        return great_circle_km(one.place, other.place) * self.rule.road_factor

    def _too_far(self, one: Sighting, other: Sighting) -> Clone | None:
        distance = self.distance_km(one, other)
        if distance is None or self.rule.is_drivable(distance, (other.seen_at - one.seen_at).total_seconds()):
            return None
        return self._clone(one, other, CloneReason.DISTANCE, distance)

    def _another_vehicle(self, recent: list[Sighting], sighting: Sighting) -> list[Clone]:
        """A type unlike that of two earlier sightings which agree."""
        typed = [one for one in recent if one.vehicle_type is not None]
        if len(typed) < 2 or not all(are_unlike(one.vehicle_type, sighting.vehicle_type) for one in typed):
            return []
        if are_unlike(typed[0].vehicle_type, typed[-1].vehicle_type):
            return []
        return [self._clone(typed[-1], sighting, CloneReason.VEHICLE, self.distance_km(typed[-1], sighting))]

    def _clone(self, one: Sighting, other: Sighting, reason: CloneReason, distance: float | None) -> Clone:
        earlier, later = sorted((one, other), key=lambda each: each.seen_at)
        elapsed_s = (later.seen_at - earlier.seen_at).total_seconds()
        speed = None if distance is None else self.rule.speed_kmh(distance, elapsed_s)
        return Clone(earlier, later, reason, distance, speed)

    def _was_told(self, sighting: Sighting) -> bool:
        """Whether the plate was told of a short while ago; if not, it is from now on."""
        again = timedelta(hours=self.rule.again_after_h)
        last = self._told.get(sighting.text)
        if last is not None and abs(sighting.seen_at - last) < again:
            return True
        self._told[sighting.text] = sighting.seen_at
        self._told.move_to_end(sighting.text)
        while len(self._told) > self._most_plates:
            self._told.popitem(last=False)
        return False

    def _remember(self, sighting: Sighting, known: list[Sighting]) -> None:
        """Keep the latest sighting, and the latest before it elsewhere: a vehicle and its clone take turns."""
        oldest = sighting.seen_at - timedelta(hours=self.rule.memory_h)
        kept = [one for one in known if one.seen_at >= oldest]
        elsewhere = [one for one in kept if (self.distance_km(one, sighting) or 0.0) >= self.rule.least_distance_km]
        others = elsewhere or kept
        self._seen[sighting.text] = sorted([*others, sighting], key=lambda one: one.seen_at)[-2:]
        self._seen.move_to_end(sighting.text)
        while len(self._seen) > self._most_plates:
            self._seen.popitem(last=False)

    def forget(self, before: datetime) -> int:
        """Drop plates last seen before a time. Returns how many."""
        gone = [text for text, sightings in self._seen.items() if sightings[-1].seen_at < before]
        for text in gone:
            del self._seen[text]
        for text in [text for text, told_at in self._told.items() if told_at < before]:
            del self._told[text]
        return len(gone)

"""Cameras that see one vehicle within seconds: their sightings are one alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Crossing:
    """Cameras of one place; a vehicle seen by another of them within ``within_s`` is the same pass of the place."""

    crossing_id: str
    cameras: tuple[str, ...]
    within_s: float

    def __post_init__(self) -> None:
        if not self.within_s >= 0:
            raise ValueError(f"crossing {self.crossing_id}: within_s is a time in seconds, not {self.within_s}")


class CrossingMap:
    """Which crossing a camera belongs to. Raises ``ValueError`` for a camera of two crossings."""

    def __init__(self, crossings: Sequence[Crossing] = ()) -> None:
        self._of: dict[str, Crossing] = {}
        for crossing in crossings:
            for camera_id in crossing.cameras:
                other = self._of.setdefault(camera_id, crossing)
                if other is not crossing:
                    raise ValueError(
                        f"camera {camera_id} stands in the crossings {other.crossing_id} and {crossing.crossing_id}: "
                        "name it in one"
                    )

    def of(self, camera_id: str) -> Crossing:
        """The camera's crossing; one of its own where it stands in none."""
        return self._of.get(camera_id) or Crossing(f"camera {camera_id}", (camera_id,), 0.0)

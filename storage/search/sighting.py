"""One line of an answer: a vehicle seen by a camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class HitOfPass:
    """A hotlist entry that the pass met; its pictures and its alert are found by these ids."""

    hit_id: UUID
    alert_id: UUID
    entry_id: str
    kind: str
    score: float

    def as_json(self) -> dict[str, Any]:
        return {
            "hit_id": str(self.hit_id),
            "alert_id": str(self.alert_id),
            "entry_id": self.entry_id,
            "kind": self.kind,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class Why:
    """Why a ranked sighting is in the answer; None for what was not compared."""

    plate: float | None = None
    """Probability that the reading shows the plate that is sought."""
    appearance: float | None = None
    """Likeness of the vehicles' looks, 0-1."""
    same_colour: bool | None = None
    """Whether the paint of both has one name."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A read, with the hits it led to."""

    seen_at: datetime
    camera_id: str
    pass_id: str
    text: str
    read_score: float
    country: str | None
    format: str | None
    lines: int
    vehicle_type: str | None
    vehicle_colour: str | None
    camera_name: str
    camera_place: str
    latitude: float | None
    longitude: float | None
    hits: tuple[HitOfPass, ...] = ()
    score: float | None = None
    """Rank of a ranked answer; None where the answer is in the order of time."""
    why: Why = field(default_factory=Why)

    @property
    def key(self) -> tuple[datetime, str, str]:
        """The order of an answer: newest first."""
        return self.seen_at, self.camera_id, self.pass_id

    def as_json(self) -> dict[str, Any]:
        """The sighting as docs/search.md defines it."""
        return {
            "seen_at": self.seen_at.isoformat(),
            "camera": {
                "camera_id": self.camera_id,
                "name": self.camera_name,
                "place": self.camera_place,
                "latitude": self.latitude,
                "longitude": self.longitude,
            },
            "pass_id": self.pass_id,
            "text": self.text,
            "read_score": round(self.read_score, 4),
            "country": self.country,
            "format": self.format,
            "lines": self.lines,
            "vehicle_type": self.vehicle_type,
            "vehicle_colour": self.vehicle_colour,
            "hits": [hit.as_json() for hit in self.hits],
            "score": None if self.score is None else round(self.score, 4),
            "why": {
                "plate": None if self.why.plate is None else round(self.why.plate, 4),
                "appearance": None if self.why.appearance is None else round(self.why.appearance, 4),
                "same_colour": self.why.same_colour,
            },
        }

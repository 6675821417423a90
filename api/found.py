"""What a search answers, as pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.records import CameraName


class HitOfPass(BaseModel):
    """A hotlist entry that the pass met."""

    hit_id: str = Field(description="Its pictures are at `/hits/{hit_id}/picture` and `/plate`.")
    alert_id: str
    entry_id: str
    kind: Literal["exact", "probable"]
    score: float


class WhyFound(BaseModel):
    """Why a ranked sighting is in the answer; null for what was not compared."""

    plate: float | None = Field(description="Probability that the reading shows the plate that is sought.")
    appearance: float | None = Field(description="Likeness of the vehicles' looks, 0-1.")
    same_colour: bool | None = Field(description="Whether the paint of both has one name.")


class Sighting(BaseModel):
    """A vehicle seen by a camera."""

    seen_at: datetime
    camera: CameraName
    pass_id: str
    text: str = Field(description="The plate as it was read.")
    read_score: float = Field(description="Probability that `text` is right in every character.")
    country: str | None
    format: str | None
    lines: int
    vehicle_type: str | None
    vehicle_colour: str | None
    hits: list[HitOfPass]
    score: float | None = Field(description="Its rank, where the answer is ranked.")
    why: WhyFound


class SearchPage(BaseModel):
    """A part of an answer, newest first or, where it is ranked, likeliest first."""

    sightings: list[Sighting]
    next: str | None = Field(description="Give it as `cursor` with the same question; null at the end.")
    searched_since: datetime = Field(
        description="Nothing older was looked at yet. A page may be empty and still have a `next`."
    )


class ShownVehicle(BaseModel):
    """A vehicle of a photo; boxes are left, top, width and height in its pixels."""

    box: tuple[float, float, float, float] | None
    plate_box: tuple[float, float, float, float] | None
    text: str | None = Field(description="Its plate; null where it can't be read.")
    read_score: float | None
    vehicle_type: str | None
    vehicle_colour: str | None
    has_looks: bool = Field(description="Whether it is compared by its looks.")


class LookedAtPhoto(BaseModel):
    """What a photo shows, and which of it is sought."""

    sha256: str
    vehicle: int
    vehicles: list[ShownVehicle]
    without_looks: str | None = Field(description="Why looks are not compared; null where they are.")


class PhotoPage(SearchPage):
    """A part of an answer to a photo: likeliest first."""

    photo: LookedAtPhoto

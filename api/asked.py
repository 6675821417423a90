"""What a searcher sends, as pydantic models."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.body import MOST_BYTES
from index.clones import CloneRule
from storage.search.errors import QueryRefused
from storage.search.export import ExportFormat
from storage.search.query import Place, Query, plate_of, polygons_of
from storage.search.route import MOST_STOPS
from storage.search.searcher import BUDGET_S


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Centre(_Asked):
    longitude: float = Field(ge=-180, le=180)
    latitude: float = Field(ge=-90, le=90)
    radius_m: float = Field(gt=0, le=500_000, description="Metres.")


class AskedPlace(_Asked):
    """Cameras that stand in any of what is given."""

    cameras: list[Annotated[str, Field(max_length=200)]] = Field(default=[], description="Ids of cameras.")
    area: dict[str, Any] | None = Field(default=None, description="GeoJSON `Polygon` or `MultiPolygon`.")
    around: Centre | None = None
    road: str = Field(default="", max_length=200, description="Part of a camera's name or place.")

    def place(self) -> Place:
        """Raises ``QueryRefused``."""
        around = self.around
        return Place(
            cameras=tuple(self.cameras),
            area=() if self.area is None else polygons_of(self.area),
            centre=None if around is None else (around.longitude, around.latitude),
            radius_m=0.0 if around is None else around.radius_m,
            road=self.road,
        )


class Accounted(_Asked):
    """Why someone looks, and under which case: without both there is no answer."""

    case: str = Field(default="", description="The case number: it is logged.")
    reason: str = Field(default="", description="Why: it is logged.")


class Asked(Accounted):
    """A question; what is left out does not matter. Hits and the reads that are still kept are searched."""

    plate: str = Field(
        default="", max_length=40, description="`?` stands for any one character, `*` for any run of them."
    )
    similar: bool = Field(default=False, description="Every plate that a reading could be, likeliest first.")
    least: float = Field(default=0.05, ge=0, le=1, description="Least score where the answer is ranked.")
    place: AskedPlace = AskedPlace()
    since: datetime | None = Field(default=None, description="With its time zone.")
    until: datetime | None = None
    vehicle_types: list[Literal["car", "motorcycle", "bus", "truck"]] = []
    colours: list[Annotated[str, Field(max_length=20)]] = Field(default=[], max_length=20)
    hits_only: bool = False

    def query(self) -> Query:
        """Raises ``QueryRefused``."""
        return Query(
            plate=plate_of(self.plate, wildcards=not self.similar) if self.plate else "",
            similar=self.similar and bool(self.plate),
            least=self.least,
            place=self.place.place(),
            since=self.since,
            until=self.until,
            vehicle_types=tuple(self.vehicle_types),
            colours=tuple(self.colours),
            hits_only=self.hits_only,
        )


class AskedPage(Asked):
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(
        default=None, max_length=2000, description="`next` of the page before, for the same question."
    )
    patience_s: float = Field(
        default=BUDGET_S,
        ge=0.05,
        le=8,
        description="Seconds to gather a page; it goes out with what was found by then.",
    )


class Pictured(_Asked):
    """A photo to search by, and which of its vehicles is meant."""

    photo: str = Field(max_length=MOST_BYTES, description="The bytes of a JPEG, PNG or WebP in base64.")
    vehicle: int = Field(default=0, ge=0, le=1000, description="Of those that the answer tells, the largest being 0.")

    def data(self) -> bytes:
        """Raises ``QueryRefused``."""
        try:
            return base64.b64decode(self.photo, validate=True)
        except ValueError:
            raise QueryRefused("photo", "photo: is no base64; encode the picture's bytes so") from None


class AskedPhotoPage(AskedPage, Pictured):
    patience_s: float = Field(default=2.0, ge=0.05, le=8, description="As for a search by plate; looks take longer.")


class AskedExport(Asked):
    format: ExportFormat
    limit: int = Field(default=10_000, ge=1, le=100_000, description="Lines, at most.")


class AskedPhotoExport(AskedExport, Pictured):
    pass


class AskedRoute(Asked):
    """One vehicle: by its whole plate, or by an alert or a hotlist entry that its hits belong to."""

    alert_id: UUID | None = None
    entry_id: str = Field(default="", max_length=200)
    limit: int = Field(default=MOST_STOPS, ge=1, le=MOST_STOPS, description="The latest sightings, at most.")
    fastest_kmh: float = Field(
        default=CloneRule().fastest_kmh, gt=0, le=400, description="No vehicle keeps up more between cameras."
    )

    def query(self) -> Query:
        return replace(super().query(), alert_id=self.alert_id, entry_id=self.entry_id)

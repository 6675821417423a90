"""How reads are weighed against the hotlist, and what is taken for a cloned plate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from cluster.settings.section import SLUG, Section
from index.clones import CloneRule
from index.traffic import FLOOR, Traffic

_TRAFFIC = Traffic()
_CLONES = CloneRule()


class RoadSettings(Section):
    """The way between two cameras."""

    between: tuple[Annotated[str, Field(pattern=SLUG)], Annotated[str, Field(pattern=SLUG)]] = Field(
        description="ids of the two cameras"
    )
    km: float = Field(gt=0, le=10_000, description="kilometres of the shortest road")


class CloneSettings(Section):
    """When two certain reads of one plate can't be one vehicle."""

    enabled: bool = Field(default=True, description="look for cloned plates; needs the cameras' places")
    fastest_kmh: float = Field(
        default=_CLONES.fastest_kmh, gt=0, le=400, description="km/h that no vehicle keeps up between two cameras"
    )
    road_factor: float = Field(
        default=_CLONES.road_factor, ge=1, le=3, description="how much longer than the great circle roads are at least"
    )
    roads: tuple[RoadSettings, ...] = Field(default=(), description="known ways; others go by the great circle")
    least_score: float = Field(
        default=_CLONES.least_score, ge=0.5, le=1, description="probability that both readings must have"
    )
    least_distance_km: float = Field(
        default=_CLONES.least_distance_km, ge=0, le=1000, description="kilometres below which cameras see one vehicle"
    )
    clock_error_s: float = Field(
        default=_CLONES.clock_error_s, ge=0, le=3600, description="seconds that cameras' clocks may differ by"
    )
    again_after_h: float = Field(
        default=_CLONES.again_after_h, ge=0, le=168, description="hours in which a plate is told of once"
    )

    @field_validator("roads")
    @classmethod
    def _two_cameras(cls, roads: tuple[RoadSettings, ...]) -> tuple[RoadSettings, ...]:
        for road in roads:
            if road.between[0] == road.between[1]:
                raise ValueError(f"a road leads from one camera to another, not from {road.between[0]} to itself")
        return roads


class MatchingSettings(Section):
    """The road that reads come from, and what its operators will bear."""

    false_alerts_per_camera_day: float = Field(
        default=_TRAFFIC.false_alerts_per_camera_day,
        gt=0,
        le=1000,
        description="false alerts that a camera may raise a day; the least score of a hit follows",
    )
    passes_per_camera_day: float = Field(
        default=_TRAFFIC.passes_per_camera_day, gt=0, le=1e6, description="vehicles that pass a camera a day"
    )
    fleet: float = Field(default=_TRAFFIC.fleet, ge=1, le=1e10, description="vehicles that may pass at all")
    listed_activity: float = Field(
        default=_TRAFFIC.activity, gt=0, le=100, description="how often a listed vehicle passes, another being 1"
    )
    series_clustering: float = Field(
        default=_TRAFFIC.clustering,
        ge=1,
        le=1000,
        description="how many times likelier a plate is registered when its neighbour is: series are issued whole",
    )
    lowest_threshold: float = Field(
        default=_TRAFFIC.lowest_threshold, ge=FLOOR, lt=1, description="no alert is less likely to be right than this"
    )
    clones: CloneSettings = CloneSettings()

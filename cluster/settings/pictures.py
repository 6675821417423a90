"""From frames to alerts: passes, clips, when operators are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from cluster.settings.section import SLUG, Section
from storage.crossings import Crossing, CrossingMap

DecoderName = Literal["auto", "cpu", "nvdec"]


class PassSettings(Section):
    """From frames to passes."""

    detect_fps: float = Field(
        default=6.0, ge=0.5, le=30, description="frames a second of a woken stream in which plates are sought"
    )
    gate: bool = Field(default=True, description="sleep while the road is empty; off decodes everything")
    decoder: DecoderName = Field(
        default="cpu",
        description="what decodes woken streams; auto and nvdec take the GPU (models.gpu.device) where it works, "
        "else the CPU; only nvdec warns of that",
    )
    vehicle_type: bool = Field(default=True, description="look for the vehicle around a plate, to tell its type")
    appearance: bool = Field(
        default=True, description="describe each vehicle's looks, for searches by a photo; needs `vehicle_type`"
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="threads that look at frames; null takes one per core, at least 2; with a GPU two, at least 16",
    )


class ClipSettings(Section):
    """The video kept of a hit."""

    pre_s: float = Field(default=4.0, ge=0, le=60, description="seconds before the vehicle came into view")
    post_s: float = Field(default=2.0, ge=0, le=60, description="seconds after it left")
    longest_s: float = Field(
        default=60.0, ge=5, le=600, description="seconds that a clip may last, kept around the best frame"
    )
    ring_mb: int = Field(default=24, ge=1, le=1024, description="MB of packets that a camera's ring may hold")


class CrossingSettings(Section):
    """Cameras that see one vehicle within seconds: its hits there are one alert."""

    id: Annotated[str, Field(pattern=SLUG)] = Field(description="the crossing's name")
    cameras: tuple[Annotated[str, Field(pattern=SLUG)], ...] = Field(min_length=2, description="ids of its cameras")
    within_s: float = Field(
        default=20.0, gt=0, le=3600, description="seconds between two of its cameras that are still one vehicle"
    )


class AlertSettings(Section):
    """When hits are put before operators."""

    same_within_s: float = Field(
        default=60.0, ge=0, le=86400, description="seconds within which a vehicle seen again adds to its earlier alert"
    )
    threshold: float | None = Field(
        default=None, ge=0.05, lt=1, description="least score of a hit; null takes what the list's size calls for"
    )
    blur_faces: bool = Field(
        default=True, description="blur the faces in pictures of hits before they are stored; clips stay as they are"
    )
    crossings: tuple[CrossingSettings, ...] = Field(
        default=(), description="places whose cameras raise one alert for one vehicle; a camera stands in one at most"
    )

    @field_validator("crossings")
    @classmethod
    def _each_camera_once(cls, crossings: tuple[CrossingSettings, ...]) -> tuple[CrossingSettings, ...]:
        CrossingMap([Crossing(crossing.id, crossing.cameras, crossing.within_s) for crossing in crossings])
        if len({crossing.id for crossing in crossings}) < len(crossings):
            raise ValueError("two crossings have the same id; give each its own")
        return crossings

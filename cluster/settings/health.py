"""Cameras' health: how it is watched, and what is required of a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from cluster.settings.section import SLUG, Section


class RequirementSettings(Section):
    """A requirement profile: what cameras must send. null requires nothing."""

    name: str = Field(default="default", pattern=SLUG, description="what reports call the profile")
    min_width: int | None = Field(default=1280, ge=1, le=16384, description="pixels")
    min_height: int | None = Field(default=720, ge=1, le=16384, description="pixels")
    min_fps: float | None = Field(default=12.0, gt=0, le=240, description="pictures a second")
    codecs: tuple[Literal["h264", "hevc", "mjpeg", "av1", "vp9", "mpeg4"], ...] = Field(
        default=("h264", "hevc"), description="allowed codecs; empty allows all"
    )
    max_keyframe_interval_s: float | None = Field(default=4.0, gt=0, le=600, description="seconds")
    min_bitrate_bps: float | None = Field(default=300_000, gt=0, le=1e9, description="bits a second")
    max_bitrate_bps: float | None = Field(default=16_000_000, gt=0, le=1e9, description="bits a second")
    max_lost_share: float | None = Field(default=0.02, ge=0, le=1, description="share of pictures that may be missing")
    max_skew_s: float | None = Field(default=2.0, gt=0, description="seconds that a camera's clock may be off")
    requires_clock: bool = Field(default=False, description="whether a camera must tell its own time (RTCP)")
    min_plate_px: float | None = Field(
        default=60.0, gt=0, le=4096, description="pixels of a plate's width in its best frame, for half of the vehicles"
    )
    max_unwatched_share: float | None = Field(
        default=0.02, ge=0, le=1, description="share of a camera's time that may be passed over for want of CPU"
    )


class HealthSettings(Section):
    """How cameras' health is watched."""

    enabled: bool = Field(default=True, description="off judges no camera: no scores, no history, no such events")
    every_s: float = Field(default=10.0, ge=1, le=600, description="seconds between two looks at a camera's health")
    raise_s: float = Field(default=30.0, ge=0, le=3600, description="seconds that a fault must hold to be told")
    clear_s: float = Field(default=60.0, ge=0, le=3600, description="seconds that it must be gone to be taken back")
    picture_s: float = Field(
        default=60.0, ge=0, le=3600, description="both of these for black, frozen, covered, moved, blurred pictures"
    )
    dark_s: float = Field(
        default=600.0, ge=0, le=86400, description="both of these for pictures that are too dark or too bright"
    )
    history_every_s: float = Field(
        default=300.0, ge=10, le=86400, description="seconds between samples in the history while nothing changes"
    )
    history_days: int = Field(default=14, ge=1, le=3650, description="days that the history is kept")
    requirements: RequirementSettings = RequirementSettings()
    requirements_file: Path | None = Field(
        default=None, description="a file with the requirements, instead of the section; relative to this file"
    )

    @model_validator(mode="after")
    def _one_profile(self) -> Self:
        if self.requirements_file is not None and self.requirements != RequirementSettings():
            raise ValueError("give `requirements` or `requirements_file`, one of them")
        return self

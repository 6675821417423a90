"""A region as a whole."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from cluster.settings.cameras import CameraSettings, CameraTlsSettings
from cluster.settings.health import HealthSettings
from cluster.settings.hotlists import CategorySettings, HotlistSettings
from cluster.settings.matching import MatchingSettings
from cluster.settings.models import ModelSettings
from cluster.settings.pictures import AlertSettings, ClipSettings, PassSettings
from cluster.settings.processes import ApiSettings, RaySettings
from cluster.settings.section import SLUG, Section
from cluster.settings.stores import PostgresSettings, RetentionSettings, S3Settings


class RegionSettings(Section):
    """A region: its cameras, lists, stores and limits."""

    region: str = Field(default="region", pattern=SLUG, description="its name: the namespace of its actors")
    home: Path | None = Field(default=None, description="folder for all it keeps; null: $BEKET_HOME, else .beket here")
    allow_files: bool = Field(default=False, description="let cameras be files (demo, tests)")
    networks: tuple[str, ...] = Field(
        default=(), description="networks (CIDR) that cameras may be in; empty allows all"
    )
    camera_tls: CameraTlsSettings = CameraTlsSettings()
    cameras: tuple[CameraSettings, ...] = ()
    hotlists: tuple[HotlistSettings, ...] = ()
    categories: tuple[CategorySettings, ...] = Field(
        default=(), description="the whole set of entries' categories; empty leaves what the database holds"
    )
    retention: RetentionSettings = RetentionSettings()
    postgres: PostgresSettings = PostgresSettings()
    s3: S3Settings = S3Settings()
    models: ModelSettings = ModelSettings()
    passes: PassSettings = PassSettings()
    clips: ClipSettings = ClipSettings()
    matching: MatchingSettings = MatchingSettings()
    alerts: AlertSettings = AlertSettings()
    health: HealthSettings = HealthSettings()
    ray: RaySettings = RaySettings()
    api: ApiSettings = ApiSettings()

    @field_validator("cameras", "hotlists", "categories")
    @classmethod
    def _ids_are_unique(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: set[str] = set()
        for item in items:
            if item.id in seen:
                raise ValueError(f"the id {item.id!r} stands there twice; give each its own")
            seen.add(item.id)
        return items

    @field_validator("networks")
    @classmethod
    def _networks_are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network)
        return networks

    @model_validator(mode="after")
    def _files_are_allowed(self) -> Self:
        for camera in self.cameras:
            urls = [url.get_secret_value().lower() for url in (camera.url, camera.gate_url) if url is not None]
            if any(url.startswith("file:") for url in urls) and not self.allow_files:
                raise ValueError(f"camera {camera.id}: is a file; set `allow_files: true`, or give a stream's URL")
        return self

"""What runs where: Ray and the console's server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cluster.settings.section import Section


class RaySettings(Section):
    """The engine."""

    address: str | None = Field(
        default=None, description="of a Ray cluster to join (host:port); null starts one on this machine"
    )
    num_cpus: int | None = Field(default=None, ge=1, le=1024, description="CPUs that Ray may count on; null takes all")
    object_store_mb: int = Field(default=200, ge=80, le=65536, description="MB of shared memory for Ray's objects")
    cameras_per_ingest: int = Field(default=100, ge=1, le=1000, description="cameras in one ingest actor")
    readers: int = Field(default=1, ge=1, le=64, description="read actors")


class ApiSettings(Section):
    """The console's server. Without accounts it listens on this machine alone."""

    host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    next_free_port: bool = Field(default=False, description="take a free port when `port` is in use, instead of ending")

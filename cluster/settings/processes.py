"""What runs where: Ray and the console's server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from cluster.settings.models import ProviderName
from cluster.settings.pictures import DecoderName
from cluster.settings.section import SLUG, Section


class IngestSettings(Section):
    """A kind of ingest actors: for how many cameras each is, and on which nodes of a cluster it may run."""

    name: Annotated[str, Field(pattern=SLUG)] = Field(description="stands in its actors' names")
    count: int | None = Field(default=None, ge=1, le=10_000, description="most actors; null: as many as cameras need")
    cameras: int = Field(default=100, ge=1, le=10_000, description="cameras in one actor")
    cpus: float = Field(default=0.0, ge=0, le=1024, description="CPUs of its node that one claims")
    gpus: float = Field(
        default=0.0, ge=0, le=64, description="GPUs that one claims: 0.5 puts two on each; 0 claims none, and sees all"
    )
    resource: str | None = Field(
        default=None, min_length=1, description="a resource of Ray's by which its nodes are marked; null: any node"
    )
    provider: ProviderName | None = Field(
        default=None, description="as models.provider, for this kind; null: as the region"
    )
    decoder: DecoderName | None = Field(
        default=None, description="as passes.decoder, for this kind; null: as the region"
    )


class RaySettings(Section):
    """The engine."""

    address: str | None = Field(
        default=None, description="of a Ray cluster to join (host:port); null starts one on this machine"
    )
    num_cpus: int | None = Field(default=None, ge=1, le=1024, description="CPUs that Ray may count on; null takes all")
    num_gpus: int | None = Field(
        default=None, ge=0, le=64, description="GPUs that Ray may count on; null takes those it finds"
    )
    object_store_mb: int = Field(default=200, ge=80, le=65536, description="MB of shared memory for Ray's objects")
    cameras_per_ingest: int = Field(default=100, ge=1, le=1000, description="cameras in one ingest actor")
    ingests: tuple[IngestSettings, ...] = Field(
        default=(),
        description="kinds of ingest actors, filled in this order as far as the cluster has room; empty: one kind that "
        "claims nothing, for `cameras_per_ingest` each",
    )
    readers: int = Field(default=1, ge=1, le=64, description="read actors")
    reader_gpus: float = Field(default=0.0, ge=0, le=64, description="GPUs that a read actor claims")

    @field_validator("ingests")
    @classmethod
    def _names_are_unique(cls, ingests: tuple[IngestSettings, ...]) -> tuple[IngestSettings, ...]:
        if len({kind.name for kind in ingests}) < len(ingests):
            raise ValueError("two kinds of ingests have one name; give each its own")
        return ingests


class ApiSettings(Section):
    """The console's server. Without accounts it listens on this machine alone."""

    host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    next_free_port: bool = Field(default=False, description="take a free port when `port` is in use, instead of ending")

"""Which actors a region gets, what each claims of the cluster, and which ingest watches which camera. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from actors.camera import CameraSpec
from cluster.errors import RegionError
from cluster.settings.processes import IngestSettings, RaySettings
from storage.cameras import Camera

_MARK: Final = 0.001
"""How much an actor claims of a resource that only marks nodes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an actor claims of its node, in Ray's terms: an account, which limits nothing by itself.

    Ray sets ``CUDA_VISIBLE_DEVICES`` for those that claim of a GPU; others see the GPUs that the node has.
    """

    cpus: float = 0.0
    gpus: float = 0.0
    resource: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """As Ray's actors take it."""
        marks = {self.resource: _MARK} if self.resource is not None else {}
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, "resources": marks}

    @property
    def amounts(self) -> dict[str, float]:
        """By Ray's own names, as far as anything is claimed."""
        named = {"CPU": self.cpus, "GPU": self.gpus}
        if self.resource is not None:
            named[self.resource] = _MARK
        return {name: amount for name, amount in named.items() if amount > 0}

    def __str__(self) -> str:
        shown = [f"{amount:g} {name}" for name, amount in self.amounts.items() if name != self.resource]
        return ", ".join([*shown, *([f"a node with {self.resource}"] if self.resource is not None else [])])


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """An ingest to be: for how many cameras, what it claims, and what its kind does otherwise than the region."""

    name: str
    cameras: int
    claim: Claim = Claim()
    kind: IngestSettings | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """The ingests of a region, and what a person should know of it."""

    ingests: tuple[IngestPlan, ...]
    remarks: tuple[str, ...] = ()


def plan_ingests(cameras: int, settings: RaySettings, cluster: Mapping[str, float]) -> Planned:
    """Ingests enough for ``cameras``, kind by kind in their order, as far as ``cluster`` (Ray's totals) has room.

    What does not fit is left to the kinds behind. Raises ``RegionError`` where no kind fits at all.
    """
    if not settings.ingests:
        count = max(1, ceil(cameras / settings.cameras_per_ingest))
        return Planned(tuple(IngestPlan(f"ingest-{n}", settings.cameras_per_ingest) for n in range(count)))
    left = dict(cluster)
    watched, ingests, remarks = 0, list[IngestPlan](), list[str]()
    for kind in settings.ingests:
        claim = Claim(kind.cpus, kind.gpus, kind.resource)
        wanted = ceil(max(cameras - watched, 0 if ingests else 1) / kind.cameras)
        if kind.count is not None:
            wanted = min(wanted, kind.count)
        room = min((int(left.get(name, 0.0) / amount + 1e-6) for name, amount in claim.amounts.items()), default=wanted)
        if room < wanted:
            remarks.append(f"ray.ingests {kind.name}: room for {room} of {wanted}, each of which wants {claim}")
        for n in range(min(wanted, room)):
            ingests.append(IngestPlan(f"ingest-{kind.name}-{n}", kind.cameras, claim, kind))
            watched += kind.cameras
            for name, amount in claim.amounts.items():
                left[name] -= amount
    if not ingests:
        raise RegionError(
            f"the cluster has no room for an ingest: {'; '.join(remarks)}; add nodes or change ray.ingests"
        )
    if watched < cameras:
        remarks.append(f"{cameras} cameras share ingests that are for {watched}; add nodes or change ray.ingests")
    return Planned(tuple(ingests), tuple(remarks))


def place_cameras(
    cameras: Sequence[Camera], ingests: Sequence[IngestPlan], before: Mapping[str, str]
) -> dict[str, list[CameraSpec]]:
    """Which ingest watches which camera. Cameras stay where they are; new ones go where the least share is taken."""
    placed: dict[str, list[CameraSpec]] = {ingest.name: [] for ingest in ingests}
    homeless = []
    for camera in cameras:
        at = before.get(camera.camera_id)
        if at in placed:
            placed[at].append(_spec(camera))
        else:
            homeless.append(camera)
    for camera in homeless:
        least = min(ingests, key=lambda ingest: len(placed[ingest.name]) / ingest.cameras)
        placed[least.name].append(_spec(camera))
    return placed


def _spec(camera: Camera) -> CameraSpec:
    return CameraSpec(camera.camera_id, camera.url, camera.gate_url)

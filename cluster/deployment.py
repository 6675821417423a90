"""The actors of a region on its engine: created once, found again, asked how they are, ended in order."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors import shells
from actors.ingest import IngestOptions
from actors.networks import ModelChoice
from actors.shells import ShellOptions, Stores
from cluster import plan
from cluster.errors import RegionError
from cluster.home import Home
from cluster.placement import Claim, IngestPlan, place_cameras, plan_ingests
from cluster.settings import RegionSettings
from storage.cameras import Camera

_log = logging.getLogger("beket.region")

_THREADS = 16
"""Calls that an actor answers side by side; each mostly waits."""
_BEGIN_S = 180.0
"""Within which an actor begins, on a busy machine too."""


class Deployment:
    """Handles of the region's actors. For the supervising thread alone."""

    def __init__(self, settings: RegionSettings, home: Home, stores: Stores) -> None:
        self._settings = settings
        self._home = home
        self._stores = stores
        self._shell = ShellOptions(settings.region, home.logs)
        self._models = plan.model_choice(settings, home)
        self._handles: dict[str, Any] = {}
        self._makers: dict[str, Callable[[], Any]] = {}
        self._ingests: tuple[IngestPlan, ...] = ()
        self._readers: list[str] = []
        self._placed: dict[str, str] = {}
        self._nodes: dict[str, dict[str, float]] = {}

    def create(self, cameras: int) -> Sequence[str]:
        """Create every actor that is not there and wait until all have begun. What a person should know of where they
        are. Raises ``RegionError``."""
        home, settings = self._home, self._settings
        self._nodes = _nodes()
        planned = plan_ingests(cameras, settings.ray, self._free_of_readers(self._nodes))
        self._readers = [shells.READ if n == 0 else f"{shells.READ}-{n}" for n in range(settings.ray.readers)]
        for name in self._readers:  # a read that failed is read by the ingest: no retries
            claim = Claim(gpus=settings.ray.reader_gpus)
            self._plan(name, shells.ReadActor, name, self._shell, self._models, claim=claim)
        match = (self._stores, self._models, plan.look_back_options(settings), plan.match_options(settings))
        self._plan(shells.MATCH, shells.MatchActor, shells.MATCH, self._shell, *match)
        publish = plan.publish_options(settings, home.actors / shells.PUBLISH)
        self._plan(shells.PUBLISH, shells.PublishActor, shells.PUBLISH, self._shell, self._stores, publish)
        archive = plan.archive_options(settings, home.actors / shells.ARCHIVE)
        self._plan(shells.ARCHIVE, shells.ArchiveActor, shells.ARCHIVE, self._shell, self._stores, archive)
        self._plan_ingests(planned.ingests)
        self._begin(list(self._makers))
        return planned.remarks

    def follow_nodes(self, cameras: Sequence[Camera]) -> Sequence[str]:
        """Where nodes came or went: ingests as the cluster has room for them now, and their cameras with them. What a
        person should know. Raises ``RegionError``: then the next call does it.
        """
        nodes = _nodes()
        if nodes.keys() == self._nodes.keys():
            return ()
        remarks = [f"the cluster has {len(nodes)} nodes now"]
        if self._settings.ray.ingests:  # ingests that claim nothing are begun again elsewhere by Ray alone
            planned = plan_ingests(len(cameras), self._settings.ray, self._free_of_readers(nodes))
            self._plan_ingests(planned.ingests)
            names = {ingest.name for ingest in planned.ingests}
            for name in [name for name in self._handles if name.startswith(shells.INGEST) and name not in names]:
                ray.kill(self._handles.pop(name), no_restart=True)
                del self._makers[name]
            self._begin(sorted(names - self._handles.keys()))
            self.assign(cameras)
            remarks[0] += f"; {len(cameras)} cameras are watched by {', '.join(sorted(names))}"
            remarks += planned.remarks
        self._nodes = nodes
        return remarks

    def assign(self, cameras: Sequence[Camera]) -> None:
        """Tell the ingests which cameras are theirs. Raises ``RegionError`` when one does not answer."""
        placed = place_cameras(cameras, self._ingests, self._placed)
        for name, specs in placed.items():
            try:
                ray.get(self._handles[name].assign.remote(specs), timeout=60.0)
            except RayError as error:
                raise RegionError(f"actor {name} does not take its cameras ({type(error).__name__})") from error
        self._placed = {spec.camera_id: name for name, specs in placed.items() for spec in specs}

    def stats(self, timeout_s: float = 5.0) -> dict[str, dict[str, Any] | None]:
        """What each actor counts; None for one that does not answer in time."""
        asked = {name: handle.stats.remote() for name, handle in self._handles.items()}
        deadline = time.monotonic() + timeout_s
        answers: dict[str, dict[str, Any] | None] = {}
        for name, reference in asked.items():
            try:
                answers[name] = ray.get(reference, timeout=max(0.05, deadline - time.monotonic()))
            except (RayError, GetTimeoutError):
                answers[name] = None
        return answers

    def pids(self) -> dict[str, int]:
        """The process of each actor that answers."""
        return {name: int(stats["pid"]) for name, stats in self.stats().items() if stats is not None}

    def revive(self) -> None:
        """Create anew what Ray has given up: an actor whose constructor failed."""
        for name in list(self._handles):
            try:
                handle = ray.get_actor(name, namespace=self._settings.region)
            except ValueError:
                _log.warning("actor %s is gone; it is created anew", name)
                handle = self._makers[name]()
            self._handles[name] = handle

    def close(self) -> None:
        """End the actors, the ingests first: each delivers what it can and leaves the rest on disk."""
        names = sorted(self._handles, key=lambda name: not name.startswith(shells.INGEST))
        ingests = [name for name in names if name.startswith(shells.INGEST)]
        for group in (ingests, [name for name in names if name not in ingests]):
            closing = [self._handles[name].close.remote() for name in group]
            for name, reference in zip(group, closing, strict=True):
                try:
                    ray.get(reference, timeout=15.0)
                except (RayError, GetTimeoutError) as error:
                    _log.warning("actor %s did not close in order (%s)", name, type(error).__name__)
                ray.kill(self._handles.pop(name), no_restart=True)

    def _plan_ingests(self, ingests: tuple[IngestPlan, ...]) -> None:
        self._ingests = ingests
        for number, ingest in enumerate(ingests):
            options, models = self._for_kind(ingest)
            reader, seal_key = self._readers[number % len(self._readers)], self._stores.seal_key
            told = (ingest.name, self._shell, models, options, reader, seal_key)
            self._plan(ingest.name, shells.IngestActor, *told, claim=ingest.claim)

    def _begin(self, names: Sequence[str]) -> None:
        for name in names:
            self._handles[name] = self._makers[name]()
        for name in names:
            self._wait_for(name)

    def _free_of_readers(self, nodes: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """What the nodes have together, less what the read actors claim of it."""
        total: dict[str, float] = defaultdict(float)
        for resources in nodes.values():
            for name, amount in resources.items():
                total[name] += amount
        total["GPU"] -= self._settings.ray.readers * self._settings.ray.reader_gpus
        return total

    def _for_kind(self, ingest: IngestPlan) -> tuple[IngestOptions, ModelChoice]:
        """What an ingest of this kind keeps to, and its networks."""
        kind, models = ingest.kind, self._models
        decoder = kind.decoder if kind is not None else None
        if kind is not None and kind.provider is not None:
            models = replace(models, session=replace(models.session, provider=kind.provider))
        return plan.ingest_options(self._settings, self._home.actors / ingest.name, decoder), models

    def _plan(self, name: str, shell: Any, *arguments: Any, claim: Claim | None = None) -> None:
        def make() -> Any:
            return shell.options(
                name=name,
                namespace=self._settings.region,
                lifetime="detached",
                get_if_exists=True,
                **(claim or Claim()).options,
                max_restarts=-1,
                max_task_retries=0 if shell is shells.ReadActor else 3,
                max_concurrency=_THREADS,
            ).remote(*arguments)

        self._makers[name] = make

    def _wait_for(self, name: str) -> None:
        try:
            ray.get(self._handles[name].pid.remote(), timeout=_BEGIN_S)
        except RayActorError as error:
            reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
            raise RegionError(f"actor {name} did not begin: {reason.strip()}") from error
        except GetTimeoutError as error:
            claim = next((ingest.claim for ingest in self._ingests if ingest.name == name), Claim())
            wants = f"; it waits for {claim}, which no node may have to spare" if claim.amounts else ""
            raise RegionError(
                f"actor {name} did not begin within {_BEGIN_S:.0f} s; see {self._home.logs / 'ray'}{wants}"
            ) from error


def _nodes() -> dict[str, dict[str, float]]:
    """What each node that is alive has, by its id."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}

"""The peers of an ingest behind Ray: named actors, found again after each of their deaths."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from actors.peers import ClipDelivery, PeerAway, Recorded, Sighting
from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead
from models.ports import Image, PlateReader, Reading
from storage.camera_health import HealthRecord

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 16.0

_log = logging.getLogger("beket.remote")


class RemoteActor:
    """Calls a named actor. Thread-safe; every trouble of Ray's comes out as ``PeerAway``, the callee's own errors as
    they are."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self._namespace = namespace
        self._handle: Any = None

    def call(self, method: str, *arguments: Any, timeout_s: float) -> Any:
        try:
            if self._handle is None:
                self._handle = ray.get_actor(self.name, namespace=self._namespace)
            return ray.get(getattr(self._handle, method).remote(*arguments), timeout=timeout_s)
        except PeerAway:
            raise
        except ValueError as error:  # Ray's way to say that no actor has this name
            self._handle = None
            raise PeerAway(f"there is no actor {self.name} yet") from error
        except (RayActorError, GetTimeoutError) as error:
            self._handle = None
            raise PeerAway(f"actor {self.name} does not answer ({type(error).__name__})") from error
        except RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, Exception):
                raise cause from None
            raise PeerAway(f"actor {self.name} can't be reached ({type(error).__name__})") from error


class RemoteReader:
    """Reads through a read actor; while that is away, here: a passing car does not wait for a restart."""

    def __init__(self, actor: RemoteActor, open_local: Callable[[], PlateReader], *, timeout_s: float = 2.0) -> None:
        self.read_here = 0
        self._actor = actor
        self._open_local = open_local
        self._timeout_s = timeout_s
        self._local: PlateReader | None = None
        self._not_before = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._lock = threading.Lock()

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        if not crops:
            return []
        if time.monotonic() >= self._not_before:
            try:
                readings: list[Reading] = self._actor.call("read", list(crops), timeout_s=self._timeout_s)
            except PeerAway as error:
                _log.warning("plates are read in the ingest for %.0f s: %s", self._pause_s, error)
                self._not_before = time.monotonic() + self._pause_s
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            else:
                self._pause_s = _FIRST_PAUSE_S
                return readings
        with self._lock:
            if self._local is None:
                self._local = self._open_local()
        self.read_here += len(crops)
        return self._local.read(crops)


class RemoteMatcher:
    def __init__(self, actor: RemoteActor) -> None:
        self._actor = actor

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        met: list[list[Match]] = self._actor.call("match", list(sightings), timeout_s=10.0)
        return met


class RemotePublisher:
    def __init__(self, actor: RemoteActor) -> None:
        self._actor = actor

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        recorded: Recorded = self._actor.call("record", report, list(matches), timeout_s=60.0)
        return recorded

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        self._actor.call("write_reads", list(reads), timeout_s=60.0)

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        self._actor.call("camera_state", camera_id, state, reason, since, timeout_s=30.0)

    def camera_health(self, records: Sequence[HealthRecord]) -> None:
        self._actor.call("camera_health", list(records), timeout_s=30.0)


class RemoteArchive:
    def __init__(self, actor: RemoteActor) -> None:
        self._actor = actor

    def take(self, clip: ClipDelivery) -> None:
        self._actor.call("take", clip, timeout_s=60.0)

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None:
        self._actor.call("give_up", camera_id, pass_id, reason, timeout_s=60.0)

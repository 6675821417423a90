"""The actors: each a thin shell around its plain class. Detached, named, restarted for ever.

A shell's constructor runs again after every death, with the same arguments; what must outlive it lies on disk or in the
database. Importing this module imports Ray.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import ray

from actors.archive import ArchiveOptions, Archiver
from actors.camera import CameraSpec
from actors.ingest import Ingest, IngestOptions
from actors.look_back import LookBackOptions, LookBackWorker
from actors.match import Matcher, MatchOptions
from actors.networks import ModelChoice
from actors.peers import ClipDelivery, Peers, Recorded, Sighting
from actors.publish import PublishOptions, RegionPublisher
from actors.read import BatchReader
from actors.remote import RemoteActor, RemoteArchive, RemoteMatcher, RemotePublisher, RemoteReader
from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead
from models.confusion import reader_confusion
from models.ports import Image, Reading
from storage.archive import Archive
from storage.camera_health import HealthRecord
from storage.database import Database
from storage.s3_access import S3Access
from storage.sealing import Seal

READ, MATCH, PUBLISH, ARCHIVE, INGEST = "read", "match", "publish", "archive", "ingest"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where Postgres and S3 are. Secrets stay out of ``repr``."""

    dsn: str = field(repr=False)
    s3: S3Access
    seal_key: Path


@dataclass(frozen=True, slots=True)
class ShellOptions:
    """What every shell is told."""

    namespace: str
    logs: Path


class _Shell:
    """Logging, and an end that is orderly when the region asks for it."""

    def __init__(self, name: str, shell: ShellOptions) -> None:
        self.name = name
        _log_to(shell.logs / f"{name}.log")
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        logging.getLogger("beket").info(
            "%s: begins (process %d, GPUs it may see: %s)", name, os.getpid(), gpus or "none"
        )

    def pid(self) -> int:
        return os.getpid()

    def close(self) -> None:
        """Release what is held; the region ends the actor afterwards."""


@ray.remote
class ReadActor(_Shell):
    def __init__(self, name: str, shell: ShellOptions, models: ModelChoice) -> None:
        super().__init__(name, shell)
        self._reader = BatchReader(*models.open_shared_reader())

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        return self._reader.read(crops)

    def stats(self) -> dict[str, Any]:
        counts = self._reader.counts
        return {"pid": os.getpid(), "crops": counts.size, "batches": counts.batches, "busy_s": round(counts.busy_s, 2)}


@ray.remote
class MatchActor(_Shell):
    def __init__(
        self,
        name: str,
        shell: ShellOptions,
        stores: Stores,
        models: ModelChoice,
        look_back: LookBackOptions,
        options: MatchOptions,
    ) -> None:
        super().__init__(name, shell)
        database = Database(stores.dsn, connections=4)
        confusion = reader_confusion(models.store(), models.plate_reader)
        self._matcher = Matcher(database, region=shell.namespace, options=options, confusion=confusion)
        self._look_back = LookBackWorker(database, self._matcher, look_back, region=shell.namespace)

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        return self._matcher.match(sightings, wait_s=5.0)

    def stats(self) -> dict[str, Any]:
        return {"pid": os.getpid(), **self._matcher.stats(), **self._look_back.stats()}

    def close(self) -> None:
        self._look_back.close()


@ray.remote
class PublishActor(_Shell):
    def __init__(self, name: str, shell: ShellOptions, stores: Stores, options: PublishOptions) -> None:
        super().__init__(name, shell)
        self._publisher = RegionPublisher(Database(stores.dsn), Seal.from_environment(stores.seal_key), options)

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        return self._publisher.record(report, matches)

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        self._publisher.write_reads(reads)

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        self._publisher.camera_state(camera_id, state, reason, since)

    def camera_health(self, records: Sequence[HealthRecord]) -> None:
        self._publisher.camera_health(records)

    def stats(self) -> dict[str, Any]:
        return {"pid": os.getpid(), **self._publisher.stats()}

    def close(self) -> None:
        self._publisher.close()


@ray.remote
class ArchiveActor(_Shell):
    def __init__(self, name: str, shell: ShellOptions, stores: Stores, options: ArchiveOptions) -> None:
        super().__init__(name, shell)
        self._archiver = Archiver(Archive(stores.s3), Database(stores.dsn, connections=2), options)

    def take(self, clip: ClipDelivery) -> None:
        self._archiver.take(clip)

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None:
        self._archiver.give_up(camera_id, pass_id, reason)

    def stats(self) -> dict[str, Any]:
        return {"pid": os.getpid(), **self._archiver.stats()}

    def close(self) -> None:
        self._archiver.close()


@ray.remote
class IngestActor(_Shell):
    def __init__(
        self,
        name: str,
        shell: ShellOptions,
        models: ModelChoice,
        options: IngestOptions,
        reader: str,
        seal_key: Path,
    ) -> None:
        super().__init__(name, shell)

        def peer(actor: str) -> RemoteActor:
            return RemoteActor(actor, shell.namespace)

        self._reader = RemoteReader(peer(reader), models.open_reader)
        self._ingest = Ingest(
            replace(options, workers=options.workers or models.suitable_workers()),
            models.open_detectors(),
            Peers(
                self._reader,
                RemoteMatcher(peer(MATCH)),
                RemotePublisher(peer(PUBLISH)),
                RemoteArchive(peer(ARCHIVE)),
            ),
            Seal.from_environment(seal_key),
            models.open_face_finder(),
        )

    def assign(self, cameras: Sequence[CameraSpec]) -> None:
        self._ingest.assign(cameras)

    def cameras(self) -> list[str]:
        return self._ingest.cameras()

    def stats(self) -> dict[str, Any]:
        return {**self._ingest.stats(), "read_here": self._reader.read_here}

    def close(self) -> None:
        self._ingest.close()


def _log_to(path: Path) -> None:
    """Send beket's log lines to a file of this actor's own: 5 MB, one older kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=5_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("beket", "video", "storage", "models"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    # Ctrl-C in a terminal is for the region, which ends its actors in order
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

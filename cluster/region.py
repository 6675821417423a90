"""A region on one machine: everything started in order, kept up, and ended without a trace."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from actors.shells import Stores
from cluster.camera_rules import camera_record
from cluster.console_server import ConsoleServer, require_free_port
from cluster.deployment import Deployment
from cluster.engine import Engine, EngineOptions, prepare_environment, sweep
from cluster.errors import RegionError
from cluster.home import Home, HomeLock
from cluster.hotlists import import_hotlists
from cluster.list_watch import ListWatch
from cluster.plan import model_choice
from cluster.services import Services
from cluster.settings import RegionSettings
from models.catalogue import corner_detector
from models.errors import ModelError, ModelMissing
from storage.archive import Archive
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.errors import DatabaseAway, StorageError
from storage.events import EventLog
from storage.sealing import Seal
from storage.secrets import write_private

_log = logging.getLogger("beket.region")

_LOOK_EVERY_S = 1.0
_CAMERAS_EVERY_S = 2.0
_STATS_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """What a started region says of itself; other commands read it from ``running.json``."""

    pid: int
    address: str
    """Of the console's page."""
    engine: str
    cursor: int
    """The event log's, before the cameras were started."""
    started_at: str


class Region:
    """Start, run, stop: from one thread, the program's main one. Use as a context to be sure of the end.

    ``say`` gets a line for each step, for a person who waits.
    """

    def __init__(self, settings: RegionSettings, home: Home, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.home = home
        self._say = say
        self._lock = HomeLock(home)
        self._services: Services | None = None
        self._engine: Engine | None = None
        self._deployment: Deployment | None = None
        self._console: ConsoleServer | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._stores: Stores | None = None
        self._database: Database | None = None
        self._lists: ListWatch | None = None
        self._book: CameraBook | None = None
        self._cameras: list[Camera] = []
        self._pids: dict[str, int] = {}
        self._stop = threading.Event()
        self._stopped = False
        self.facts: RegionFacts | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> RegionFacts:
        """Bring the region up. Raises ``RegionError``, ``StorageError`` or ``ModelError``; then ``stop`` cleans up."""
        began = time.monotonic()
        self.home.make()
        self._lock.acquire()
        self._open_log()
        leftovers = sweep(self.home)
        if leftovers:
            self._say(f"ended {leftovers} processes that an earlier, killed region had left behind")
        console = self.settings.api
        if not console.next_free_port:
            require_free_port(console.port)
        prepare_environment(self.home, self.settings.models.threads, joins=self.settings.ray.address is not None)
        self._start_guard()

        services = self._services = Services(self.settings, self.home, self._say)
        failures: list[Exception] = []
        preparing = [
            self._in_background(services.start, failures, "Postgres and S3"),
            self._in_background(self._pull_models, failures, "models"),
        ]
        self._start_engine()
        for thread in preparing:
            thread.join()
        if failures:
            raise failures[0]
        self._say("Postgres, S3 and the models are ready")

        if services.access is None:
            raise RegionError("S3 has no address")
        seal_key = self.home.secrets / "seal"
        stores = self._stores = Stores(services.dsn, services.access, seal_key)
        self._database = Database(services.dsn, connections=2)
        self._book = CameraBook(self._database, Seal.from_environment(seal_key))
        self._book.put([camera_record(camera, self.home) for camera in self.settings.cameras])
        for line in import_hotlists(self._database, self.settings, self.home):
            self._say(line)
        self._lists = ListWatch(self._database, Archive(services.access), self.settings, self.home, self._say)
        self._lists.start()
        self._cameras = list(self._book.enabled())

        choice = model_choice(self.settings, self.home)
        self._console = ConsoleServer(self.settings.api, self.home, services.dsn, services.access, choice)
        self._console.start()
        self._deployment = Deployment(self.settings, self.home, stores)
        for remark in self._deployment.create(len(self._cameras)):
            self._say(remark)
        self._say("actors are up: " + ", ".join(sorted(self._deployment.pids())))
        self._console.wait_ready()
        cursor = EventLog(self._database).last_cursor()
        self._deployment.assign(self._cameras)
        self._say(f"{len(self._cameras)} cameras are being watched")
        self.facts = RegionFacts(
            os.getpid(),
            self._console.address,
            self._engine.address if self._engine else "",
            cursor,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._write_running()
        self._say(f"console: {self.facts.address}   (started in {time.monotonic() - began:.1f} s)")
        return self.facts

    def run(self) -> None:
        """Keep the region up until ``ask_to_stop``. The reading and alerting of plates does not depend on it."""
        cameras_due = stats_due = 0.0
        while not self._stop.wait(_LOOK_EVERY_S):
            now = time.monotonic()
            if self._services is not None:
                self._services.keep_up()
            if self._console is not None:
                self._console.keep_up()
            self._keep_engine_up()
            if now >= cameras_due:
                cameras_due = now + _CAMERAS_EVERY_S
                self._follow_cameras()
            if now >= stats_due:
                stats_due = now + _STATS_EVERY_S
                self._log_stats()

    def ask_to_stop(self) -> None:
        """For signal handlers and any thread."""
        self._stop.set()
        if self._services is not None:
            self._services.interrupt()

    def pids(self) -> dict[str, int]:
        """Processes by what they are."""
        found = {} if self._deployment is None else self._deployment.pids()
        if self._services is not None:
            found |= self._services.pids()
        if self._console is not None and self._console.pid is not None:
            found["api"] = self._console.pid
        return found

    def stats(self) -> dict[str, dict[str, Any] | None]:
        """What each actor counts."""
        return {} if self._deployment is None else self._deployment.stats()

    def stop(self) -> None:
        """End everything in reverse order. Safe to call twice, and after a start that failed half-way."""
        if self._stopped:
            return
        self._stopped = True
        self.ask_to_stop()
        self.home.running.unlink(missing_ok=True)
        for end in (
            self._lists and self._lists.close,
            self._deployment and self._deployment.close,
            self._console and self._console.stop,
            self._engine and self._engine.stop,
            self._database and self._database.close,
            self._services and self._services.stop,
        ):
            if not end:
                continue
            try:
                end()
            except Exception:  # noqa: BLE001 - the region's outer edge: the rest has to be ended too
                _log.exception("ending a part of the region failed")
        if self._guard is not None:
            left = sweep(self.home, spare=self._guard.pid)
            if left:
                _log.warning("%d processes had to be ended at the end", left)
            self._guard.kill()
            self._guard.communicate()
        self._lock.release()
        _close_log()

    def _in_background(self, start: Callable[[], None], failures: list[Exception], name: str) -> threading.Thread:
        def attempt() -> None:
            try:
                start()
            except (RegionError, StorageError, ModelError, OSError) as error:
                failures.append(error)

        thread = threading.Thread(target=attempt, name=f"start {name}", daemon=True)
        thread.start()
        return thread

    def _pull_models(self) -> None:
        choice = model_choice(self.settings, self.home)
        store = choice.store()
        wanted = [("plate_detector", choice.plate_detector), ("plate_reader", choice.plate_reader)]
        if choice.looks_for_vehicles:
            wanted.append(("vehicle_detector", choice.vehicle_detector))
        elif choice.vehicles:
            _log.warning(
                "no vehicle detector: the licence of every one known is denied; types of vehicles stay unknown"
            )
        if corners := corner_detector(store):
            wanted.append(("plate_detector", corners))
        if choice.faces:
            wanted.append(("face_detector", None))
        for role, name in wanted:
            store.ensure(role, name)  # type: ignore[arg-type]
        if choice.vehicles and choice.looks:
            try:
                store.ensure("appearance")
                store.ensure("face_detector")  # faces of an uploaded photo are painted over
            except ModelMissing as error:  # plates are read without it
                self._say(f"vehicles are not described, so a photo finds none by its looks: {error}")

    def _start_engine(self) -> None:
        ray = self.settings.ray
        self._engine = Engine(
            self.home,
            EngineOptions(
                self.settings.region,
                ray.address,
                ray.num_cpus,
                ray.num_gpus,
                ray.object_store_mb,
                self.settings.models.threads,
            ),
        )
        self._engine.start(self._say, self._stop)
        self._say("Ray is up")

    def _keep_engine_up(self) -> None:
        if self._engine is None or self._deployment is None or self._stores is None:
            return
        if self._engine.is_alive:
            try:
                self._deployment.revive()
                for remark in self._deployment.follow_nodes(self._cameras):
                    self._say(remark)
            except RegionError as error:
                _log.warning("%s; it is tried again", error)
            except Exception as error:  # noqa: BLE001 - Ray raises bare exceptions of many kinds when it is going down
                _log.warning("the actors can't be looked at now (%s)", type(error).__name__)
            return
        self._say("Ray died; it is started again with all actors")
        _log.error("Ray died; it is started again with all actors")
        self._engine.stop()
        self._start_engine()
        self._deployment = Deployment(self.settings, self.home, self._stores)
        for remark in self._deployment.create(len(self._cameras)):
            self._say(remark)
        self._deployment.assign(self._cameras)

    def _follow_cameras(self) -> None:
        if self._book is None or self._deployment is None:
            return
        try:
            cameras = list(self._book.enabled())
            if cameras != self._cameras:
                self._deployment.assign(cameras)
                self._cameras = cameras
                self._say(f"{len(cameras)} cameras are being watched now")
        except (DatabaseAway, RegionError) as error:
            _log.warning("the list of cameras can't be followed now: %s", error)

    def _log_stats(self) -> None:
        stats = self.stats()
        logging.getLogger("beket.stats").info("%s", json.dumps(stats, separators=(",", ":")))
        for name, counted in stats.items():
            if counted is None:
                continue
            before, self._pids[name] = self._pids.get(name), int(counted["pid"])
            if before not in (None, counted["pid"]):
                self._say(f"actor {name} had died and is back (process {counted['pid']})")

    def _start_guard(self) -> None:
        """Start the process that cleans up after us if we are killed; its end of the pipe tells it."""
        self._guard = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), self.home.mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )

    def _write_running(self) -> None:
        if self.facts is None or self._stores is None:
            return
        facts = {name: getattr(self.facts, name) for name in ("pid", "address", "engine", "cursor", "started_at")}
        write_private(self.home.running, json.dumps({**facts, "dsn": self._stores.dsn}))

    def _open_log(self) -> None:
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        for name, file in (("beket", "region.log"), ("storage", "region.log"), ("beket.stats", "stats.log")):
            handler = logging.handlers.RotatingFileHandler(self.home.logs / file, maxBytes=5_000_000, backupCount=1)
            handler.setFormatter(formatter)
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False


def _close_log() -> None:
    for name in ("beket", "storage", "beket.stats"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()


def stop_on_signals(region: Region) -> None:
    """Ctrl-C, SIGTERM and SIGHUP ask for an orderly end; a second one does not hurry it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: region.ask_to_stop())

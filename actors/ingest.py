"""Many cameras in one process: sessions, passes, reports, clips. Knows its peers as ports, and nothing of Ray."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from actors.blurring import Blurring
from actors.camera import CameraSpec, WatchedCamera
from actors.camera_memory import CameraMemory
from actors.clip_desk import ClipDesk
from actors.health_desk import HealthDesk
from actors.health_watch import HealthOptions
from actors.journal import Journal
from actors.load import Load
from actors.outbox import Outbox
from actors.peers import PeerAway, Peers
from actors.unwatched import UnwatchedLedger
from passes.options import PassOptions
from passes.pipeline import Detectors, PassPipeline
from storage.sealing import Seal
from video.connect.source import SourceRules, parse_source
from video.errors import VideoError
from video.packets.clip import ClipJob
from video.redaction import FindFaces
from video.session import CameraSession, SessionSettings
from video.state import Health
from video.watch.lookers import Lookers

_log = logging.getLogger("beket.ingest")

_SWEEP_S: Final = 300.0
"""Between two looks for reports that are past keeping, s."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What an ingest keeps to. ``folder`` holds its journal, its clips, and the cameras it was last given."""

    folder: Path
    workers: int | None = None
    """Threads that look at frames; None: two."""
    rules: SourceRules = field(default_factory=SourceRules)
    session: SessionSettings = field(default_factory=SessionSettings)
    passes: PassOptions = field(default_factory=PassOptions)
    health: HealthOptions | None = field(default_factory=HealthOptions)
    """None judges no camera's health."""
    longest_clip_s: float = 60.0
    journal_bytes: int = 2 * 2**30
    retention_hours: int = 24
    """Reports that nobody takes are forgotten after so many hours, as reads are."""


class Ingest:
    """Watches cameras until closed. Thread-safe.

    Sessions demux in threads of their own; ``workers`` threads take whichever camera has frames. A report lies in
    the journal before anyone is told of it. Started over the folder of one that was killed, it takes up its reports,
    and its cameras where it has a ``seal`` to keep them under. With ``find_faces`` pictures of hits leave it blurred.
    """

    def __init__(
        self,
        options: IngestOptions,
        detectors: Detectors,
        peers: Peers,
        seal: Seal | None = None,
        find_faces: FindFaces | None = None,
    ) -> None:
        self._options = options
        self._detectors = detectors
        self._peers = peers
        self._started = time.monotonic()
        self._cameras: dict[str, WatchedCamera] = {}
        self._refused: dict[str, str] = {}
        self._lock = threading.RLock()
        self._ready: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._queued: set[str] = set()
        self._states: deque[tuple[str, Health]] = deque(maxlen=10_000)
        self._states_changed = threading.Condition()
        self._closing = threading.Event()
        self._failures = 0
        options.folder.mkdir(parents=True, exist_ok=True)
        self._memory = CameraMemory(options.folder, seal)
        self._unwatched = UnwatchedLedger(options.folder)
        self._lookers = Lookers()
        self._journal = Journal(options.folder / "journal", max_bytes=options.journal_bytes)
        self._clips = ClipDesk(
            options.folder / "clips",
            self._request_clip,
            peers.archive,
            longest_s=options.longest_clip_s,
        )
        self._health = HealthDesk(peers.publisher)
        self._blurring = Blurring(find_faces) if find_faces is not None else None
        self._outbox = Outbox(self._journal, peers.matcher, peers.publisher, self._clips.want, redact=self._blurring)
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{n}", daemon=True) for n in range(options.workers or 2)
        ]
        self._load = Load(len(self._workers))
        self._threads = [
            threading.Thread(target=self._tick, name="tick", daemon=True),
            threading.Thread(target=self._announce, name="states", daemon=True),
        ]
        for thread in (*self._workers, *self._threads):
            thread.start()
        self.assign(self._memory.recall())

    def assign(self, cameras: Sequence[CameraSpec]) -> None:
        """Watch exactly these cameras: new ones are connected, others left, those that are the same go on
        undisturbed."""
        wanted = {spec.camera_id: spec for spec in cameras}
        with self._lock:
            self._memory.remember(cameras)
            leaving = [c for name, c in self._cameras.items() if wanted.get(name) != c.spec]
            for camera in leaving:
                del self._cameras[camera.spec.camera_id]
                self._unwatched.forget(camera.spec.camera_id)
            self._refused = {name: why for name, why in self._refused.items() if name in wanted}
            for spec in cameras:
                if spec.camera_id not in self._cameras:
                    self._begin(spec)
        for camera in leaving:
            self._end(camera)

    def cameras(self) -> list[str]:
        """The ids of the cameras that are watched."""
        with self._lock:
            return sorted(self._cameras)

    def stats(self) -> dict[str, Any]:
        """Counts since the start; by camera under ``cameras``."""
        with self._lock:
            cameras = {name: camera.stats() for name, camera in self._cameras.items()}
            refused = dict(self._refused)
        return {
            "pid": os.getpid(),
            "up_s": round(time.monotonic() - self._started, 1),
            "cpu_s": round(time.process_time(), 2),
            "outbox": {**asdict(self._outbox.counts), "waiting": self._outbox.waiting},
            "journal": asdict(self._journal.counts),
            "clips": {**asdict(self._clips.counts), "waiting": self._clips.waiting},
            "blurring": asdict(self._blurring.counts) if self._blurring is not None else None,
            "health": {**asdict(self._health.counts), "waiting": self._health.waiting},
            "failures": self._failures,
            "busy": round(self._load.busy, 3),
            "strain": round(self._load.strain, 3),
            "refused": refused,
            "cameras": cameras,
        }

    def close(self) -> None:
        """Stop watching; deliver what can be delivered, leave the rest to the journal."""
        if self._closing.is_set():
            return
        self._closing.set()
        with self._lock:
            self._unwatched.note({name: camera.unwatched.seconds for name, camera in self._cameras.items()})
            cameras, self._cameras = list(self._cameras.values()), {}
        for _ in self._workers:
            self._ready.put(None)
        for worker in self._workers:
            worker.join(5.0)
        closers = [threading.Thread(target=self._end, args=(camera,), daemon=True) for camera in cameras]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(5.0)
        self._outbox.close()
        self._clips.close()
        self._health.close()
        with self._states_changed:
            self._states_changed.notify_all()
        for thread in self._threads:
            thread.join(2.0)
        self._unwatched.save()

    def _begin(self, spec: CameraSpec) -> None:
        try:
            source = parse_source(spec.url, self._options.rules)
            gate_source = parse_source(spec.gate_url, self._options.rules) if spec.gate_url is not None else None
        except VideoError as error:
            self._refused[spec.camera_id] = str(error)
            _log.error("camera %s is not watched: %s", spec.camera_id, error)
            return
        name = spec.camera_id
        session = CameraSession(
            name,
            source,
            self._options.session,
            gate_source=gate_source,
            lookers=self._lookers,
            on_state=lambda health: self._note_state(name, health),
            on_ready=lambda: self._offer(name),
        )
        pipeline = PassPipeline(name, self._detectors, self._peers.reader, self._options.passes)
        self._cameras[name] = WatchedCamera(
            spec, session, pipeline, health=self._options.health, resumed=self._unwatched.resume(name)
        )
        session.start()

    def _end(self, camera: WatchedCamera) -> None:
        camera.session.close()
        deadline = time.monotonic() + 5.0
        while not camera.try_begin():
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)
        camera.finish(self._outbox.put)

    def _offer(self, name: str) -> None:
        """The camera has something to look at; it stands in line once."""
        with self._states_changed:
            if name in self._queued:
                return
            self._queued.add(name)
        self._ready.put(name)

    def _work(self) -> None:
        while True:
            name = self._ready.get()
            if name is None or self._closing.is_set():
                return
            with self._states_changed:
                self._queued.discard(name)
            with self._lock:
                camera = self._cameras.get(name)
            if camera is None or not camera.try_begin():
                continue  # the worker that has it offers it again if anything is left
            try:
                with self._load.working():
                    camera.session.node_strain = self._load.strain
                    camera.look(self._outbox.put)
                health = camera.health.look() if camera.health is not None else None
                if health is not None:
                    self._health.put(health)
            except VideoError as error:
                _log.warning("camera %s: %s", name, error)
            except Exception:  # noqa: BLE001 - the worker's outer edge: one camera must not take the others down
                camera.failures += 1
                self._failures += 1
                _log.exception("camera %s: looking at its frames failed", name)
            finally:
                camera.end()
            if camera.session.is_behind:
                self._offer(name)

    def _tick(self) -> None:
        """Cameras that send nothing are looked at too: to see that they stall, and to close what was in view."""
        swept = -_SWEEP_S
        while not self._closing.wait(1.0):
            with self._lock:
                cameras = dict(self._cameras)
                self._unwatched.note({name: camera.unwatched.seconds for name, camera in cameras.items()})
            self._unwatched.save()  # not while holding the lock: a slow disk must not keep the workers waiting
            self._load.judge([camera.session.behind for camera in cameras.values() if camera.session.is_awake])
            for name in cameras:
                self._offer(name)
            if time.monotonic() - swept > _SWEEP_S:
                swept = time.monotonic()
                self._journal.forget(3600.0 * self._options.retention_hours)

    def _note_state(self, name: str, health: Health) -> None:
        with self._states_changed:
            self._states.append((name, health))
            self._states_changed.notify_all()

    def _announce(self) -> None:
        while not self._closing.is_set():
            with self._states_changed:
                while not self._states and not self._closing.is_set():
                    self._states_changed.wait(5.0)
                if not self._states:
                    return
                name, health = self._states.popleft()
            reason = None if health.reason is None else health.reason.value
            try:
                self._peers.publisher.camera_state(name, health.state.value, reason, health.since)
            except PeerAway:
                with self._states_changed:
                    self._states.appendleft((name, health))
                self._closing.wait(1.0)
            except Exception:  # noqa: BLE001 - the thread's outer edge
                _log.exception("camera %s: its state could not be told", name)

    def _request_clip(self, camera_id: str, t0: float, t1: float, path: Path) -> ClipJob | None:
        with self._lock:
            camera = self._cameras.get(camera_id)
        return None if camera is None else camera.session.request_clip(t0, t1, path)

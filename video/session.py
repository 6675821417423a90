"""A camera's session: keeps the stream, keeps its last seconds, and gives the frames worth looking at.

Threads: each stream has one of its own that connects and demuxes into its packet ring; it never decodes and never
waits for analysis. Everything else - decoding, the gate, clips - happens in the thread of the worker that calls, one
worker at a time for one camera.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from video.connect.source import SourceUrl
from video.errors import Reason
from video.feed import Feed
from video.packets.clip import ClipJob
from video.packets.packet import Packet
from video.packets.ring import PacketRing
from video.session_settings import SessionSettings
from video.state import Health, State
from video.watch.decoded import DecodedFrame
from video.watch.lookers import Lookers
from video.watch.paired_watcher import PairedWatcher
from video.watch.pressure import GIVE_UP, concession
from video.watch.watcher import WatchCount, Watcher

__all__ = ["CameraSession", "SessionCount", "SessionSettings"]

_log = logging.getLogger(__name__)

_BLIND_RUN = 100
"""Packets in a row without a picture after which a camera counts as blind."""


@dataclass(frozen=True, slots=True)
class SessionCount:
    """What a session has done since its start."""

    watch: WatchCount
    packets: int
    bytes: int
    connects: int
    failures: int
    ring_bytes: int
    """Of both rings, where there are two."""
    ring_s: float
    lag_s: float
    camera_clock: datetime | None
    """The camera's own UTC at the newest packet; None where it tells none."""
    skew_s: float | None
    """The camera's clock minus ours, where the camera tells its own; None where it doesn't."""


class CameraSession:
    """One camera's stream, from ``start`` to ``close``.

    ``poll`` gives decoded frames of woken GOPs in order. ``on_ready`` is called from the session's threads whenever new
    packets lie in a ring, and must return at once; so is ``on_state`` on each change of state, by whichever thread.

    ``gate_source`` is a second, smaller stream of the same camera: it is looked at to see whether anything moves, and
    ``source`` is decoded only while something does. Frames, clips and states are those of ``source``. ``lookers`` are
    shared by the sessions of a process.
    """

    def __init__(
        self,
        camera_id: str,
        source: SourceUrl,
        settings: SessionSettings | None = None,
        *,
        gate_source: SourceUrl | None = None,
        lookers: Lookers | None = None,
        on_state: Callable[[Health], None] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.source = source
        self.settings = settings = settings or SessionSettings()
        self._ring = PacketRing(settings.ring)
        self._feed = Feed(camera_id, source, self._ring, settings, on_state=on_state, on_ready=on_ready)
        self._gate_feed: Feed | None = None
        self._gate_ring: PacketRing | None = None
        self._watcher: Watcher | PairedWatcher = Watcher(source, self._ring, settings.watch, lookers)
        if gate_source is not None and settings.watch.gate is not None:
            ring = self._gate_ring = PacketRing(settings.gate_ring)
            feed = self._gate_feed = Feed(f"{camera_id}.gate", gate_source, ring, settings, on_ready=on_ready)
            self._watcher = PairedWatcher(
                self._watcher,
                Watcher(gate_source, ring, settings.watch, lookers),
                lambda: feed.states.state is State.LIVE,
            )
        self._polling = Lock()
        self.node_strain = 0.0
        """How far the whole node is behind, as a share of the allowed backlog: a camera in time gives way too."""

    @property
    def health(self) -> Health:
        return self._feed.states.health

    @property
    def gate_health(self) -> Health | None:
        """How the small stream is; None where there is none. While it is not live, the large one is looked at."""
        return self._gate_feed.states.health if self._gate_feed is not None else None

    @property
    def count(self) -> SessionCount:
        feed = self._feed
        return SessionCount(
            watch=self._watcher.count,
            packets=feed.packets,
            bytes=feed.bytes,
            connects=feed.connects,
            failures=feed.failures,
            ring_bytes=self._ring.bytes + (self._gate_ring.bytes if self._gate_ring is not None else 0),
            ring_s=self._ring.seconds,
            lag_s=self._watcher.lag_s,
            camera_clock=feed.clock.camera_at,
            skew_s=feed.clock.skew_s,
        )

    @property
    def is_awake(self) -> bool:
        """Whether the gate is open."""
        return self._watcher.is_awake

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the pictures, once one is decoded."""
        return self._watcher.size

    @property
    def stream_t(self) -> float:
        """Stream time up to which frames have been given or slept over; tracks older than it by far are done."""
        return self._watcher.t

    @property
    def skew_s(self) -> float | None:
        """The camera's clock minus ours; None where the camera tells no time."""
        return self._feed.clock.skew_s

    def start(self) -> None:
        """Begin to connect; returns at once. Raises RuntimeError if the session runs already."""
        self._feed.start()
        if self._gate_feed is not None:
            self._gate_feed.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the session. A connection that hangs is left to end by itself at its own timeout."""
        if self._gate_feed is not None:
            self._feed.ask_to_stop()
            self._gate_feed.close(timeout_s)
        self._feed.close(timeout_s)

    def __enter__(self) -> CameraSession:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def poll(self, max_frames: int = 8, max_packets: int = 64) -> list[DecodedFrame]:
        """The next frames of what moves on the road; empty when nothing does or nothing new has come.

        Decodes in the caller's thread, about ``max_packets`` pictures at most, so that one camera can't hold a worker.
        Raises RuntimeError if another thread is polling this camera.
        """
        if not self._polling.acquire(blocking=False):
            raise RuntimeError(f"camera {self.camera_id} is being polled by another thread")
        try:
            self._keep_up()
            frames = self._watcher.step(max_frames, max_packets)
        finally:
            self._polling.release()
        self._check()
        return frames

    @property
    def is_behind(self) -> bool:
        """Whether there are packets to poll for."""
        return self._watcher.is_behind

    @property
    def behind(self) -> float:
        """Share of the allowed backlog that lies in the ring."""
        return self._watcher.lag_s / self.settings.backlog_s

    def note_activity(self, t: float) -> None:
        """Say that a vehicle was tracked at stream time ``t``: the gate stays open. Call from the polling worker."""
        self._watcher.note_activity(t)

    def note_known(self, t: float) -> None:
        """Say that more frames of what is in view at stream time ``t`` would tell nothing new; likewise."""
        self._watcher.note_known(t)

    def inspect_with(self, inspector: Callable[[DecodedFrame], None]) -> None:
        """Show ``inspector`` every keyframe that is decoded anyway, in the polling worker's thread."""
        self._watcher.inspector = inspector

    def recent_packets(self) -> list[Packet]:
        """The packets that lie in the ring, in order."""
        return [packet for gop in self._ring.gops(float("-inf"), float("inf")) for packet in gop.packets]

    def request_clip(self, t0: float, t1: float, path: Path) -> ClipJob:
        """A clip of ``[t0, t1]`` seconds of the stream with pre- and post-roll, to be cut once it is ready."""
        return ClipJob(self.source, self._ring, t0, t1, path, self.settings.clip)

    def _keep_up(self) -> None:
        """Do without what ``video.watch.pressure`` says; at the end of the backlog without whole GOPs."""
        behind = self.behind
        self._watcher.thinning, self._watcher.wake_bar = concession(max(behind, self.node_strain))
        if behind > GIVE_UP:
            lost_s = self._watcher.skip_to_newest()
            _log.warning("camera %s: %.1f s unwatched, decoding can't keep up", self.camera_id, lost_s)

    def _check(self) -> None:
        """The worker's part in the state: stalls and blindness, and their end."""
        self._feed.note_silence()
        if self._gate_feed is not None:
            self._gate_feed.note_silence()
        states, undecoded = self._feed.states, self._watcher.count.undecoded_run
        if states.state is State.LIVE and undecoded > _BLIND_RUN:
            detail = f"{self.source}: its pictures can't be decoded; look at the camera's encoder settings"
            states.move_from(State.LIVE, State.BLIND, Reason.UNDECODABLE, detail)
        elif states.state is State.BLIND and undecoded == 0:
            states.move_from(State.BLIND, State.LIVE)

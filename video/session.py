"""A camera's session: keeps the stream, keeps its last seconds, and gives the frames worth looking at.

Threads: one of the session's own connects and demuxes into the packet ring; it never decodes and never waits for
analysis. Everything else - decoding, the gate, clips - happens in the thread of the worker that calls, one worker at a
time for one camera.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

from video.clip import ClipJob, ClipSettings
from video.decoded import DecodedFrame
from video.demux import Demuxer, OpenSettings
from video.errors import Reason, StreamFailed, VideoError
from video.loop import looped
from video.packet import Packet
from video.ring import PacketRing, RingSettings
from video.source import SourceUrl
from video.state import Health, State, StateMachine
from video.watcher import WatchCount, Watcher, WatchSettings

_log = logging.getLogger(__name__)

_BLIND_RUN = 100
"""Packets in a row without a picture after which a camera counts as blind."""
_SLOW_REASONS = frozenset(
    {Reason.LOGIN_FAILED, Reason.SOURCE_REFUSED, Reason.NETWORK_REFUSED, Reason.PLAYLIST_REFUSED, Reason.TLS_FAILED}
)
"""Reasons that only a person mends: asked seldom, so that no camera locks its account."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A session's times and bounds, in seconds."""

    opening: OpenSettings = field(default_factory=OpenSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    ring: RingSettings = field(default_factory=RingSettings)
    clip: ClipSettings = field(default_factory=ClipSettings)
    stall_s: float = 3.0
    """Without packets for so long, a live camera counts as stalled."""
    keyframe_s: float = 12.0
    """A stream that sends no keyframe for so long is given up."""
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0
    backoff_login_s: float = 60.0
    """The wait after failures that only a person mends."""
    settled_s: float = 10.0
    """Live for so long, a camera's next failure is its first again."""
    backlog_s: float = 8.0
    """Seconds that decoding may lie behind: frames are thinned from half of it on; what is more is skipped and counted
    as unwatched."""


@dataclass(frozen=True, slots=True)
class SessionCount:
    """What a session has done since its start."""

    watch: WatchCount
    packets: int
    bytes: int
    connects: int
    failures: int
    ring_bytes: int
    ring_s: float
    lag_s: float
    skew_s: float | None
    """The camera's clock minus ours, where the camera tells its own; None where it doesn't."""


class CameraSession:
    """One camera's stream, from ``start`` to ``close``.

    ``poll`` gives decoded frames of woken GOPs in order. ``on_ready`` is called from the session's thread whenever new
    packets lie in the ring, and must return at once; ``on_state`` on each change of state, by whichever thread.
    """

    def __init__(
        self,
        camera_id: str,
        source: SourceUrl,
        settings: SessionSettings | None = None,
        *,
        on_state: Callable[[Health], None] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self.camera_id = camera_id
        self.source = source
        self.settings = settings or SessionSettings()
        self._states = StateMachine(on_state)
        self._on_ready = on_ready
        self._ring = PacketRing(self.settings.ring)
        self._watcher = Watcher(source, self._ring, self.settings.watch)
        self._polling = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._packets = self._bytes = self._connects = self._failures = 0
        self._last_packet = monotonic()
        self._skew_s: float | None = None
        self._random = random.Random(camera_id)

    @property
    def health(self) -> Health:
        return self._states.health

    @property
    def count(self) -> SessionCount:
        return SessionCount(
            watch=self._watcher.count,
            packets=self._packets,
            bytes=self._bytes,
            connects=self._connects,
            failures=self._failures,
            ring_bytes=self._ring.bytes,
            ring_s=self._ring.seconds,
            lag_s=self._watcher.lag_s,
            skew_s=self._skew_s,
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

    def start(self) -> None:
        """Begin to connect; returns at once. Raises RuntimeError if the session runs already."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError(f"the session of camera {self.camera_id} runs already")
        self._stop.clear()
        self._states.move(State.CONNECTING)
        self._thread = Thread(target=self._run, name=f"camera-{self.camera_id}", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the session. A connection that hangs is left to end by itself at its own timeout."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._ring.end()
        if self._states.state is not State.DISABLED:
            self._states.move(State.DISABLED, Reason.DISABLED, "closed")

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

    def note_activity(self, t: float) -> None:
        """Say that a vehicle was tracked at stream time ``t``: the gate stays open. Call from the polling worker."""
        self._watcher.note_activity(t)

    def request_clip(self, t0: float, t1: float, path: Path) -> ClipJob:
        """A clip of ``[t0, t1]`` seconds of the stream with pre- and post-roll, to be cut once it is ready."""
        return ClipJob(self.source, self._ring, t0, t1, path, self.settings.clip)

    def _keep_up(self) -> None:
        """Behind by half of ``backlog_s``, every second frame is given up; by three quarters, two of three; then whole
        GOPs, which count as unwatched."""
        behind = self._watcher.lag_s / self.settings.backlog_s
        self._watcher.thinning = 1 if behind < 0.5 else 2 if behind < 0.75 else 3
        if behind > 1.0:
            lost_s = self._watcher.skip_to_newest()
            _log.warning("camera %s: %.1f s unwatched, decoding can't keep up", self.camera_id, lost_s)

    def _check(self) -> None:
        """The worker's part in the state: stalls and blindness, and their end."""
        state = self._states.state
        silent_s = monotonic() - self._last_packet
        if state is State.LIVE and silent_s > self.settings.stall_s:
            self._states.move_from(
                State.LIVE, State.STALLED, Reason.STALLED, f"{self.source}: no packets for {silent_s:.0f} s"
            )
        elif state is State.LIVE and self._watcher.count.undecoded_run > _BLIND_RUN:
            self._states.move_from(
                State.LIVE,
                State.BLIND,
                Reason.UNDECODABLE,
                f"{self.source}: its pictures can't be decoded; look at the camera's encoder settings",
            )
        elif state is State.BLIND and self._watcher.count.undecoded_run == 0:
            self._states.move_from(State.BLIND, State.LIVE)

    def _run(self) -> None:
        failures_in_a_row = 0
        while not self._stop.is_set():
            live_since: float | None = None
            try:
                for packet in self._connected():
                    if self._stop.is_set():
                        break
                    if live_since is None:
                        live_since = monotonic()
                        self._connects += 1
                        self._states.move(State.LIVE)
                    self._took(packet)
                else:
                    if not self._stop.is_set():
                        raise StreamFailed(Reason.ENDED, self.source, "the stream ended", "look at the camera")
            except VideoError as error:
                failure = error
            except Exception as error:  # noqa: BLE001
                # the thread's outer edge: a camera never takes others down, and never dies silently
                _log.exception("camera %s: its session failed", self.camera_id)
                what = f"the session failed ({type(error).__name__})"
                failure = StreamFailed(Reason.INTERNAL, self.source, what, "report it")
            else:
                break
            self._ring.end()
            if self._stop.is_set():
                break
            self._failures += 1
            settled = live_since is not None and monotonic() - live_since > self.settings.settled_s
            failures_in_a_row = 1 if settled else failures_in_a_row + 1
            self._states.move(State.BACKING_OFF, failure.reason, str(failure))
            if self._stop.wait(self._backoff_s(failure.reason, failures_in_a_row)):
                break
            self._states.move(State.CONNECTING)
        self._ring.end()

    def _connected(self) -> Iterator[Packet]:
        """Packets of one connection, from its first keyframe on."""
        if not self.source.is_live:
            yield from looped(self.source, self._stop, self.settings.opening)
            return
        last_keyframe: float | None = None
        is_first = True
        with Demuxer(self.source, self.settings.opening) as demuxer:
            opened = monotonic()
            anchor_s = max(datetime.now(UTC).timestamp(), self._ring.t_end + 0.001)
            for packet in demuxer.packets(anchor_s):
                now = monotonic()
                if packet.is_keyframe:
                    last_keyframe = now
                elif now - (last_keyframe or opened) > self.settings.keyframe_s:
                    raise StreamFailed(
                        Reason.NO_KEYFRAME,
                        self.source,
                        f"sent no keyframe for {self.settings.keyframe_s:.0f} s",
                        "set the camera's keyframe interval to 2 s",
                    )
                if last_keyframe is None:
                    continue
                self._note_clock(demuxer.camera_time, packet.seen_at)
                yield _after_break(packet) if is_first else packet
                is_first = False

    def _took(self, packet: Packet) -> None:
        self._last_packet = monotonic()
        self._packets += 1
        self._bytes += len(packet.data)
        if self._states.state is State.STALLED:
            self._states.move_from(State.STALLED, State.LIVE)
        if self._ring.append(packet) and self._on_ready is not None:
            self._on_ready()

    def _note_clock(self, camera_time: datetime | None, seen_at: datetime | None) -> None:
        if camera_time is None or seen_at is None:
            return
        skew_s = (camera_time - seen_at).total_seconds()
        # packets come late and never early: the greatest value is the nearest to the truth, and it may drift
        self._skew_s = skew_s if self._skew_s is None else max(skew_s, self._skew_s - 0.0005)

    def _backoff_s(self, reason: Reason, failures_in_a_row: int) -> float:
        settings = self.settings
        wait_s = min(settings.backoff_first_s * 2.0 ** min(failures_in_a_row - 1, 16), settings.backoff_most_s)
        if reason in _SLOW_REASONS:
            wait_s = max(wait_s, settings.backoff_login_s)
        return wait_s * self._random.uniform(0.5, 1.0)


def _after_break(packet: Packet) -> Packet:
    return Packet(
        packet.data, packet.t, packet.dts, packet.duration, packet.is_keyframe, packet.format, packet.seen_at, True
    )

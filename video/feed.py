"""One address kept flowing into a packet ring: connects, demuxes, and when that breaks off, connects again."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic

from video.connect.source import SourceUrl
from video.errors import Reason, StreamFailed, VideoError
from video.packets.camera_clock import ClockSkew
from video.packets.demux import Demuxer
from video.packets.loop import looped
from video.packets.packet import Packet
from video.packets.ring import PacketRing
from video.session_settings import SessionSettings
from video.state import Health, State, StateMachine

_log = logging.getLogger(__name__)

_SLOW_REASONS = frozenset(
    {Reason.LOGIN_FAILED, Reason.SOURCE_REFUSED, Reason.NETWORK_REFUSED, Reason.PLAYLIST_REFUSED, Reason.TLS_FAILED}
)
"""Reasons that only a person mends: asked seldom, so that no camera locks its account."""


class Feed:
    """A thread that fills ``ring`` from ``source`` from ``start`` to ``close``; it never decodes and never waits for
    anyone.

    ``on_ready`` is called from that thread for every packet in the ring, and must return at once.
    """

    def __init__(
        self,
        name: str,
        source: SourceUrl,
        ring: PacketRing,
        settings: SessionSettings,
        *,
        on_state: Callable[[Health], None] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self.settings = settings
        self.states = StateMachine(on_state)
        self.clock = ClockSkew()
        self.packets = 0
        self.bytes = 0
        self.connects = 0
        self.failures = 0
        self._ring = ring
        self._on_ready = on_ready
        self._stop = Event()
        self._thread: Thread | None = None
        self._last_packet = monotonic()
        self._random = random.Random(name)

    @property
    def silent_s(self) -> float:
        """Seconds since the last packet."""
        return monotonic() - self._last_packet

    def start(self) -> None:
        """Begin to connect; returns at once. Raises RuntimeError if it runs already."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError(f"the session of camera {self.name} runs already")
        self._stop.clear()
        self.states.move(State.CONNECTING)
        self._thread = Thread(target=self._run, name=f"camera-{self.name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Returns at once; ``close`` waits for the end."""
        self._stop.set()

    def close(self, timeout_s: float = 5.0) -> None:
        """End it. A connection that hangs is left to end by itself at its own timeout."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._ring.end()
        if self.states.state is not State.DISABLED:
            self.states.move(State.DISABLED, Reason.DISABLED, "closed")

    def note_silence(self) -> None:
        """A live stream that has sent nothing for ``stall_s`` counts as stalled. For any thread."""
        before, silent_s = self.states.state, self.silent_s
        if before in (State.LIVE, State.BLIND) and silent_s > self.settings.stall_s:
            detail = f"{self.source}: no packets for {silent_s:.0f} s; see that the camera is on and reachable"
            self.states.move_from(before, State.STALLED, Reason.STALLED, detail)

    def _run(self) -> None:
        failures_in_a_row = 0
        while not self._stop.is_set():
            live_since: float | None = None
            try:
                for packet in self._connected():
                    if self._stop.is_set():
                        break
                    self._last_packet = monotonic()
                    if live_since is None:
                        live_since = self._last_packet
                        self.connects += 1
                        self.states.move(State.LIVE)
                    self._took(packet)
                else:
                    if not self._stop.is_set():
                        raise StreamFailed(Reason.ENDED, self.source, "the stream ended", "look at the camera")
            except VideoError as error:
                failure = error
            except Exception as error:  # noqa: BLE001
                # the thread's outer edge: a camera never takes others down, and never dies silently
                _log.exception("camera %s: its session failed", self.name)
                what = f"the session failed ({type(error).__name__})"
                failure = StreamFailed(Reason.INTERNAL, self.source, what, "report it")
            else:
                break
            self._ring.end()
            if self._stop.is_set():
                break
            self.failures += 1
            settled = live_since is not None and monotonic() - live_since > self.settings.settled_s
            failures_in_a_row = 1 if settled else failures_in_a_row + 1
            self.states.move(State.BACKING_OFF, failure.reason, str(failure))
            if self._stop.wait(backoff_s(self.settings, failure.reason, failures_in_a_row, self._random)):
                break
            self.states.move(State.CONNECTING, failure.reason, str(failure))
        self._ring.end()

    def _connected(self) -> Iterator[Packet]:
        """Packets of one connection, from its first keyframe on."""
        self.clock.forget()
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
                yield replace(packet, discontinuity=True) if is_first else packet
                is_first = False

    def _took(self, packet: Packet) -> None:
        self.packets += 1
        self.bytes += len(packet.data)
        if packet.camera_at is not None and packet.seen_at is not None:
            self.clock.note(packet.camera_at, packet.seen_at)
        if self.states.state is State.STALLED:
            self.states.move_from(State.STALLED, State.LIVE)
        if self._ring.append(packet) and self._on_ready is not None:
            self._on_ready()


def backoff_s(settings: SessionSettings, reason: Reason, failures_in_a_row: int, jitter: random.Random) -> float:
    """Seconds to wait before the next attempt: doubled with each failure up to a bound, and half of it left to chance,
    so that a street of cameras behind one switch does not come back in step."""
    wait_s = min(settings.backoff_first_s * 2.0 ** min(failures_in_a_row - 1, 16), settings.backoff_most_s)
    if reason in _SLOW_REASONS:
        wait_s = max(wait_s, settings.backoff_login_s)
    return wait_s * jitter.uniform(0.5, 1.0)

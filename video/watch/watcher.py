"""The watcher: walks a packet ring, asleep on cheap looks or awake on full decoding, as its gate decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from video.packets.packet import Packet, StreamFormat
from video.packets.ring import PacketRing
from video.watch.decoded import DecodedFrame
from video.watch.decoder import StreamDecoder
from video.watch.doze import Doze
from video.watch.gate import Gate
from video.watch.hardware import Nvdec
from video.watch.lookers import Lookers
from video.watch.looks import Looks, thinned
from video.watch.promise import Promise, WakeReason
from video.watch.watch_settings import WatchCount, WatchSettings

__all__ = ["WakeReason", "WatchCount", "WatchSettings", "Watcher"]

_BATCH = 32
_KEYFRAME_WEIGHT = 9
"""Packets without a picture that a keyframe without one counts for, on top of itself."""
_ONE_FRAME = 1.5
"""Times the frames' distance within which one of them comes surely, and no second one."""
_IDLE_S = 2.0
"""Without a vehicle for so long, an open gate counts as a wake that shows none."""


class Watcher:
    """Frames of what moves on a road, from a packet ring. For one thread at a time.

    ``step`` takes what the ring has and gives frames in their order. The time of frames given never runs back.
    """

    def __init__(
        self,
        source: object,
        ring: PacketRing,
        settings: WatchSettings | None = None,
        lookers: Lookers | None = None,
    ) -> None:
        self.settings = settings or WatchSettings()
        self.count = WatchCount()
        self.is_awake = self.settings.gate is None
        self.gate = Gate(self.settings.gate) if self.settings.gate else None
        self.size: tuple[int, int] | None = None
        """Width and height of the pictures, once one is decoded."""
        self.thinning = 1
        """Give only every so-manieth of the frames that ``fps`` would, for a worker that can't keep up."""
        self.wake_bar = 0.0
        """Promise (0-1) below which a wake is refused, likewise."""
        self.promise = Promise()
        self.inspector: Callable[[DecodedFrame], None] | None = None
        """Is shown every keyframe that is decoded, awake or asleep; none is decoded for it."""
        self._source = source
        self._nvdec = Nvdec(source, self.settings.decoding)
        self._ring = ring
        self._cursor = ring.next_number
        self._format: StreamFormat | None = None
        self._decoder: StreamDecoder | None = None
        self._looks: Looks | None = None
        if self.gate is not None:
            self._looks = Looks(
                source, ring, self.gate, lookers or Lookers(kept=1), lambda *coded: list(self._run(*coded))
            )
        self._paused: tuple[StreamDecoder, int] | None = None
        """The decoder of a stream that fell asleep inside a GOP, and the number of the packet it would take next."""
        self._shown = float("-inf")
        self._last_t: float | None = None
        self._wanted_until = float("-inf")
        self._occupied_until = float("-inf")
        self._woken_by: WakeReason | None = None
        self._judged_t = 0.0
        """Since when the open gate has shown no vehicle and not been counted for it."""
        self._has_seen = False
        self._is_refusing = False
        self._known_t = float("-inf")
        self._doze = Doze()
        self._due = float("-inf")
        self._given = float("-inf")

    @property
    def _linger_s(self) -> float:
        """How long the stream stays awake after a sign of anything: until a frame that shows none must have been seen,
        for what has left need not be waited for."""
        if self.settings.fps:
            return _ONE_FRAME * self.thinning / self.settings.fps
        return self.settings.gate.linger_s if self.settings.gate else 0.0

    @property
    def t(self) -> float:
        """Stream time up to which packets have been taken."""
        return self._last_t if self._last_t is not None else float("-inf")

    @property
    def is_behind(self) -> bool:
        """Whether the ring holds packets that have not been taken."""
        return self._ring.next_number > self._cursor

    @property
    def lag_s(self) -> float:
        """Seconds of the stream that lie in the ring and have not been taken."""
        behind = self._ring.t_end - self._last_t if self._last_t is not None else 0.0
        return max(behind, 0.0) if self.is_behind else 0.0

    def note_activity(self, t: float) -> None:
        """Say that a vehicle was tracked at ``t``: the stream stays awake, and it doesn't become background."""
        self._wanted_until = max(self._wanted_until, t + self._linger_s)
        self._occupied_until = max(self._occupied_until, t + 1.0)
        self._judged_t = max(self._judged_t, t)
        if self._woken_by is not None:
            self.promise.note(self._woken_by, is_kept=True)
            self._woken_by = None

    def note_known(self, t: float) -> None:
        """Say that more frames of what is in view at ``t`` would tell nothing new. If that is the last frame given, the
        stream dozes until the next keyframe, unless packets tell of more; what it then finds in view it decodes from
        here on."""
        self._known_t = t

    def skip_to_newest(self) -> float:
        """Give up the backlog but for its last GOP; the seconds given up."""
        number = self._ring.last_keyframe()
        before, self._last_t = self._last_t, None
        if number <= self._cursor or before is None:
            self._last_t = before
            return 0.0
        self._cursor = number
        self._drop_decoders()
        _, packets = self._ring.after(number, 1)
        lost_s = max(packets[0].t - before, 0.0) if packets else 0.0
        self.count.unwatched_s += lost_s
        return lost_s

    def step(self, max_frames: int = 8, max_packets: int = 256) -> list[DecodedFrame]:
        """The next frames, about ``max_frames`` at most, from at most ``max_packets``; maybe none."""
        frames: list[DecodedFrame] = []
        taken = 0
        while len(frames) < max_frames and taken < max_packets:
            first, packets = self._ring.after(self._cursor, min(_BATCH, max_packets - taken))
            if not packets:
                break
            if first > self._cursor and self._last_t is not None:
                self.count.unwatched_s += max(packets[0].t - self._last_t, 0.0)
                self._last_t = None
                self._drop_decoders()
            self._cursor = first
            for packet in packets:
                number = self._cursor
                self._cursor += 1
                taken += 1
                frames += self._take(packet, number)
                if self._cursor != number + 1 or len(frames) >= max_frames:
                    break
        return frames

    def rest(self) -> None:
        """Let all that the ring holds pass without a look: another stream of the same camera watches the road."""
        self.is_awake = False
        self._drop_decoders()
        self._cursor = self._ring.next_number
        t_end = self._ring.t_end
        if self._last_t is not None:
            self.count.watched_s += max(t_end - self._last_t, 0.0)
            self._last_t = max(t_end, self._last_t)
        elif t_end > float("-inf"):
            self._last_t = t_end

    def wake_at(self, t: float) -> None:
        """Give frames from the keyframe at or before ``t`` on, because another stream saw something move."""
        self.is_awake = True
        self._drop_decoders()
        self._cursor = self._ring.keyframe_at(t)

    def flush(self) -> list[DecodedFrame]:
        """The frames that the decoder holds back, at the end of a stream."""
        frames = list(self._emitted(self._decoder.flush())) if self._decoder is not None else []
        self._drop_decoders()
        return frames

    def _take(self, packet: Packet, number: int) -> list[DecodedFrame]:
        frames: list[DecodedFrame] = []
        if packet.discontinuity or packet.format is not self._format:
            frames += self._change_format(packet)
        is_new = self._last_t is None or packet.dts > self._shown
        if is_new:
            self._shown = packet.dts
            if self._last_t is not None and 0 < packet.t - self._last_t < 5:
                self._count(packet.t - self._last_t)
        self._last_t = packet.t if self._last_t is None else max(self._last_t, packet.t)
        heavy = False
        if self.gate is not None and is_new:
            heavy = self.gate.weigh(len(packet.data), packet.t, is_keyframe=packet.is_keyframe)
        if self.gate is not None and is_new and self._may_doze(self.gate, packet):
            self._fall_asleep(packet.t, number)
            self._doze.is_on, heavy = True, False
            self.gate.discount()
        if self.is_awake:
            return frames + self._take_awake(packet)
        self._take_asleep(packet, number, heavy=heavy)
        return frames

    def _count(self, seconds: float) -> None:
        if self._is_refusing:
            self.count.unwatched_s += seconds
            return
        self.count.watched_s += seconds
        if self.is_awake:
            self.count.awake_s += seconds
            self.count.thinned_s += seconds * (self.thinning > 1)

    def _take_awake(self, packet: Packet) -> list[DecodedFrame]:
        if self._decoder is None:
            if not packet.is_keyframe:
                return []
            threads = self.settings.threads
            self._decoder = StreamDecoder(self._source, packet.format, threads=threads, nvdec=self._nvdec)
        frames = list(self._emitted(self._run(self._decoder, packet)))
        if self.gate is not None and self.gate.is_learned:
            if packet.t > self._wanted_until:
                self._sleep(packet.t)
            elif packet.t - self._judged_t > _IDLE_S:
                self._judge_idle(packet.t)
        return frames

    def _may_doze(self, gate: Gate, packet: Packet) -> bool:
        is_known = self.is_awake and gate.is_learned and self._known_t >= self._given
        return is_known and not packet.is_keyframe and self._doze.may_begin(packet.t, gate.keyframe_in(packet.t))

    def _judge_idle(self, t: float) -> None:
        """The open gate has shown no vehicle for a while: one promise not kept, and maybe the end of its patience."""
        self._judged_t = t
        reason = self._woken_by or WakeReason.KEYFRAME
        self.promise.note(reason, is_kept=False)
        if self.promise.of(reason) < self.wake_bar:
            self.count.refused[reason] += 1
            self._sleep(t)
            self._is_refusing = True

    def _take_asleep(self, packet: Packet, number: int, *, heavy: bool) -> None:
        if self._looks is None or (self._is_refusing and not packet.is_keyframe):
            return
        doze = self._doze if self._doze.is_on and packet.is_keyframe else None
        if doze is not None and self.gate is not None:
            self.gate.was_occupied()
        looks = self._looks.count
        look = self._looks.take(packet, number, heavy=heavy)
        self.count.looks += self._looks.count - looks
        if look.is_unseen:
            self.count.undecoded_run += _KEYFRAME_WEIGHT
        if look.is_empty:
            self._is_refusing = False
            self._paused = None
        if doze is not None and self.gate is not None:
            doze.end(packet.t, self.gate.keyframe_in(packet.t), is_vain=look.wake_from is not None)
        if look.wake_from is not None:
            self._wake(look.wake_from, packet.t, look.reason)

    def _refuse(self, number: int, t: float, reason: WakeReason) -> None:
        """Sleep on, though something moves: all from where the wake would have begun on is unwatched, until a keyframe
        shows an empty road or a wake is accepted."""
        self.count.refused[reason] += 1
        if not self._is_refusing:
            _, packets = self._ring.after(number, 1)
            missed_s = max(t - packets[0].t, 0.0) if packets else 0.0
            self.count.watched_s -= missed_s
            self.count.unwatched_s += missed_s
        self._is_refusing = True
        if self.gate is not None:
            self.gate.was_occupied()

    def _wake(self, number: int, t: float, reason: WakeReason) -> None:
        if reason is WakeReason.PROOF and self.wake_bar:
            return  # it can wait, and no vehicle is known to be there
        if self.promise.of(reason) < self.wake_bar:
            self._refuse(number, t, reason)
            return
        self.is_awake, self._is_refusing = True, False
        self.count.wakes[reason] += 1
        self._woken_by, self._has_seen, self._judged_t = reason, False, t
        self._doze.put_off(t)
        paused = self._paused
        if self.gate is not None:
            self.gate.was_occupied()
        lingers_s = max(self.settings.gate.linger_s if self.settings.gate else 0.0, self._linger_s)
        self._wanted_until = max(self._wanted_until, t + lingers_s)
        self._cursor = number
        self._drop_decoders()
        if paused is not None and paused[1] > number:
            self._decoder, self._cursor = paused

    def _sleep(self, t: float) -> None:
        if self.gate is not None:
            if not self._has_seen and self._woken_by is not None:
                self.gate.was_false_alarm(by_packets=self._woken_by is WakeReason.PACKETS)
            self.gate.was_left()
        if self._woken_by is not None and self._woken_by is not WakeReason.PROOF:
            self.promise.note(self._woken_by, is_kept=False)
        self._woken_by = None
        self._fall_asleep(t, self._cursor)

    def _fall_asleep(self, t: float, number: int) -> None:
        """Sleep from ``t`` on. The decoder is kept for packet ``number``: what wakes the stream may lie after it."""
        self.is_awake = False
        decoder = self._decoder
        self._drop_decoders()
        if self._looks is not None:
            self._looks.begin(t)
        if decoder is not None:
            self._paused = (decoder, number)

    def _drop_decoders(self) -> None:
        self._doze.is_on = False
        self._decoder = self._paused = None
        if self._looks is not None:
            self._looks.forget()

    def _change_format(self, packet: Packet) -> Iterator[DecodedFrame]:
        if self._decoder is not None:
            yield from self._emitted(self._decoder.flush())
        self._drop_decoders()
        self._format = packet.format

    def _run(self, decoder: StreamDecoder, packet: Packet) -> Iterator[DecodedFrame]:
        broken = decoder.broken
        got = 0
        for frame in decoder.decode(packet):
            got += 1
            self.size = frame.size
            if self.inspector is not None and frame.is_keyframe and decoder.fetch(frame):
                self.inspector(frame)
            yield frame
        self.count.broken += decoder.broken - broken
        self.count.undecoded_run = 0 if got else self.count.undecoded_run + 1

    def _emitted(self, frames: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
        """Frames thinned, never back in time, each looked at by the gate on its way."""
        step = self.thinning / self.settings.fps if self.settings.fps else 0.0
        for frame in frames:
            self.count.frames_decoded += 1
            self.count.frames_on_gpu += self._decoder is not None and self._decoder.is_on_gpu
            if frame.t <= self._given or (step and self._due - 2 * step <= frame.t < self._due - 0.002):
                continue
            if not self._due - 2 * step <= frame.t <= self._due + step:
                self._due = frame.t
            if self._decoder is not None and not self._decoder.fetch(frame):
                continue
            self._due += step
            self._given = frame.t
            if self.gate is not None:
                occupied = frame.t <= self._occupied_until
                if self.gate.look(thinned(frame), frame.t, occupied=occupied):
                    self._has_seen = True
                    self._wanted_until = max(self._wanted_until, frame.t + self._linger_s)
            self.count.frames_given += 1
            yield frame

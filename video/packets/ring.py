"""The packet ring: the last seconds of a stream, still coded, in whole GOPs."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from video.packets.packet import Gop, Packet, duration_of


@dataclass(frozen=True, slots=True)
class RingSettings:
    """Bounds of a ring; the oldest GOP goes when either is passed."""

    seconds: float = 20.0
    bytes: int = 32 * 2**20


class PacketRing:
    """Written by the thread that demuxes, read by any other.

    Packets are numbered from 0 as they come; readers keep the number they want next. A GOP that alone passes the bounds
    (a camera that stopped sending keyframes) is dropped, and packets up to the next keyframe with it.
    """

    def __init__(self, settings: RingSettings | None = None) -> None:
        self.settings = settings or RingSettings()
        self._gops: deque[Gop] = deque()
        self._next = 0
        self._bytes = 0
        self._ended = False
        self._lock = threading.Lock()

    def append(self, packet: Packet) -> bool:
        """Add a packet; whether it was taken (before the first keyframe none is)."""
        with self._lock:
            self._ended = False
            if packet.is_keyframe:
                self._gops.append(Gop([packet], len(packet.data), self._next))
            elif self._gops and not packet.discontinuity:
                gop = self._gops[-1]
                gop.packets.append(packet)
                gop.size += len(packet.data)
            else:
                return False
            self._next += 1
            self._bytes += len(packet.data)
            while self._gops and self._is_over():
                self._bytes -= self._gops.popleft().size
            return True

    def end(self) -> None:
        """Say that nothing more comes for now: clips that wait for their post-roll take what there is."""
        with self._lock:
            self._ended = True

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def next_number(self) -> int:
        """The number that the next packet will have."""
        return self._next

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def seconds(self) -> float:
        with self._lock:
            return duration_of(list(self._gops))

    @property
    def t_end(self) -> float:
        """End of the newest picture in seconds of the stream; minus infinity while the ring is empty."""
        with self._lock:
            return self._gops[-1].t1 if self._gops else float("-inf")

    def after(self, number: int, limit: int) -> tuple[int, list[Packet]]:
        """Up to ``limit`` packets from ``number`` on, and the number of the first: greater where some are gone."""
        with self._lock:
            taken: list[Packet] = []
            first = max(number, self._gops[0].number) if self._gops else self._next
            for gop in self._gops:
                if gop.number + len(gop.packets) > first:
                    taken += gop.packets[max(first - gop.number, 0) :][: limit - len(taken)]
                if len(taken) >= limit:
                    break
            return first, taken

    def keyframe_before(self, number: int) -> int:
        """Number of the last keyframe at or before ``number``, the oldest one's if that is gone already."""
        with self._lock:
            starts = [gop.number for gop in self._gops if gop.number <= number]
            return starts[-1] if starts else (self._gops[0].number if self._gops else self._next)

    def keyframe_at(self, t: float) -> int:
        """Number of the last keyframe shown at or before ``t`` seconds of the stream; the oldest one's if that is gone
        already."""
        with self._lock:
            starts = [gop.number for gop in self._gops if gop.t0 <= t]
            return starts[-1] if starts else (self._gops[0].number if self._gops else self._next)

    def last_keyframe(self) -> int:
        """Number of the newest keyframe."""
        return self.keyframe_before(self._next)

    def gops(self, t0: float, t1: float) -> list[Gop]:
        """The GOPs that hold ``[t0, t1]``, whole, as they are now: copies that the ring no longer writes to."""
        with self._lock:
            return [Gop(list(gop.packets), gop.size, gop.number) for gop in self._gops if gop.t1 > t0 and gop.t0 <= t1]

    def _is_over(self) -> bool:
        if self._bytes > self.settings.bytes:
            return True
        # a GOP goes only when what stays still holds the seconds asked for
        return len(self._gops) > 1 and self._gops[-1].t1 - self._gops[1].t0 >= self.settings.seconds

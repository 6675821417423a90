"""Looks at a sleeping stream: few pictures, decoded on shared decoders, and what they say of the road."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from video.packets.packet import Packet
from video.packets.ring import PacketRing
from video.watch.decoded import DecodedFrame
from video.watch.decoder import StreamDecoder
from video.watch.gate import Gate
from video.watch.lookers import Lookers
from video.watch.promise import WakeReason

_LOOK_WIDTH = 240
_NEARER = 0.7
"""Where a picture between two keyframes did not come out, the next GOP's look is nearer to its keyframe by this."""

Decode = Callable[[StreamDecoder, Packet], list[DecodedFrame]]


class Look(NamedTuple):
    """What a packet of a sleeping stream has led to."""

    wake_from: int | None = None
    """Number of the keyframe from which on the stream is to be decoded; None lets it sleep on."""
    reason: WakeReason = WakeReason.KEYFRAME
    is_empty: bool = False
    """Whether a keyframe has shown an empty road."""
    is_unseen: bool = False
    """Whether a keyframe gave no picture."""


class Looks:
    """The looks of one stream while it sleeps; ``begin`` at each sleep, then ``take`` for every packet.

    ``decode`` runs a packet through a decoder and gives its frames. For one thread at a time.
    """

    def __init__(self, source: object, ring: PacketRing, gate: Gate, lookers: Lookers, decode: Decode) -> None:
        self._source = source
        self._ring = ring
        self._gate = gate
        self._lookers = lookers
        self._decode = decode
        self._after_s = gate.settings.look_s
        self.count = 0
        """Pictures decoded so far."""
        self._asleep_since = float("inf")
        self.forget()

    def begin(self, t: float) -> None:
        """The stream falls asleep at ``t``."""
        self._asleep_since = t
        self.forget()

    def forget(self) -> None:
        """No look of before counts."""
        self._seen: NDArray[np.uint8] | None = None
        """Brightness of the keyframe that was last looked at, its number and time."""
        self._seen_number: int | None = None
        self._seen_t = float("-inf")
        self._passed_over: tuple[Packet, int] | None = None
        """The last keyframe since then that was not looked at, and its number."""
        self._keyframe: tuple[Packet, int] | None = None
        """The newest of all."""
        self._due = float("inf")

    def take(self, packet: Packet, number: int, *, heavy: bool) -> Look:
        """What to do after ``packet``; ``heavy`` says that packets alone are reason enough to wake."""
        if packet.is_keyframe:
            self._keyframe, self._due = (packet, number), packet.t + self._after_s
            if self._gate.is_quiet and packet.t - self._seen_t < self._gate.settings.quiet_s:
                self._passed_over = self._keyframe
                return Look()
            return self._look_at_keyframe(packet, number)
        if self._keyframe is None:
            return Look(self._ring.keyframe_before(number), WakeReason.PACKETS) if heavy else Look()
        if heavy:
            return Look(self._keyframe[1], WakeReason.PACKETS)
        if packet.t >= self._due and self._gate.suspects and self._looks_moved(packet):
            return Look(self._keyframe[1], WakeReason.BETWEEN)
        return Look()

    def _look_at_keyframe(self, packet: Packet, number: int) -> Look:
        self._seen = self._look(packet)
        if self._seen is None:
            return Look(is_unseen=True)
        before, self._seen_number, self._seen_t = self._seen_number, number, packet.t
        if self._gate.look(self._seen, packet.t):
            return Look(self._last_empty(number, before))
        self._passed_over = None
        self._gate.was_empty()
        if packet.t - self._asleep_since > self._gate.settings.prove_s:
            return Look(number, WakeReason.PROOF, is_empty=True)
        return Look(is_empty=True)

    def _last_empty(self, number: int, seen: int | None) -> int:
        """Number of the last keyframe before keyframe ``number`` at which what is there now was not there yet."""
        if self._passed_over is not None:
            packet, passed_over = self._passed_over
            luma = self._look(packet)
            if luma is not None and not self._gate.differs(luma):
                return passed_over
        return self._ring.keyframe_before(number - 1 if seen is None else seen)

    def _looks_moved(self, packet: Packet) -> bool:
        """Whether a picture decoded sparsely shows that something has moved since its keyframe."""
        if self._seen is None or self._keyframe is None or packet.format.codec not in ("h264", "hevc"):
            return False
        keyframe, _ = self._keyframe
        is_h264 = packet.format.codec == "h264"
        torn = self._look(keyframe, packet) if is_h264 else self._look(packet)
        self._due = packet.t + self._after_s
        if torn is None:
            # too far from its keyframe for the decoder to tell which comes first: picture numbers wrap
            self._after_s = max(_NEARER * min(self._after_s, packet.t - keyframe.t), 0.1)
            return False
        # the keyframe seen may be an older one than that decoded here: light is slower than that
        return self._gate.look_between(torn, self._seen) if is_h264 else self._gate.look_residue(torn)

    def _look(self, *packets: Packet) -> NDArray[np.uint8] | None:
        """The brightness of the last of ``packets``, decoded alone on top of those before; None if it gives none."""
        self.count += len(packets)
        frames: list[DecodedFrame] = []
        with self._lookers.borrowed(self._source, packets[0].format) as decoder:
            for packet in packets:
                frames = self._decode(decoder, packet)
            return thinned(frames[-1]) if frames else None


def thinned(frame: DecodedFrame) -> NDArray[np.uint8]:
    """Its brightness, as the gate wants it: some 240 pixels wide."""
    return frame.luma(max(1, round(frame.size[0] / _LOOK_WIDTH)))

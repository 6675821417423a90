"""Demuxed packets and what is needed to decode or remux them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

TICKS = 1_000_000
"""Ticks a second in which times are handed to libav."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """How a video stream is coded. A change of it midway is a discontinuity: a new decoder, a new clip."""

    codec: str
    """libav's name: ``h264``, ``hevc``, ``mjpeg``."""
    extradata: bytes
    """Parameter sets as the container gives them: avcC/hvcC, Annex B, or nothing."""
    parameter_sets: bytes = b""
    """SPS and PPS (VPS) in Annex B, as last seen in the stream itself; empty for other codecs."""
    width: int = 0
    height: int = 0
    """As the header says, 0 if it says nothing; the decoded frames know better."""
    fps: float | None = None

    @property
    def length_size(self) -> int:
        """Bytes of the length before each NAL unit; 0 for Annex B start codes."""
        if len(self.extradata) > 6 and self.extradata[0] == 1:
            if self.codec == "h264":
                return (self.extradata[4] & 3) + 1
            if self.codec == "hevc" and len(self.extradata) > 22:
                return (self.extradata[21] & 3) + 1
        return 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One coded picture."""

    data: bytes
    t: float
    """Seconds of the stream's own time at which it is shown."""
    dts: float
    """Seconds, same clock, at which it is decoded; never runs backwards."""
    duration: float
    is_keyframe: bool
    format: StreamFormat
    seen_at: datetime | None = None
    """UTC arrival of a live packet."""
    discontinuity: bool = False
    """Whether what came before can't be continued: a reconnect, a jump of the clock, a new format."""
    camera_at: datetime | None = None
    """UTC by the camera's own clock, where its RTCP sender reports give it."""


@dataclass(slots=True)
class Gop:
    """A keyframe and all packets up to the next one, in the order of decoding."""

    packets: list[Packet]
    size: int = 0
    """Bytes of all packets."""
    number: int = 0
    """The number of its keyframe in the ring."""

    @property
    def t0(self) -> float:
        return self.packets[0].t

    @property
    def t1(self) -> float:
        """End of the last picture shown so far."""
        return max(packet.t + packet.duration for packet in self.packets[-4:])

    @property
    def format(self) -> StreamFormat:
        return self.packets[0].format

    @property
    def discontinuity(self) -> bool:
        return self.packets[0].discontinuity


def duration_of(gops: Sequence[Gop]) -> float:
    """Seconds from the first picture to the end of the last; 0 if there is none."""
    return gops[-1].t1 - gops[0].t0 if gops else 0.0

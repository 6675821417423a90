"""What a stream's packets say of its health: pure counting over packets that lie in a ring, or came in a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from video.packets.packet import Packet

_GAP: Final = 1.8
"""Steps of the usual length from which pictures are missing between two."""
_BREAK_S: Final = 10.0
"""A step so long is a break of the stream, and told by the session's state."""


@dataclass(frozen=True, slots=True)
class StreamMeasure:
    """A stretch of a stream. What can't be told of so much of it is None."""

    codec: str
    width: int
    height: int
    seen_s: float
    pictures: int
    fps: float | None
    bitrate_bps: float | None
    keyframe_interval_s: float | None
    """The longest from one keyframe to the next, the one still under way included if it is longer already."""
    lost_share: float | None
    """Share of pictures missing between those that came, told by gaps in their times: over TCP no packet is lost on
    the way, but cameras and networks that can't keep up drop whole pictures before it."""


def measure_stream(packets: Sequence[Packet], size: tuple[int, int] | None = None) -> StreamMeasure | None:
    """Of ``packets`` in the order of decoding, from the last discontinuity on; None for fewer than two pictures.

    ``size`` is that of decoded pictures, which knows better than the header.
    """
    start = max((n for n, packet in enumerate(packets) if packet.discontinuity), default=0)
    packets = packets[start:]
    if len(packets) < 2:
        return None
    stream_format = packets[-1].format
    width, height = size or (stream_format.width, stream_format.height)
    shown = sorted(packet.t for packet in packets)
    steps = [b - a for a, b in pairwise(shown) if b > a]
    usual_s = median(steps) if steps else packets[-1].duration
    span_s = shown[-1] - shown[0]
    seen_s = span_s + usual_s
    keyframes = [packet.t for packet in packets if packet.is_keyframe]
    gaps = [b - a for a, b in pairwise(keyframes)]
    if keyframes and shown[-1] - keyframes[-1] > max(gaps, default=0.0):
        gaps.append(shown[-1] - keyframes[-1])
    has_interval = len(keyframes) >= 2 or (bool(gaps) and gaps[-1] > 2.0)
    missing = sum(round(step / usual_s) - 1 for step in steps if _GAP * usual_s < step < _BREAK_S)
    return StreamMeasure(
        codec=stream_format.codec,
        width=width,
        height=height,
        seen_s=round(seen_s, 3),
        pictures=len(packets),
        fps=round(len(steps) / span_s, 2) if span_s > 0 else None,
        bitrate_bps=round(8 * sum(len(packet.data) for packet in packets) / seen_s) if seen_s > 0 else None,
        keyframe_interval_s=round(max(gaps), 3) if has_interval else None,
        lost_share=round(missing / (missing + len(steps)), 4) if len(steps) >= 10 else None,
    )

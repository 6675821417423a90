"""The packet ring's bounds and numbers."""

from __future__ import annotations

import pytest

from video.packets.packet import Packet, StreamFormat
from video.packets.ring import PacketRing, RingSettings

H264 = StreamFormat("h264", b"")


def packet(n: int, gop: int = 10, size: int = 100, discontinuity: bool = False) -> Packet:
    return Packet(bytes(size), n / 10, n / 10, 0.1, n % gop == 0, H264, None, discontinuity)


def filled(count: int, settings: RingSettings, gop: int = 10, size: int = 100) -> PacketRing:
    ring = PacketRing(settings)
    for n in range(count):
        ring.append(packet(n, gop, size))
    return ring


def test_it_keeps_at_least_the_seconds_asked_for_and_at_most_a_gop_more() -> None:
    ring = filled(1000, RingSettings(seconds=5.0))
    assert 5.0 <= ring.seconds <= 6.01
    assert ring.t_end == pytest.approx(100.0)


def test_it_keeps_to_its_bytes() -> None:
    ring = filled(1000, RingSettings(seconds=1000.0, bytes=5000))
    assert ring.bytes <= 5000
    assert ring.seconds > 3


def test_a_gop_without_end_does_not_grow() -> None:
    ring = filled(1000, RingSettings(seconds=5.0, bytes=5000), gop=100_000)
    assert ring.bytes <= 5000
    ring.append(packet(1000, gop=1000))
    assert ring.seconds == pytest.approx(0.1)


def test_nothing_is_taken_before_a_keyframe_or_after_a_break() -> None:
    ring = PacketRing()
    assert not ring.append(packet(3))
    assert ring.append(packet(10))
    assert not ring.append(packet(11, discontinuity=True))


def test_reading_by_number() -> None:
    ring = filled(100, RingSettings(seconds=3.0))
    first, packets = ring.after(0, 1000)
    assert first == ring.keyframe_before(0) > 0
    assert [p.t for p in packets] == pytest.approx([n / 10 for n in range(first, 100)])
    assert ring.after(95, 2)[1][0].t == pytest.approx(9.5)
    assert ring.after(100, 5) == (100, [])
    assert ring.keyframe_before(95) == 90
    assert ring.last_keyframe() == 90


def test_gops_are_whole() -> None:
    ring = filled(100, RingSettings(seconds=100.0))
    gops = ring.gops(2.5, 4.5)
    assert (gops[0].t0, gops[-1].t1) == (pytest.approx(2.0), pytest.approx(5.0))

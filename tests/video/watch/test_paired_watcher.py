"""Two streams of one camera: the small one says when the large one is decoded."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, parse_source
from video.packets.demux import Demuxer
from video.packets.packet import Packet
from video.packets.ring import PacketRing, RingSettings
from video.watch.decoded import DecodedFrame
from video.watch.gate import GateSettings
from video.watch.paired_watcher import PairedWatcher
from video.watch.watcher import Watcher, WatchSettings

LARGE, SMALL = (640, 384), (320, 192)
SETTINGS = WatchSettings(fps=None, gate=GateSettings(learn_s=1.0))


class Camera:
    """Both streams of a camera, poured into their rings in step, and the frames that were given."""

    def __init__(self, large: Path, small: Path, *, small_is_ahead_s: float = 0.0) -> None:
        rules = SourceRules(allow_files=True)
        self._sources = [parse_source(str(path), rules) for path in (large, small)]
        self._rings = [PacketRing(RingSettings(seconds=60.0)) for _ in self._sources]
        self._ahead_s = small_is_ahead_s
        self.small_is_live = True
        self.reader, self.sentry = (
            Watcher(source, ring, SETTINGS) for source, ring in zip(self._sources, self._rings, strict=True)
        )
        self.watcher = PairedWatcher(self.reader, self.sentry, lambda: self.small_is_live)
        self.frames: list[DecodedFrame] = []

    def play(self, *, small_until_s: float = float("inf")) -> Camera:
        streams = (self._packets(number) for number in range(2))
        for t, number, packet in heapq.merge(*streams, key=lambda item: item[0]):
            if number == 1 and t > small_until_s:
                self.small_is_live = False
                continue
            self._rings[number].append(packet)
            while self.watcher.is_behind:
                self.frames += self.watcher.step()
        return self

    def _packets(self, number: int) -> Iterator[tuple[float, int, Packet]]:
        shift = -self._ahead_s * number
        with Demuxer(self._sources[number]) as demuxer:
            for packet in demuxer.packets():
                yield packet.t, number, replace(packet, t=packet.t + shift, dts=packet.dts + shift)


@pytest.fixture
def roads(encode: Encode) -> tuple[Path, Path]:
    """20 s of one road in both sizes; something passes from 9 to 11 s."""
    road = {"seconds": 20, "fps": 10, "gop": 20, "passes": ((9.0, 11.0),)}
    return encode("large.mp4", size=LARGE, **road), encode("small.mp4", size=SMALL, **road)


@pytest.mark.parametrize("ahead_s", [0.0, 0.8, -0.8])
def test_the_large_stream_is_decoded_around_what_the_small_one_saw(roads: tuple[Path, Path], ahead_s: float) -> None:
    camera = Camera(*roads, small_is_ahead_s=ahead_s).play()
    shown = [frame.t for frame in camera.frames if frame.t > 5]
    assert {frame.size for frame in camera.frames} == {LARGE}
    assert shown[0] <= 9.0
    assert shown[-1] >= 11.0
    assert [t for t in shown if 9 <= t <= 11] == pytest.approx([9 + n / 10 for n in range(21)])
    assert camera.watcher.count.frames_decoded < 130
    assert not camera.watcher.is_awake


def test_frames_never_run_back(roads: tuple[Path, Path]) -> None:
    times = [frame.t for frame in Camera(*roads).play().frames]
    assert times == sorted(set(times))


def test_without_its_small_stream_the_large_one_is_watched_by_itself(roads: tuple[Path, Path]) -> None:
    camera = Camera(*roads).play(small_until_s=5.0)
    shown = [frame.t for frame in camera.frames]
    assert [t for t in shown if 9 <= t <= 11] == pytest.approx([9 + n / 10 for n in range(21)])
    assert not camera.watcher.is_awake, "its own gate has learned and closed"


def test_a_vehicle_that_is_tracked_keeps_both_awake(roads: tuple[Path, Path]) -> None:
    camera = Camera(*roads)
    camera.watcher.note_activity(18.0)
    shown = [frame.t for frame in camera.play().frames]
    assert [t for t in shown if 13 <= t <= 17] == pytest.approx([13 + n / 10 for n in range(41)])


def test_what_was_rested_over_counts_as_watched(roads: tuple[Path, Path]) -> None:
    count = Camera(*roads).play().watcher.count
    assert count.watched_s == pytest.approx(20.0, abs=0.5)
    assert count.unwatched_s == 0
    assert count.awake_s < 14

"""A worker that can't keep up: what a camera does without, and that each second of it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, parse_source
from video.packets.demux import Demuxer
from video.packets.ring import PacketRing, RingSettings
from video.watch.decoded import DecodedFrame
from video.watch.gate import GateSettings
from video.watch.pressure import concession
from video.watch.promise import Promise, WakeReason
from video.watch.watcher import Watcher, WatchSettings

PASSES = ((9.0, 11.0), (19.0, 21.0))


def watched(path: Path, settings: WatchSettings, bars: dict[float, float]) -> tuple[Watcher, list[DecodedFrame]]:
    """The file watched to its end; ``bars``: the bar from a time on."""
    source = parse_source(str(path), SourceRules(allow_files=True))
    ring = PacketRing(RingSettings(seconds=60.0))
    watcher, frames = Watcher(source, ring, settings), []
    with Demuxer(source) as demuxer:
        for packet in demuxer.packets():
            watcher.wake_bar = [bar for since, bar in bars.items() if since <= packet.t][-1]
            ring.append(packet)
            while watcher.is_behind:
                for frame in watcher.step():
                    frames.append(frame)
                    if any(start <= frame.t <= end for start, end in PASSES):
                        watcher.note_activity(frame.t)
    return watcher, frames


@pytest.fixture
def road(encode: Encode) -> Path:
    return encode(seconds=28, fps=10, gop=20, passes=PASSES)


SETTINGS = WatchSettings(fps=None, gate=GateSettings(learn_s=2.0))


def test_a_wake_that_promises_too_little_is_refused_and_its_seconds_are_unwatched(road: Path) -> None:
    watcher, frames = watched(road, SETTINGS, {0.0: 0.0, 6.0: 1.0, 16.0: 0.0})
    shown = [frame.t for frame in frames]
    assert not [t for t in shown if 6 < t < 16]
    assert len([t for t in shown if 19 <= t <= 21]) >= 20, "once there is time again, nothing is missed"
    count = watcher.count
    assert count.refused.total() >= 1
    assert 2.0 <= count.unwatched_s <= 7.0
    assert count.watched_s + count.unwatched_s == pytest.approx(28.0, abs=0.3)


def test_where_wakes_show_vehicles_they_go_on_being_accepted(road: Path) -> None:
    watcher, frames = watched(road, SETTINGS, {0.0: 0.0, 13.0: 0.6})
    assert len([frame for frame in frames if 19 <= frame.t <= 21]) >= 20
    assert watcher.count.refused.total() == 0


def test_thinned_frames_are_counted_in_seconds(road: Path) -> None:
    source = parse_source(str(road), SourceRules(allow_files=True))
    ring = PacketRing(RingSettings(seconds=60.0))
    watcher = Watcher(source, ring, WatchSettings(fps=10.0, gate=None))
    watcher.thinning = 3
    given = 0
    with Demuxer(source) as demuxer:
        for packet in demuxer.packets():
            ring.append(packet)
            given += len(watcher.step())
    assert given == pytest.approx(280 / 3, abs=3)
    assert watcher.count.thinned_s == pytest.approx(28.0, abs=0.3)
    assert watcher.count.unwatched_s == 0


def test_what_is_given_up_grows_with_strain_and_detection_goes_first() -> None:
    steps = [concession(n / 20) for n in range(41)]
    assert steps[0] == (1, 0.0)
    assert steps == sorted(steps)
    first_refusal = next(step for step in steps if step.wake_bar > 0)
    assert first_refusal.thinning == 3
    assert steps[-1].wake_bar == 1.0


def test_a_promise_is_a_reasons_record_and_fades() -> None:
    promise = Promise()
    unknown = promise.of(WakeReason.PACKETS)
    for _ in range(20):
        promise.note(WakeReason.PACKETS, is_kept=False)
        promise.note(WakeReason.KEYFRAME, is_kept=True)
    assert promise.of(WakeReason.PACKETS) < 0.1 < unknown < 0.9 < promise.of(WakeReason.KEYFRAME)
    assert promise.of(WakeReason.BETWEEN) == unknown
    for _ in range(1000):
        promise.note(WakeReason.KEYFRAME, is_kept=True)
    for _ in range(60):
        promise.note(WakeReason.KEYFRAME, is_kept=False)
    assert promise.of(WakeReason.KEYFRAME) < 0.5, "a road that has changed is judged anew"

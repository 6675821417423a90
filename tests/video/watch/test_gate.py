"""The gate on encoded roads: nothing that passes is missed, and an empty road costs little."""

from __future__ import annotations

import numpy as np
import pytest

from video.connect.source import SourceRules, parse_source
from video.reader import FrameReader, ReadSettings
from video.watch.gate import Gate, GateSettings
from video.watch.watcher import WatchSettings

GATED = ReadSettings(watch=WatchSettings(fps=5, gate=GateSettings(learn_s=2.0)))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_passes_are_seen_whole_and_the_empty_road_is_slept_over(encode, codec: str) -> None:
    # the second pass begins and ends between two keyframes
    passes = ((7.5, 9.0), (14.2, 15.6), (21.0, 22.5))
    path = encode(seconds=28, fps=10, gop=20, codec=codec, passes=passes)
    with FrameReader(parse_source(str(path), SourceRules(allow_files=True)), GATED) as reader:
        times = np.array([frame.t for frame in reader])
    assert (np.diff(times) > 0).all()
    for start, end in passes:
        inside = times[(times >= start) & (times <= end)]
        assert len(inside) >= (end - start) * 5 - 2, f"pass at {start} s"
    assert reader.count.frames_decoded < 0.7 * 280
    assert reader.count.awake_s < 0.5 * 28
    assert reader.count.wakes.total() >= 3


def test_activity_keeps_it_awake(encode) -> None:
    path = encode(seconds=12, fps=10, gop=10)
    with FrameReader(parse_source(str(path), SourceRules(allow_files=True)), GATED) as reader:
        count = 0
        for frame in reader:
            count += 1
            if frame.t < 9:
                reader.note_activity(frame.t)
    assert 42 <= count <= 52


def test_one_frame_that_shows_nothing_ends_it(encode) -> None:
    left_s, settings = 9.0, ReadSettings(watch=WatchSettings(fps=10, gate=GateSettings(learn_s=2.0)))
    path = encode(seconds=12, fps=20, gop=80, passes=((6.0, left_s),))
    with FrameReader(parse_source(str(path), SourceRules(allow_files=True)), settings) as reader:
        times = np.array([frame.t for frame in reader])
    assert ((times > left_s - 0.5) & (times <= left_s)).any()
    assert ((times > left_s) & (times < left_s + 2)).sum() <= 1


def test_light_is_followed_and_noise_is_not_a_vehicle() -> None:
    rng = np.random.default_rng(2)
    gate = Gate(GateSettings(learn_s=3.0))
    road = rng.integers(60, 160, (90, 160)).astype(float)
    awake = []
    for n in range(300):
        picture = road * (1 - 0.0015 * n) + rng.normal(0, 2, road.shape)
        awake.append(gate.look(np.clip(picture, 0, 255).astype(np.uint8), n * 1.0))
    assert sum(awake[10:]) == 0
    picture[40:60, 60:90] += 60
    assert gate.look(np.clip(picture, 0, 255).astype(np.uint8), 300.0)


def test_another_light_leaves_what_packets_taught() -> None:
    rng = np.random.default_rng(7)
    gate = Gate(GateSettings(learn_s=1.0))
    road = rng.integers(60, 120, (90, 160)).astype(float)
    lamp = np.where(np.arange(160) < 80, 60.0, 0.0)

    def heavy(second: int, growth: float) -> bool:
        packets = [gate.weigh(9000, second, is_keyframe=True)]
        return any(
            packets
            + [gate.weigh(int(growth * rng.normal(500, 20)), second + k / 25, is_keyframe=False) for k in range(1, 25)]
        )

    def show(picture: np.ndarray, second: float) -> None:
        gate.look(np.clip(picture + rng.normal(0, 1, road.shape), 0, 255).astype(np.uint8), second)

    for second in range(40):
        heavy(second, 1.0)
        show(road, second)
        gate.was_empty()
    learned = []
    for k in range(18):
        show(road + lamp, 40 + k / 6)
        learned.append(gate.is_learned)
    assert not all(learned)
    assert learned[-1]
    assert not heavy(44, 1.0)
    assert heavy(45, 2.0)


def test_a_tree_in_the_wind_is_learned() -> None:
    rng = np.random.default_rng(4)
    gate = Gate(GateSettings(learn_s=1.0))
    road = np.full((90, 160), 100.0)
    present = []
    for n in range(900):
        picture = road + rng.normal(0, 1, road.shape)
        if n > 20:
            picture[10:40, 10:50] += rng.normal(0, 12, (30, 40))
        present.append(gate.look(np.clip(picture, 0, 255).astype(np.uint8), n / 6))
    assert any(present[20:60])
    assert not any(present[-100:])
    picture[50:70, 60:90] += 60
    assert gate.look(np.clip(picture, 0, 255).astype(np.uint8), 150.0)


def test_what_stands_still_becomes_background_unless_it_is_known_to_be_a_vehicle() -> None:
    road = np.full((90, 160), 100, np.uint8)
    parked = road.copy()
    parked[40:60, 60:90] = 180
    for occupied in (False, True):
        gate = Gate(GateSettings(learn_s=1.0, absorb_s=10.0))
        for n in range(10):
            gate.look(road, n * 0.5)
        present = [gate.look(parked, 5 + n * 0.5, occupied=occupied) for n in range(120)]
        assert present[0]
        assert present[-1] is occupied

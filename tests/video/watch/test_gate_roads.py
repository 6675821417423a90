"""A gate before roads as they are: it follows what changes by itself, and still wakes for what passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from video.connect.source import SourceRules, parse_source
from video.reader import FrameReader, ReadSettings
from video.watch.gate import Gate, GateSettings
from video.watch.promise import WakeReason
from video.watch.watcher import WatchSettings

SHAPE = (90, 160)
LOOK_S = 2.0
Scene = Callable[[float], NDArray[np.float64]]
"""Brightness at a time in seconds."""


def _road() -> NDArray[np.float64]:
    return np.repeat(np.repeat(np.random.default_rng(3).uniform(70, 150, (18, 32)), 5, 0), 5, 1)


def _day_to_night(rng: np.random.Generator) -> Scene:
    """Half an hour of dusk: darker, of less contrast, with more of the sensor's noise."""
    road = _road()

    def scene(t: float) -> NDArray[np.float64]:
        night = min(t / 1800, 1.0)
        return 25 + (road - 25) * (1 - 0.85 * night) + rng.normal(0, 1 + 3 * night, SHAPE)

    return scene


def _clouds(rng: np.random.Generator) -> Scene:
    """Sun and shade within a few looks, again and again: exposure and contrast swing."""
    road = _road()

    def scene(t: float) -> NDArray[np.float64]:
        sun = 0.8 + 0.2 * np.sin(t / 15)
        return 30 + (road - 30) * sun + rng.normal(0, 1, SHAPE)

    return scene


def _rain(rng: np.random.Generator) -> Scene:
    """From 200 s on streaks, anew in each picture."""
    road = _road()

    def scene(t: float) -> NDArray[np.float64]:
        picture = road + rng.normal(0, 1, SHAPE)
        for _ in range(120 if t > 200 else 0):
            row, column = rng.integers(0, SHAPE[0] - 6), rng.integers(0, SHAPE[1])
            picture[row : row + 6, column] += 35
        return picture

    return scene


def _wind(rng: np.random.Generator) -> Scene:
    """From 200 s on a tree's leaves flicker in a corner."""
    road = _road()

    def scene(t: float) -> NDArray[np.float64]:
        picture = road + rng.normal(0, 1, SHAPE)
        if t > 200:
            picture[5:35, 5:45] += rng.normal(0, 12, (30, 40))
        return picture

    return scene


def _lamp(rng: np.random.Generator) -> Scene:
    """At 200 s the infrared lamp goes on: another picture at once, which stays."""
    road = _road()
    lit = 60 + 90 * np.exp(-((np.arange(SHAPE[1]) - 80) ** 2) / 2000)[None, :] + 0.3 * (road - 100)

    def scene(t: float) -> NDArray[np.float64]:
        return (lit if t > 200 else road) + rng.normal(0, 1, SHAPE)

    return scene


def _seen(picture: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("make", [_day_to_night, _clouds, _rain, _wind, _lamp])
def test_a_gate_follows_its_road_and_still_sees_a_vehicle(make: Callable[[np.random.Generator], Scene]) -> None:
    scene = make(np.random.default_rng(1))
    gate = Gate(GateSettings(learn_s=6.0))
    present = [gate.look(_seen(scene(n * LOOK_S)), n * LOOK_S) for n in range(900)]
    assert sum(present[-200:]) <= 4, "after half an hour it sleeps"
    assert sum(present[10:]) < 0.35 * len(present), "and it has not been awake for most of it"
    vehicle = scene(900 * LOOK_S)
    vehicle[40:64, 60:96] += 70
    assert gate.look(_seen(vehicle), 900 * LOOK_S)
    assert not gate.look(_seen(scene(901 * LOOK_S)), 901 * LOOK_S), "once it has left, the road is empty"


def test_headlights_wake_the_gate_and_leave_no_ghost() -> None:
    rng = np.random.default_rng(8)
    gate = Gate(GateSettings(learn_s=6.0))
    columns, rows = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
    before = after = lit = 0
    for n in range(600):
        picture = 18 + 0.1 * _road() + rng.normal(0, 2.5, SHAPE)
        is_lit = n % 60 in (50, 51, 52) and n > 30
        if is_lit:
            left = 20 + 40 * (n % 60 - 50)
            for lamp in (left, left + 14):
                picture += 160 * np.exp(-((columns - lamp) ** 2 + (rows - 50) ** 2) / 30)
        present = gate.look(_seen(picture), n * LOOK_S)
        lit += is_lit and present
        after += n > 30 and not is_lit and present
        before += n > 30 and is_lit
    assert lit == before
    assert after <= 3


def test_a_gate_asleep_for_long_is_woken_to_prove_itself(encode) -> None:
    path = encode(seconds=24, fps=10, gop=10)
    settings = WatchSettings(fps=5, gate=GateSettings(learn_s=2.0, prove_s=6.0))
    source = parse_source(str(path), SourceRules(allow_files=True))
    with FrameReader(source, ReadSettings(watch=settings)) as reader:
        times = np.array([frame.t for frame in reader])
    assert reader.count.wakes[WakeReason.PROOF] >= 2
    assert (np.diff(times) > 4.0).sum() >= 2, "it sleeps between"


def test_a_quiet_keyframe_is_passed_over_and_nothing_is_lost_by_it(encode) -> None:
    # it comes into view between two keyframes and stays for four; decoding begins at the last one that was empty
    path = encode(seconds=46, fps=10, gop=10, passes=((40.3, 44.0),))
    source = parse_source(str(path), SourceRules(allow_files=True))
    looks = []
    for quiet_s in (0.0, 5.0):
        settings = GateSettings(learn_s=2.0, quiet_s=quiet_s, packet_score=0.0)
        with FrameReader(source, ReadSettings(watch=WatchSettings(fps=5, gate=settings))) as reader:
            times = np.array([frame.t for frame in reader])
        assert ((times >= 40.3) & (times <= 44.0)).sum() >= 17
        looks.append(reader.count.looks)
    assert looks[1] < looks[0] - 10

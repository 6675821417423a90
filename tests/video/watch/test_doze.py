"""A stream whose vehicles are known already: it sleeps while they leave, and what comes behind them wakes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from video.connect.source import SourceRules, parse_source
from video.reader import FrameReader, ReadSettings
from video.watch.gate import GateSettings
from video.watch.watcher import WatchSettings

FPS, GOP_S = 10, 2.0
GATED = ReadSettings(watch=WatchSettings(fps=FPS, gate=GateSettings(learn_s=2.0)))


@pytest.fixture
def watch(encode) -> Callable[..., tuple[NDArray[np.float64], int]]:
    def watched(
        passes: Sequence[tuple[float, float]], known: tuple[float, float], codec: str = "libx264"
    ) -> tuple[NDArray[np.float64], int]:
        """Times of the frames given of such a road, and how many were decoded; in ``known`` vehicles are known."""
        path: Path = encode(seconds=20, fps=FPS, gop=round(FPS * GOP_S), codec=codec, passes=passes)
        times = []
        with FrameReader(parse_source(str(path), SourceRules(allow_files=True)), GATED) as reader:
            for frame in reader:
                times.append(frame.t)
                if known[0] <= frame.t < known[1]:
                    reader.note_known(frame.t)
            return np.array(times), reader.count.frames_decoded

    return watched


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_is_known_is_not_waited_for(watch, codec: str) -> None:
    passes = ((12.2, 13.6),)
    times, decoded = watch(passes, known=(12.8, 14.0), codec=codec)
    assert ((times >= 12.2) & (times < 12.8)).sum() >= 5
    assert ((times > 13.2) & (times < 14.0)).sum() == 0
    assert decoded < watch(passes, known=(99.0, 99.0), codec=codec)[1]


def test_what_is_still_in_view_at_the_keyframe_is_decoded_from_where_it_was_left(watch) -> None:
    times, decoded = watch(((12.2, 14.8),), known=(12.8, 13.0))
    assert ((times > 12.25) & (times < 14.75)).sum() == 25
    assert decoded == watch(((12.2, 14.8),), known=(99.0, 99.0))[1], "nothing is decoded twice"


def test_another_vehicle_wakes_it(watch) -> None:
    both = ((12.1, 13.9), (13.1, 13.9))
    times, _ = watch(both, known=(12.7, 13.0))
    assert ((times > 12.65) & (times < 13.85)).sum() == 12

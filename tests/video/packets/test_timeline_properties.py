"""Whatever time stamps a camera sends, its time grows, and stays near what it was."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.packets.timeline import Timeline

WRAPS = (2**32 / 90_000, 2**33 / 90_000)
STAMPS = st.none() | st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(STAMPS, STAMPS), max_size=200), st.floats(0.0, 1e9))
def test_decoding_times_never_run_back(stamps: list[tuple[float | None, float | None]], anchor_s: float) -> None:
    timeline = Timeline(anchor_s, 10.0)
    placed = [timeline.place(pts, dts, anchor_s + n / 25).dts for n, (pts, dts) in enumerate(stamps)]
    assert all(later >= earlier for earlier, later in itertools.pairwise(placed))


@given(
    st.sampled_from(WRAPS),
    st.floats(0.01, 5.0),
    st.lists(st.floats(0.001, 2.0), min_size=2, max_size=100),
)
def test_a_wrap_anywhere_changes_no_step(wrap: float, before_s: float, steps: list[float]) -> None:
    timeline = Timeline(1e9, 10.0)
    raw, expected = wrap - before_s, 1e9
    for step in [0.0, *steps]:
        raw, expected = (raw + step) % wrap, expected + step
        moment = timeline.place(raw, raw)
        assert moment.t == pytest.approx(expected, abs=1e-4)
        assert not moment.jumped


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_a_live_clock_that_leaps_goes_on_from_its_arrival_and_says_so(leaps: list[float]) -> None:
    timeline = Timeline(1000.0, 10.0)
    before = None
    for n, raw in enumerate(leaps):
        moment = timeline.place(raw, raw, 1000.0 + n)
        step = 0.0 if before is None else raw - before
        goes_on = any(-0.1 <= step + wrap <= 10.0 for wrap in (0.0, *WRAPS))
        assert moment.jumped == (not goes_on)
        if moment.jumped:
            assert moment.t >= 1000.0 + n - 1e-6
        before = raw


@given(st.integers(1, 4), st.integers(2, 40))
def test_reordered_pictures_are_shown_in_their_order(b_frames: int, groups: int) -> None:
    step = 0.04
    timeline = Timeline(0.0, 10.0, step)
    shown: list[float] = []
    n = 0
    for group in range(groups):
        first = group * (b_frames + 1)
        for pts in (first + b_frames, *range(first, first + b_frames)):
            moment = timeline.place(pts * step, (n - b_frames) * step)
            shown.append(moment.t)
            n += 1
            assert not moment.jumped
    assert sorted(shown) == pytest.approx([shown[0] + (k - b_frames) * step for k in range(n)], abs=1e-6)

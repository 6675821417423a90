"""Timestamps that wrap, jump, run backwards or are missing."""

from __future__ import annotations

import pytest

from video.packets.timeline import Timeline


def placed(times: list[float | None], anchor: float = 0.0) -> list[float]:
    timeline = Timeline(anchor, 10.0, 0.1)
    return [timeline.place(t, t).t for t in times]


def test_the_first_packet_is_the_anchor() -> None:
    assert placed([500.0, 500.1], 7.0) == pytest.approx([7.0, 7.1])


@pytest.mark.parametrize("wrap", [2**33 / 90_000, 2**32 / 90_000])
def test_a_wrapped_clock_goes_on(wrap: float) -> None:
    timeline = Timeline(0.0, 10.0)
    moments = [timeline.place(t, t) for t in (wrap - 0.2, wrap - 0.1, 0.0, 0.1)]
    assert [m.t for m in moments] == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-6)
    assert not any(m.jumped for m in moments)


@pytest.mark.parametrize("leap", [-300.0, 5000.0])
def test_a_leap_goes_on_from_the_last_packet(leap: float) -> None:
    timeline = Timeline(0.0, 10.0, 0.1)
    moments = [timeline.place(t, t) for t in (0.0, 0.1, 0.2 + leap, 0.3 + leap)]
    assert [m.t for m in moments] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [m.jumped for m in moments] == [False, False, True, False]


def test_a_leap_of_a_live_clock_goes_on_from_the_arrival() -> None:
    timeline = Timeline(1000.0, 10.0, 0.1)
    timeline.place(0.0, 0.0, 1000.0)
    assert timeline.place(500.0, 500.0, 1060.0).t == pytest.approx(1060.0)


def test_pictures_shown_out_of_decoding_order() -> None:
    timeline = Timeline(0.0, 10.0, 0.1)
    moments = [timeline.place(p, d) for p, d in ((0.0, -0.2), (0.3, -0.1), (0.1, 0.0), (0.2, 0.1))]
    assert [m.t for m in moments] == pytest.approx([0, 0.3, 0.1, 0.2])
    assert [m.dts for m in moments] == pytest.approx([-0.2, -0.1, 0, 0.1])


def test_missing_timestamps_are_counted_on() -> None:
    assert placed([None, None, None]) == pytest.approx([0, 0.1, 0.2])

"""The camera's own clock, and how far it is off."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.packets.camera_clock import ClockSkew, time_of_sender

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ERA_1 = datetime(2036, 2, 7, 6, 28, 16, tzinfo=UTC)


def reference(at_s: float) -> bytes:
    return struct.pack("=qi", round(at_s * 1e6), 24) + bytes(4)


def ntp(seconds: float) -> bytes:
    """What libav makes of an NTP time: microseconds since 1970."""
    return reference(seconds - 2_208_988_800)


def test_a_time_of_day() -> None:
    assert time_of_sender(reference(NOW.timestamp()), NOW) == NOW
    assert time_of_sender(ntp(NOW.timestamp() + 2_208_988_800), NOW) == NOW


@pytest.mark.parametrize("seconds", [0.0, 17.5, 86400.0 * 400])
def test_a_camera_that_counts_from_its_start_has_no_time_of_day(seconds: float) -> None:
    assert time_of_sender(ntp(seconds), NOW) is None


def test_a_camera_that_was_reset_to_1970_is_believed_and_shows_as_skew() -> None:
    assert time_of_sender(reference(60.0), NOW) == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def test_after_2036_the_clock_has_started_again() -> None:
    assert time_of_sender(ntp(90.0), ERA_1 + timedelta(days=30)) == ERA_1 + timedelta(seconds=90)


@given(st.binary(max_size=32))
def test_any_bytes_are_a_time_or_none(data: bytes) -> None:
    found = time_of_sender(data, NOW)
    assert found is None or found.tzinfo is UTC


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=200),
)
def test_the_skew_is_wrong_by_the_shortest_delay_alone(skew_s: float, delays: list[float]) -> None:
    clock = ClockSkew(window_s=60.0)
    for n, delay_s in enumerate(delays):
        sent = NOW + timedelta(seconds=n / 25)
        clock.note(sent + timedelta(seconds=skew_s), sent + timedelta(seconds=delay_s))
    assert clock.skew_s == pytest.approx(skew_s - min(delays), abs=1e-5)


@pytest.mark.parametrize("step_s", [-30.0, 30.0])
def test_a_clock_that_is_set_anew_is_followed(step_s: float) -> None:
    clock = ClockSkew(window_s=60.0)
    for second in range(200):
        at = NOW + timedelta(seconds=second)
        clock.note(at + timedelta(seconds=step_s if second > 100 else 0.0), at)
    assert clock.skew_s == pytest.approx(step_s)
    assert clock.camera_at == NOW + timedelta(seconds=199 + step_s)


def test_a_new_connection_forgets_the_old_clock() -> None:
    clock = ClockSkew()
    clock.note(NOW, NOW)
    clock.forget()
    assert (clock.skew_s, clock.camera_at) == (None, None)

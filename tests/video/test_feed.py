"""How long a feed waits before it connects again."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from video.errors import Reason
from video.feed import backoff_s
from video.session_settings import SessionSettings


@given(st.sampled_from(Reason), st.integers(1, 10**6), st.integers())
def test_the_wait_is_bounded_and_never_nothing(reason: Reason, failures: int, seed: int) -> None:
    settings = SessionSettings()
    wait_s = backoff_s(settings, reason, failures, random.Random(seed))
    assert settings.backoff_first_s / 2 <= wait_s <= max(settings.backoff_most_s, settings.backoff_login_s)


def test_it_doubles_and_cameras_behind_one_switch_come_back_apart() -> None:
    settings = SessionSettings()
    firsts, fifths = (
        sorted(backoff_s(settings, Reason.UNREACHABLE, failures, random.Random(f"camera-{n}")) for n in range(100))
        for failures in (1, 5)
    )
    assert 0.25 <= firsts[0] < 0.3
    assert 0.45 < firsts[-1] <= 0.5
    assert len({round(wait_s, 3) for wait_s in firsts}) > 60
    assert 4.0 <= fifths[0] < fifths[-1] <= 8.0


def test_a_refused_login_is_not_tried_often() -> None:
    wait_s = backoff_s(SessionSettings(), Reason.LOGIN_FAILED, 1, random.Random(1))
    assert 30.0 <= wait_s <= 60.0

"""The states of a session."""

from __future__ import annotations

import pytest

from video.errors import Reason
from video.state import Health, State, StateMachine


def test_each_change_is_told_with_its_reason() -> None:
    told: list[Health] = []
    states = StateMachine(told.append)
    states.move(State.CONNECTING)
    states.move(State.BACKING_OFF, Reason.TIMED_OUT, "no answer")
    states.move(State.CONNECTING)
    states.move(State.LIVE)
    assert [(h.state, h.reason) for h in told] == [
        (State.CONNECTING, None),
        (State.BACKING_OFF, Reason.TIMED_OUT),
        (State.CONNECTING, None),
        (State.LIVE, None),
    ]
    assert states.health.since >= told[0].since


def test_a_move_that_makes_no_sense_is_refused() -> None:
    states = StateMachine()
    with pytest.raises(RuntimeError, match="disabled can't become live"):
        states.move(State.LIVE)


def test_a_move_that_came_too_late_does_nothing() -> None:
    states = StateMachine()
    assert not states.move_from(State.LIVE, State.STALLED, Reason.STALLED)
    assert states.state is State.DISABLED

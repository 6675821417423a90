"""The states of a session: which may follow which, and what each says."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.errors import Reason
from video.state import Health, State, StateMachine

FOLLOWS = {
    State.DISABLED: {State.CONNECTING},
    State.CONNECTING: {State.LIVE, State.BACKING_OFF, State.DISABLED},
    State.LIVE: {State.STALLED, State.BLIND, State.BACKING_OFF, State.DISABLED},
    State.STALLED: {State.LIVE, State.BACKING_OFF, State.DISABLED},
    State.BLIND: {State.LIVE, State.STALLED, State.BACKING_OFF, State.DISABLED},
    State.BACKING_OFF: {State.CONNECTING, State.DISABLED},
}
WAY_TO = {
    State.DISABLED: [],
    State.CONNECTING: [State.CONNECTING],
    State.LIVE: [State.CONNECTING, State.LIVE],
    State.STALLED: [State.CONNECTING, State.LIVE, State.STALLED],
    State.BLIND: [State.CONNECTING, State.LIVE, State.BLIND],
    State.BACKING_OFF: [State.CONNECTING, State.BACKING_OFF],
}


def reason_for(state: State) -> Reason | None:
    return None if state in (State.LIVE, State.CONNECTING) else Reason.STALLED


def machine_at(state: State) -> StateMachine:
    machine = StateMachine()
    for step in WAY_TO[state]:
        machine.move(step, reason_for(step))
    return machine


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_each_move_is_allowed_or_refused(before: State, after: State) -> None:
    machine = machine_at(before)
    known = machine.health
    if after in FOLLOWS[before]:
        machine.move(after, reason_for(after))
        assert machine.state is after
        assert machine.health.since >= known.since
    else:
        with pytest.raises(RuntimeError, match=f"{before} can't become {after}"):
            machine.move(after, reason_for(after))
        assert machine.health is known


@given(st.lists(st.tuples(st.sampled_from(State), st.sampled_from(Reason)), max_size=30))
def test_whatever_is_tried_the_history_is_a_lawful_one(tries: list[tuple[State, Reason]]) -> None:
    told: list[Health] = []
    machine = StateMachine(told.append)
    history = [machine.health]
    for state, reason in tries:
        try:
            machine.move(state, None if state is State.LIVE else reason)
        except RuntimeError:
            continue
        history.append(machine.health)
    assert told == history[1:]
    for before, after in itertools.pairwise(history):
        assert after.state in FOLLOWS[before.state]
        assert after.since >= before.since
        assert (after.reason is None) == (after.state is State.LIVE)
        assert (after.down_since is None) == (after.state is State.LIVE)
        if before.down_since is not None and after.down_since is not None:
            assert after.down_since == before.down_since, "attempts between do not make an outage a new one"


@pytest.mark.parametrize("state", [State.BACKING_OFF, State.DISABLED])
def test_a_state_that_is_not_live_needs_a_reason(state: State) -> None:
    with pytest.raises(RuntimeError, match="needs a reason"):
        machine_at(State.CONNECTING).move(state)


def test_a_live_camera_has_no_reason() -> None:
    with pytest.raises(RuntimeError, match="needs no reason"):
        machine_at(State.CONNECTING).move(State.LIVE, Reason.STALLED)


def test_a_move_that_came_too_late_does_nothing() -> None:
    told: list[Health] = []
    machine = StateMachine(told.append)
    assert not machine.move_from(State.LIVE, State.STALLED, Reason.STALLED)
    assert machine.state is State.DISABLED
    assert told == []


def test_changes_of_two_threads_are_told_in_the_order_in_which_they_happened() -> None:
    told: list[Health] = []
    machine = StateMachine(told.append)
    machine.move(State.CONNECTING)
    machine.move(State.LIVE)

    def flip(before: State, after: State, reason: Reason | None) -> None:
        for _ in range(500):
            machine.move_from(before, after, reason)

    threads = [
        threading.Thread(target=flip, args=(State.LIVE, State.STALLED, Reason.STALLED)),
        threading.Thread(target=flip, args=(State.STALLED, State.LIVE, None)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told[-1] is machine.health
    assert all(after.state in FOLLOWS[before.state] for before, after in itertools.pairwise(told))

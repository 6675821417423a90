"""The states of a camera's session, and which may follow which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock

from video.errors import Reason


class State(StrEnum):
    """What a session is doing. The values go into events, so they never change."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    BLIND = "blind"
    DISABLED = "disabled"


_MAY_FOLLOW: dict[State, frozenset[State]] = {
    State.DISABLED: frozenset({State.CONNECTING}),
    State.CONNECTING: frozenset({State.LIVE, State.BACKING_OFF, State.DISABLED}),
    State.LIVE: frozenset({State.STALLED, State.BLIND, State.BACKING_OFF, State.DISABLED}),
    State.STALLED: frozenset({State.LIVE, State.BACKING_OFF, State.DISABLED}),
    State.BLIND: frozenset({State.LIVE, State.STALLED, State.BACKING_OFF, State.DISABLED}),
    State.BACKING_OFF: frozenset({State.CONNECTING, State.DISABLED}),
}


@dataclass(frozen=True, slots=True)
class Health:
    """A session's state: since when, and why if it is not live."""

    state: State
    since: datetime
    """UTC."""
    reason: Reason | None
    """While connecting: why the connection before was lost; None at the first."""
    detail: str
    """For a person: what is wrong and the way out, the source's login hidden; empty when live."""
    down_since: datetime | None = None
    """UTC since when it has not been live, over all states and attempts between; None while it is."""


class StateMachine:
    """Holds the state, refuses moves that make no sense, and tells each one that happens, in order. For any thread.

    ``on_change`` is called under the lock: it must return at once, and must not move this machine.
    """

    def __init__(self, on_change: Callable[[Health], None] | None = None) -> None:
        now = datetime.now(UTC)
        self._health = Health(State.DISABLED, now, Reason.DISABLED, "not started", now)
        self._on_change = on_change
        self._lock = Lock()

    @property
    def health(self) -> Health:
        return self._health

    @property
    def state(self) -> State:
        return self._health.state

    def move(self, state: State, reason: Reason | None = None, detail: str = "") -> None:
        """Go to ``state``. Raises RuntimeError for a move that is not foreseen."""
        with self._lock:
            self._move(state, reason, detail)

    def move_from(self, before: State, state: State, reason: Reason | None = None, detail: str = "") -> bool:
        """Go to ``state`` if it is ``before`` now; whether it did. For moves that race with another thread's."""
        with self._lock:
            if self._health.state is not before:
                return False
            self._move(state, reason, detail)
            return True

    def _move(self, state: State, reason: Reason | None, detail: str) -> None:
        before = self._health
        if state not in _MAY_FOLLOW[before.state]:
            raise RuntimeError(f"a camera that is {before.state} can't become {state}")
        if (reason is None) != (state is State.LIVE) and state is not State.CONNECTING:
            raise RuntimeError(f"a camera that becomes {state} needs {'no' if state is State.LIVE else 'a'} reason")
        now = max(datetime.now(UTC), before.since)  # a clock that is set back must not turn the order of states round
        down_since = None if state is State.LIVE else before.down_since or now
        self._health = health = Health(state, now, reason, detail, down_since)
        if self._on_change is not None:
            self._on_change(health)

"""The event log, live: one listening connection a process, any number of followers.

The hub's own thread waits for Postgres' notifications and keeps the newest events in memory. A follower pulls from
there, or from the log itself where it lies further back, at its own speed: nothing is queued for it, so a slow one
costs nothing and loses nothing. Cursors are dense and given out in commit order (`storage.events`), so a follower that
finds anything but its cursor + 1 knows that the log was pruned under it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from anyio import to_thread

from storage.errors import StorageError
from storage.events import Event, EventLog, Listener

log = logging.getLogger(__name__)

KEPT = 2_000
BATCH = 500
POLL_S = 5.0
"""The log is looked at this often even when nothing notifies."""
LONGEST_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class LogState:
    """Whether the hub keeps up with the log; while it does not, events are late, not lost."""

    live: bool
    since: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """The log no longer holds what follows the follower's cursor; it goes on from ``cursor``."""

    cursor: int


class EventHub:
    """Follows the log for the whole process. All but its own thread belongs to the event loop."""

    def __init__(self, events: EventLog) -> None:
        self._log = events
        self._tail: deque[Event] = deque(maxlen=KEPT)
        self._head: int | None = None
        self._state = LogState(live=False, since=datetime.now(UTC), reason="starting")
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-hub", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._ended = False

    def start(self) -> None:
        """Begin to listen; needs no database yet: it is waited for."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def end_streams(self) -> None:
        """Let every follower come to its end, so that the server can stop."""
        self._ended = True
        self._wake()

    async def stop(self) -> None:
        """End the followers and the thread."""
        self.end_streams()
        self._stopping.set()
        await to_thread.run_sync(self._thread.join)

    @property
    def state(self) -> LogState:
        """Whether the hub keeps up with the log."""
        return self._state

    @property
    def head(self) -> int | None:
        """The newest cursor; None until the log was first seen."""
        return self._head

    @property
    def has_ended(self) -> bool:
        return self._ended

    @property
    def changed(self) -> asyncio.Event:
        """Set, once, when the state or the head next changes. Take it before you look at them."""
        return self._changed

    async def read(self, cursor: int) -> list[Event] | Reset:
        """What follows ``cursor``, which is not the head: one event or more, from memory where that reaches."""
        with self._lock:
            head = self._head or 0
            if cursor > head:
                return Reset(head)
            oldest = self._tail[0].cursor if self._tail else head + 1
            kept = [event for event in self._tail if event.cursor > cursor][:BATCH] if cursor + 1 >= oldest else []
        if kept:
            return kept
        found = await to_thread.run_sync(self._log.after, cursor, BATCH)
        return found if found and found[0].cursor == cursor + 1 else Reset(found[0].cursor - 1 if found else head)

    def _run(self) -> None:
        listener = self._log.listen()
        wait_s = 0.1
        while not self._stopping.is_set():
            try:
                self._catch_up(listener)
                wait_s = 0.1
                self._wait(listener)
                continue
            except StorageError as error:
                log.warning("event stream: %s", error)
                self._tell(live=False, reason="database")
            except Exception:  # the thread's outer edge: a hub that died in silence would look live
                log.exception("event stream: unexpected")
                self._tell(live=False, reason="internal")
            self._stopping.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        listener.close()

    def _catch_up(self, listener: Listener) -> None:
        listener.start()  # before the read: what is written after it notifies
        last = self._log.last_cursor()
        if self._head is None or last < self._head:  # a first start, or another database under the same name
            with self._lock:
                self._tail.clear()
                self._head = last
        while found := self._log.after(self._head, BATCH):
            with self._lock:
                self._tail.extend(found)
                self._head = found[-1].cursor
            self._wake()
        self._tell(live=True)

    def _wait(self, listener: Listener) -> None:
        waited_s = 0.0
        while not self._stopping.is_set() and waited_s < POLL_S and not listener.wait(0.5):
            waited_s += 0.5

    def _tell(self, *, live: bool, reason: str | None = None) -> None:
        if (live, reason) != (self._state.live, self._state.reason):
            self._state = LogState(live, datetime.now(UTC), reason)
            self._wake()

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._replace_changed)

    def _replace_changed(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()


class Follower:
    """One reader of the hub, at its own speed."""

    def __init__(self, hub: EventHub, cursor: int | None) -> None:
        self._hub = hub
        self.cursor = cursor
        """Everything up to here was given out; None: it starts now, and the log was not seen yet."""

    async def steps(self, silence_s: float) -> AsyncIterator[list[Event] | LogState | Reset | None]:
        """Events after the cursor, for ever; None after each ``silence_s`` without anything; ends with the server.

        The hub's state comes first and whenever it changes. ``cursor`` is moved on before a step is given out.
        """
        told: LogState | None = None
        while not self._hub.has_ended:
            changed = self._hub.changed
            state, head = self._hub.state, self._hub.head
            if self.cursor is None:
                self.cursor = head
            if state != told:
                told = state
                yield state
            elif head is not None and self.cursor is not None and self.cursor != head:
                try:
                    found = await self._hub.read(self.cursor)
                except StorageError:  # the hub says so by its state; what was asked for is still there afterwards
                    await asyncio.sleep(LONGEST_WAIT_S)
                    yield None
                    continue
                self.cursor = found.cursor if isinstance(found, Reset) else found[-1].cursor
                yield found
            else:
                try:
                    await asyncio.wait_for(changed.wait(), silence_s)
                except TimeoutError:
                    yield None

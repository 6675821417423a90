"""The event log: the one way out. Readers follow it by cursor and miss nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from storage.database import Connection, Database
from storage.errors import DatabaseAway

EVENTS_CHANNEL: Final = "beket_events"
ENTRIES_CHANNEL: Final = "beket_entries"

_APPEND = """
WITH taken AS (UPDATE counters SET value = value + 1 WHERE name = 'events' RETURNING value),
written AS (
    INSERT INTO events (cursor, kind, at, data) SELECT value, %s, clock_timestamp(), %s FROM taken RETURNING cursor
)
SELECT cursor, pg_notify('beket_events', cursor::text) FROM written
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as every reader sees it."""

    cursor: int
    kind: str
    at: datetime
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The event as ARCHITECTURE.md defines it."""
        return {"cursor": self.cursor, "kind": self.kind, "at": self.at.isoformat(), "data": self.data}


class Listener:
    """Wakes when someone notifies a channel. One thread at a time; close it from any.

    It keeps a connection of its own and takes a new one when that breaks: a broken connection wakes the waiter too,
    because a notification may have passed meanwhile.
    """

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._connection: Connection | None = None
        self._closed = threading.Event()
        self._guard = threading.Lock()
        """Held by whoever uses the connection, so that ``close`` does not pull it from under a ``wait``."""

    def start(self) -> None:
        """Begin to listen; what is notified from now on wakes the next ``wait``. Raises ``DatabaseAway``."""
        if not self._closed.is_set() and (self._connection is None or self._connection.closed):
            connection = self._database.connect(autocommit=True)
            try:
                connection.execute(f"LISTEN {self._channel}".encode())
            except psycopg.OperationalError as error:
                connection.close()
                raise DatabaseAway(f"Postgres ({self._database.shown}) broke off") from error
            self._connection = connection

    def wait(self, timeout_s: float) -> bool:
        """True when the channel was notified (or the connection broke), False after ``timeout_s``.

        Raises ``DatabaseAway``.
        """
        with self._guard:
            return self._wait(timeout_s)

    def _wait(self, timeout_s: float) -> bool:
        if self._closed.is_set():
            return False
        if self._connection is None or self._connection.closed:
            self.start()
            return True
        connection = self._connection
        deadline = time.monotonic() + timeout_s
        try:
            while not self._closed.is_set():
                left = min(1.0, deadline - time.monotonic())
                for _ in connection.notifies(timeout=max(0.0, left), stop_after=1):
                    return True
                if time.monotonic() >= deadline:
                    return False
        except psycopg.OperationalError:
            connection.close()
            self._connection = None
            return True
        return False

    def close(self) -> None:
        """Stop listening; a ``wait`` under way returns within a second."""
        self._closed.set()
        with self._guard:
            if self._connection is not None:
                self._connection.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EventLog:
    """Append and follow events. Thread-safe; each follower takes a ``Listener`` of its own from ``listen``.

    A cursor is given out under a row lock that is held until commit: whoever sees cursor n sees everything before n.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, kind: str, data: dict[str, Any]) -> int:
        """Write one event in a transaction of its own; returns its cursor. Raises ``DatabaseAway``."""
        with self._database.transaction() as connection:
            return append_event(connection, kind, data)

    def after(self, cursor: int, limit: int = 500) -> list[Event]:
        """Events beyond ``cursor`` in order, at most ``limit``."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT cursor, kind, at, data FROM events WHERE cursor > %s ORDER BY cursor LIMIT %s", [cursor, limit]
            ).fetchall()
        return [Event(*row) for row in rows]

    def last_cursor(self) -> int:
        """The newest event's cursor; 0 when nothing has happened yet."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT value FROM counters WHERE name = 'events'").fetchone()
        return 0 if row is None else int(row[0])

    def listen(self) -> Listener:
        """A listener that wakes on new events. ``start`` it, then read ``after``, then ``wait``: nothing slips by."""
        return Listener(self._database, EVENTS_CHANNEL)

    def prune(self, before: datetime) -> int:
        """Forget events older than ``before``; returns how many. Cursors go on from where they were."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM events WHERE at < %s", [before]).rowcount


def append_event(connection: Connection, kind: str, data: dict[str, Any]) -> int:
    """Write one event in the caller's transaction, as its last act: the log is locked from here to the commit."""
    row = connection.execute(_APPEND, [kind, Jsonb(data)]).fetchone()
    if row is None:
        raise LookupError("the counter of events is missing: run the migrations")
    return int(row[0])

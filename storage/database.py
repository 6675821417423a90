"""The road to Postgres: connections, transactions, migrations, and one kind of error for each kind of trouble."""

from __future__ import annotations

import contextlib
import re
import select
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from storage.errors import DatabaseAway, DatabaseRefused

Connection = psycopg.Connection[TupleRow]

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@|(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)


def redact_dsn(text: str) -> str:
    """``text`` with every password in a DSN replaced by ``***``."""
    return _PASSWORD.sub(lambda m: f"{m[1]}:***@" if m[1] is not None else f"{m[2]}***", text)


class Database:
    """Pooled access to one Postgres database. Thread-safe; share one in a process.

    Nothing is connected before it is needed, and a connection that broke is replaced when next one is asked for, so a
    database that was away is used again as soon as it is back. A statement that waits too long for a lock or takes too
    long is broken off.
    """

    def __init__(
        self, dsn: str, *, connections: int = 8, connect_timeout_s: int = 3, statement_timeout_s: float = 30.0
    ):
        self.dsn = dsn
        self.shown = redact_dsn(dsn)
        self._connect_timeout_s = connect_timeout_s
        self._options = (
            f"-c timezone=UTC -c statement_timeout={int(statement_timeout_s * 1000)} -c lock_timeout=10s "
            "-c idle_in_transaction_session_timeout=60s"
        )
        self._slots = threading.BoundedSemaphore(connections)
        self._idle: list[Connection] = []
        self._guard = threading.Lock()
        self._closed = False

    def connect(self, **parameters: Any) -> Connection:
        """A connection of the caller's own, outside the pool. Raises ``DatabaseAway``."""
        try:
            return psycopg.connect(
                self.dsn,
                connect_timeout=self._connect_timeout_s,
                options=self._options,
                application_name="beket",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=15_000,
                **parameters,
            )
        except psycopg.OperationalError as error:
            raise DatabaseAway(self._away(error)) from error
        except psycopg.ProgrammingError as error:
            raise DatabaseRefused(f"the DSN of Postgres can't be read ({self.shown}): {error}") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back by any exception in it.

        Raises ``DatabaseAway`` (try again later: whether the commit took place may be unknown) or ``DatabaseRefused``.
        """
        if not self._slots.acquire(timeout=30.0):
            raise DatabaseAway(f"Postgres ({self.shown}): all connections of this process are busy for 30 s")
        connection: Connection | None = None
        try:
            connection = self._take()
            try:
                with connection.transaction():
                    yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                raise DatabaseAway(self._away(error)) from error
            except psycopg.Error as error:
                raise DatabaseRefused(f"Postgres refused: {_first_line(error)}") from error
        finally:
            if connection is not None:
                self._give(connection)
            self._slots.release()

    def ping(self) -> float:
        """Round-trip time of an empty query in seconds. Raises ``DatabaseAway``."""
        started = time.monotonic()
        with self.transaction() as connection:
            connection.execute("SELECT 1")
        return time.monotonic() - started

    def wait_until_there(self, timeout_s: float) -> None:
        """Return as soon as the database answers; raise the last ``DatabaseAway`` after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.ping()
            except DatabaseAway:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def migrate(self) -> str:
        """Bring the schema to this program's revision and return its name. Two runners at once wait for each other.

        Raises ``DatabaseAway``, or ``DatabaseRefused`` when the database was made by a newer beket.
        """
        from storage.migrations.runner import upgrade  # alembic and SQLAlchemy are slow to import

        return upgrade(self.connect, self.shown)

    def close(self) -> None:
        """Close the idle connections; those in use close when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> Connection:
        while True:
            with self._guard:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self.connect(autocommit=True)
            if not connection.closed and not _has_ended(connection):
                return connection
            connection.close()

    def _give(self, connection: Connection) -> None:
        if not connection.closed:
            with self._guard:
                if not self._closed:
                    self._idle.append(connection)
                    return
        connection.close()

    def _away(self, error: psycopg.Error) -> str:
        return (
            f"Postgres ({self.shown}) can't be used now: {_first_line(error)}; "
            "see that it runs and that the DSN names the right host, user, password and database"
        )


def _first_line(error: psycopg.Error) -> str:
    # details may hold a row's values: plates and credentials stay out of messages
    text = error.diag.message_primary or str(error).strip().split("\n", 1)[0] or type(error).__name__
    return redact_dsn(text)


def _has_ended(connection: Connection) -> bool:
    """An idle connection with something to read has been ended by the server."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))

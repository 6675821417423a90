"""The version that every change of entries takes: given out in commit order, told to the matchers."""

from __future__ import annotations

from storage.database import Connection


def next_version(connection: Connection, *, patience_s: float = 120.0) -> int:
    """Take the next version for the caller's transaction. Whoever is next waits for its end, at most ``patience_s``."""
    connection.execute(f"SET LOCAL lock_timeout = {int(patience_s * 1000)}")  # a large import may be before us
    row = connection.execute(
        "WITH taken AS (UPDATE counters SET value = value + 1 WHERE name = 'entries' RETURNING value) "
        "SELECT value, pg_notify('beket_entries', value::text) FROM taken"
    ).fetchone()
    if row is None:
        raise LookupError("the counter of entries is missing: run the migrations")
    return int(row[0])


def current_version(connection: Connection) -> int:
    """The newest version that is committed."""
    row = connection.execute("SELECT value FROM counters WHERE name = 'entries'").fetchone()
    return 0 if row is None else int(row[0])

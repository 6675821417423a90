"""Hotlists and their entries: imported whole or not at all, kept for ever in their history, followed by matchers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from index.entry import Entry
from storage.database import Connection, Database
from storage.entry_file import EntryRow
from storage.events import ENTRIES_CHANNEL, Listener


@dataclass(frozen=True, slots=True)
class EntryImport:
    """What an import did."""

    added: int
    changed: int
    unchanged: int
    withdrawn: int
    version: int


@dataclass(frozen=True, slots=True)
class EntryChanges:
    """What a matcher must do to be at ``version``: take these entries in (by id), leave those out."""

    version: int
    entries: tuple[Entry, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hotlist:
    """A list, and how many of its entries are live."""

    hotlist_id: str
    name: str
    purpose: str
    owner: str
    suspended: bool
    live: int


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with all that is kept of it."""

    entry_id: str
    hotlist_id: str
    plate: str
    category: str
    legal_basis: str
    owner: str
    valid_from: datetime
    valid_until: datetime
    note: str
    state: str
    entered_by: str
    entered_at: datetime
    approved_by: str | None
    version: int


_STORED: Final = (
    "entry_id, hotlist_id, plate, category, legal_basis, owner, valid_from, valid_until, note, state, entered_by, "
    "entered_at, approved_by, version"
)
_ROW: Final = "entry_id, plate, category, legal_basis, owner, valid_from, valid_until, note"
_LIVE: Final = "e.state = 'live' AND NOT h.suspended AND e.valid_until > %s"
_UPSERT: Final = """
WITH written AS (
    INSERT INTO entries (entry_id, plate, category, legal_basis, owner, valid_from, valid_until, note,
                         hotlist_id, state, entered_by, version)
    SELECT entry_id, plate, category, legal_basis, owner, valid_from, valid_until, note, %(hotlist)s, %(state)s, %(by)s,
           %(version)s FROM arrived
    ON CONFLICT (entry_id) DO UPDATE SET
        (plate, category, legal_basis, owner, valid_from, valid_until, note, state, entered_by, entered_at,
         withdrawn_by, withdrawn_at, version, updated_at) =
        (excluded.plate, excluded.category, excluded.legal_basis, excluded.owner, entries.valid_from,
         excluded.valid_until, excluded.note, excluded.state, excluded.entered_by, now(), NULL, NULL,
         excluded.version, now())
    WHERE entries.hotlist_id = excluded.hotlist_id
      AND (entries.plate, entries.category, entries.legal_basis, entries.owner, entries.valid_until, entries.note,
           entries.state)
        IS DISTINCT FROM
          (excluded.plate, excluded.category, excluded.legal_basis, excluded.owner, excluded.valid_until,
           excluded.note, excluded.state)
    RETURNING (xmax = 0) AS added
)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM written
"""
_WITHDRAW_MISSING: Final = """
UPDATE entries SET state = 'withdrawn', withdrawn_by = %s, withdrawn_at = now(), version = %s, updated_at = now()
WHERE hotlist_id = %s AND state <> 'withdrawn'
  AND NOT EXISTS (SELECT 1 FROM arrived WHERE arrived.entry_id = entries.entry_id)
"""


class EntryBook:
    """Keeps hotlists. Thread-safe, safe between processes; every method may raise ``DatabaseAway``.

    Each change of entries takes the next version, in commit order, and wakes the matchers (``listen``). A matcher loads
    ``live`` once, then asks for ``changes`` since its version whenever it is woken, and every two seconds in any case.
    The end of an entry is known to the matcher with the entry: no change tells of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def import_rows(
        self,
        hotlist_id: str,
        rows: Sequence[EntryRow],
        *,
        by: str,
        name: str | None = None,
        owner: str | None = None,
        purpose: str | None = None,
        full: bool = False,
        state: str = "live",
    ) -> EntryImport:
        """Add or change the entries of one list, all or none; ``full`` withdraws those that ``rows`` leaves out.

        The list is made on its first import, named by its id and owned by ``by`` unless told otherwise; what is told of
        it later changes it. An entry keeps its
        first ``valid_from``. Raises ``DatabaseRefused`` when a row can't stand, or its id belongs to another list.
        """
        with self._database.transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute(
                "INSERT INTO hotlists (hotlist_id, name, owner, purpose) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (hotlist_id) DO UPDATE SET name = coalesce(%s, hotlists.name), "
                "owner = coalesce(%s, hotlists.owner), purpose = coalesce(%s, hotlists.purpose)",
                [hotlist_id, name or hotlist_id, owner or by, purpose or "", name, owner, purpose],
            )
            connection.execute(
                "CREATE TEMP TABLE arrived (entry_id text, plate text, category text, legal_basis text, owner text, "
                "valid_from timestamptz, valid_until timestamptz, note text) ON COMMIT DROP"
            )
            with connection.cursor().copy(f"COPY arrived ({_ROW}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(
                        (
                            row.entry_id,
                            row.plate,
                            row.category,
                            row.legal_basis,
                            row.owner,
                            row.valid_from,
                            row.valid_until,
                            row.note,
                        )
                    )
            connection.execute("ANALYZE arrived")
            version = _next_version(connection)
            values = {"hotlist": hotlist_id, "state": state, "by": by, "version": version}
            counted = connection.execute(_UPSERT, values).fetchone()
            added, changed = (0, 0) if counted is None else counted
            withdrawn = connection.execute(_WITHDRAW_MISSING, [by, version, hotlist_id]).rowcount if full else 0
        return EntryImport(added, changed, len(rows) - added - changed, withdrawn, version)

    def withdraw(self, entry_ids: Sequence[str], *, by: str) -> int:
        """Take entries off; they and their history stay. Returns how many were not withdrawn before."""
        with self._database.transaction() as connection:
            version = _next_version(connection)
            return connection.execute(
                "UPDATE entries SET state = 'withdrawn', withdrawn_by = %s, withdrawn_at = now(), version = %s, "
                "updated_at = now() WHERE entry_id = ANY(%s) AND state <> 'withdrawn'",
                [by, version, list(entry_ids)],
            ).rowcount

    def suspend(self, hotlist_id: str, *, suspended: bool) -> int:
        """Stop a whole list from matching, or let it match again; returns how many entries it has."""
        with self._database.transaction() as connection:
            version = _next_version(connection)
            connection.execute("UPDATE hotlists SET suspended = %s WHERE hotlist_id = %s", [suspended, hotlist_id])
            return connection.execute(
                "UPDATE entries SET version = %s WHERE hotlist_id = %s", [version, hotlist_id]
            ).rowcount

    def live(self, *, now: datetime | None = None) -> EntryChanges:
        """All entries that match now or will from their ``valid_from``, with the version they stand at."""
        with self._database.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            version = _version(connection)
            rows = connection.execute(
                "SELECT e.entry_id, e.plate, e.category, e.valid_from, e.valid_until FROM entries e "  # noqa: S608
                f"JOIN hotlists h USING (hotlist_id) WHERE {_LIVE}",
                [now or datetime.now(UTC)],
            ).fetchall()
        return EntryChanges(version, tuple(Entry(*row) for row in rows), ())

    def changes(self, since: int, *, now: datetime | None = None) -> EntryChanges:
        """What changed after version ``since``; nothing is skipped, whoever commits in what order."""
        with self._database.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            version = _version(connection)
            rows = connection.execute(
                f"SELECT {_LIVE}, e.entry_id, e.plate, e.category, e.valid_from, e.valid_until FROM entries e "  # noqa: S608
                "JOIN hotlists h USING (hotlist_id) WHERE e.version > %s ORDER BY e.version",
                [now or datetime.now(UTC), since],
            ).fetchall()
        entries = tuple(Entry(*row[1:]) for row in rows if row[0])
        return EntryChanges(version, entries, tuple(row[1] for row in rows if not row[0]))

    def listen(self) -> Listener:
        """A listener that wakes when entries change."""
        return Listener(self._database, ENTRIES_CHANNEL)

    def hotlists(self) -> list[Hotlist]:
        """All lists by id."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT h.hotlist_id, h.name, h.purpose, h.owner, h.suspended, "  # noqa: S608 - constants
                f"(SELECT count(*) FROM entries e WHERE e.hotlist_id = h.hotlist_id AND {_LIVE}) "
                "FROM hotlists h ORDER BY h.hotlist_id",
                [datetime.now(UTC)],
            ).fetchall()
        return [Hotlist(*row) for row in rows]

    def list(self, hotlist_id: str | None = None, *, limit: int = 1000) -> list[StoredEntry]:
        """Entries of one list or of all, by plate."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_STORED} FROM entries WHERE %(list)s::text IS NULL OR hotlist_id = %(list)s "  # noqa: S608
                "ORDER BY plate, entry_id LIMIT %(limit)s",
                {"list": hotlist_id, "limit": limit},
            ).fetchall()
        return [StoredEntry(*row) for row in rows]

    def history(self, entry_id: str) -> Sequence[dict[str, Any]]:
        """Every state the entry was ever in, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT entry FROM entry_history WHERE entry_id = %s ORDER BY history_id", [entry_id]
            ).fetchall()
        return [row[0] for row in rows]


def _next_version(connection: Connection) -> int:
    row = connection.execute(
        "WITH taken AS (UPDATE counters SET value = value + 1 WHERE name = 'entries' RETURNING value) "
        "SELECT value, pg_notify('beket_entries', value::text) FROM taken"
    ).fetchone()
    if row is None:
        raise LookupError("the counter of entries is missing: run the migrations")
    return int(row[0])


def _version(connection: Connection) -> int:
    row = connection.execute("SELECT value FROM counters WHERE name = 'entries'").fetchone()
    return 0 if row is None else int(row[0])

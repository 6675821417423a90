"""Entries one by one: drafted, approved by a second person, withdrawn; kept for ever in their history."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from storage.database import Connection, Database
from storage.hotlists.categories import read_categories
from storage.hotlists.errors import BadEntry, IllegalMove, SamePerson, UnknownRecord
from storage.hotlists.life import EntryState, Move, after
from storage.hotlists.look_backs import ask_to_look_back
from storage.hotlists.rows import EntryRow, find_fault, find_plate_fault
from storage.hotlists.versions import next_version


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with all that is kept of it."""

    entry_id: str
    hotlist_id: str
    plate: str
    category: str
    legal_basis: str
    authority: str
    owner: str
    valid_from: datetime
    valid_until: datetime
    regions: Sequence[str]
    vehicle: Mapping[str, str]
    note: str
    instructions: str
    risk: str
    state: str
    entered_by: str
    entered_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str
    import_id: int | None
    live_since: datetime | None
    version: int


STORED_COLUMNS: Final = (
    "entry_id, hotlist_id, plate, category, legal_basis, authority, owner, valid_from, valid_until, regions, vehicle, "
    "note, instructions, risk, state, entered_by, entered_at, approved_by, approved_at, withdrawn_by, withdrawn_at, "
    "withdrawn_because, import_id, live_since, version"
)
_LISTED: Final = f"""
SELECT {STORED_COLUMNS} FROM entries
WHERE (%(hotlist)s::text IS NULL OR hotlist_id = %(hotlist)s) AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(after)s::text IS NULL OR (plate, entry_id) > (%(after_plate)s, %(after)s))
ORDER BY plate, entry_id LIMIT %(limit)s
"""  # noqa: S608 - constants


class EntryBook:
    """Keeps entries. Thread-safe, safe between processes; every method may raise ``DatabaseAway``.

    Each change takes the next version, in commit order, and wakes the matchers (``storage.hotlists.feed``).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def draft(self, hotlist_id: str, row: EntryRow, *, by: str) -> StoredEntry:
        """Enter one entry; it matches nothing until a second person approves it.

        Raises ``BadEntry`` (which field, what, how to mend it), ``UnknownRecord`` for a list that is not there, and
        ``IllegalMove`` when the identifier is taken.
        """
        require_name(by)
        with self._database.transaction() as connection:
            fault = find_plate_fault(row.plate) or find_fault(row, read_categories(connection), datetime.now(UTC))
            if fault is not None:
                raise BadEntry(str(fault))
            if connection.execute("SELECT 1 FROM hotlists WHERE hotlist_id = %s", [hotlist_id]).fetchone() is None:
                raise UnknownRecord(f"there is no hotlist {hotlist_id}: make it first, with its owner and purpose")
            version = next_version(connection)
            written = connection.execute(
                "INSERT INTO entries (entry_id, hotlist_id, plate, category, legal_basis, authority, owner, "
                "valid_from, valid_until, regions, vehicle, note, instructions, risk, state, entered_by, changed_by, "
                "version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'draft', %s, %s, %s) "
                "ON CONFLICT (entry_id) DO NOTHING RETURNING entry_id",
                [
                    row.entry_id,
                    hotlist_id,
                    row.plate,
                    row.category,
                    row.legal_basis,
                    row.authority,
                    row.owner,
                    row.valid_from,
                    row.valid_until,
                    list(row.regions),
                    Jsonb(row.vehicle.as_json()),
                    row.note,
                    row.instructions,
                    row.risk,
                    by,
                    by,
                    version,
                ],
            ).fetchone()
            if written is None:
                raise IllegalMove(f"the identifier {row.entry_id} is taken: an entry never changes into another")
            return _get(connection, row.entry_id)

    def approve(self, entry_id: str, *, by: str, now: datetime | None = None) -> StoredEntry:
        """Let a draft go live, or from its beginning on if that lies ahead.

        Of two who approve at once, one does it and the other is told who did. Raises ``SamePerson`` for who entered
        it, ``IllegalMove``, ``UnknownRecord``.
        """
        require_name(by)
        now = now or datetime.now(UTC)
        with self._database.transaction() as connection:
            entry = _get(connection, entry_id, lock=True)
            state = _moved(entry, Move.APPROVE)
            if entry.entered_by == by:
                raise SamePerson(f"entry {entry_id} was entered by {by}: a second person has to approve it")
            if entry.valid_until <= now:
                raise IllegalMove(
                    f"the end of entry {entry_id} has passed ({entry.valid_until:%Y-%m-%d}): withdraw it, enter it anew"
                )
            version = next_version(connection)
            if entry.valid_from <= now:
                state = EntryState.LIVE
            connection.execute(
                "UPDATE entries SET (state, approved_by, approved_at, changed_by, version, updated_at, live_since, "
                "live_version) = (%(state)s, %(by)s, now(), %(by)s, %(version)s, now(), "
                "CASE WHEN %(live)s THEN now() END, CASE WHEN %(live)s THEN %(version)s::bigint END) "
                "WHERE entry_id = %(id)s",
                {
                    "state": state.value,
                    "by": by,
                    "version": version,
                    "live": state is EntryState.LIVE,
                    "id": entry_id,
                },
            )
            if state is EntryState.LIVE:
                ask_to_look_back(connection, version)
            return _get(connection, entry_id)

    def withdraw(self, entry_id: str, *, by: str, because: str = "") -> StoredEntry:
        """Take an entry off; it stays in the book with its history. Raises ``IllegalMove``, ``UnknownRecord``."""
        require_name(by)
        with self._database.transaction() as connection:
            state = _moved(_get(connection, entry_id, lock=True), Move.WITHDRAW)
            version = next_version(connection)
            connection.execute(
                "UPDATE entries SET (state, withdrawn_by, withdrawn_at, withdrawn_because, changed_by, version, "
                "updated_at) = (%s, %s, now(), %s, %s, %s, now()) WHERE entry_id = %s",
                [state.value, by, because, by, version, entry_id],
            )
            return _get(connection, entry_id)

    def turn(self, *, now: datetime | None = None) -> int:
        """Write down what time has done: entries whose beginning or end has come. Returns how many.

        Matchers know both beforehand and don't wait for this.
        """
        now = now or datetime.now(UTC)
        with self._database.transaction() as connection:
            due = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM entries WHERE state IN ('approved', 'live') AND valid_until <= %(now)s) "
                "OR EXISTS (SELECT 1 FROM entries WHERE state = 'approved' AND valid_from <= %(now)s)",
                {"now": now},
            ).fetchone()
            if due is None or not due[0]:
                return 0
            version = next_version(connection)
            expired = connection.execute(
                "UPDATE entries SET (state, changed_by, version, updated_at) = ('expired', 'time', %s, now()) "
                "WHERE state IN ('approved', 'live') AND valid_until <= %s",
                [version, now],
            ).rowcount
            begun = connection.execute(
                "UPDATE entries SET (state, changed_by, version, updated_at, live_since, live_version) = "
                "('live', 'time', %(version)s, now(), now(), %(version)s) "
                "WHERE state = 'approved' AND valid_from <= %(now)s",
                {"version": version, "now": now},
            ).rowcount
            if begun:
                ask_to_look_back(connection, version)
        return expired + begun

    def get(self, entry_id: str) -> StoredEntry:
        """One entry. Raises ``UnknownRecord``."""
        with self._database.transaction() as connection:
            return _get(connection, entry_id)

    def list(
        self,
        hotlist_id: str | None = None,
        *,
        state: EntryState | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[StoredEntry]:
        """Entries of one list or of all, by plate, at most ``limit`` after the entry ``after``."""
        with self._database.transaction() as connection:
            start = None if after is None else _get(connection, after)
            rows = connection.execute(
                _LISTED,
                {
                    "hotlist": hotlist_id,
                    "state": state and state.value,
                    "after": after,
                    "after_plate": start and start.plate,
                    "limit": limit,
                },
            ).fetchall()
        return [StoredEntry(*row) for row in rows]

    def history(self, entry_id: str) -> builtins.list[dict[str, Any]]:
        """Every state the entry was ever in, oldest first: who (``changed_by``), when (``updated_at``), what."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT entry FROM (SELECT history_id, entry FROM entry_history WHERE entry_id = %(id)s UNION ALL "
                "SELECT NULL, to_jsonb(entries) FROM entries WHERE entry_id = %(id)s) AS told "
                "ORDER BY history_id NULLS LAST",
                {"id": entry_id},
            ).fetchall()
        if not rows:
            raise UnknownRecord(f"there is no entry {entry_id}")
        return [row[0] for row in rows]


def require_name(by: str) -> None:
    """Raise ``BadEntry`` where nobody is named."""
    if not by.strip():
        raise BadEntry("by: empty; every change is someone's: name who makes it")


def _get(connection: Connection, entry_id: str, *, lock: bool = False) -> StoredEntry:
    row = connection.execute(
        f"SELECT {STORED_COLUMNS} FROM entries WHERE entry_id = %s" + (" FOR UPDATE" if lock else ""),  # noqa: S608
        [entry_id],
    ).fetchone()
    if row is None:
        raise UnknownRecord(f"there is no entry {entry_id}")
    return StoredEntry(*row)


def _moved(entry: StoredEntry, move: Move) -> EntryState:
    return after(
        EntryState(entry.state),
        move,
        entry_id=entry.entry_id,
        approved_by=entry.approved_by,
        withdrawn_by=entry.withdrawn_by,
    )

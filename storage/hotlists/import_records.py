"""Imports as they are kept: who brought what from where, what it would do, and who decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from index.hotlist_file import RowError
from storage.database import Connection
from storage.hotlists.errors import HotlistRefused, IllegalMove, UnknownRecord


class ImportKind(StrEnum):
    """How an import stands to the list as it is."""

    FULL = "full"
    """It is the list: imported entries that it leaves out are withdrawn. Entries entered by hand stay."""
    DELTA = "delta"
    """It adds, changes, and withdraws what it names."""
    RESTORE = "restore"
    """The list as it stood at an earlier version."""


class OnError(StrEnum):
    """What becomes of an import with bad rows."""

    REFUSE = "refuse"
    """Nothing is taken."""
    QUARANTINE = "quarantine"
    """Good rows are taken; bad ones are kept aside with the reason."""


@dataclass(frozen=True, slots=True)
class ImportSource:
    """Where an import comes from, and what is told of its list."""

    name: str
    """A file's name or an address without its login."""
    sha256: str | None = None
    hotlist_name: str | None = None
    owner: str | None = None
    purpose: str | None = None


WARNINGS_KEPT: Final = 10_000
"""Of one import; the others are counted."""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is to be told of rows that were taken."""

    folded: int = 0
    """Plates whose Cyrillic letters were folded to Latin ones."""
    doubtful: int = 0
    """Entries that a person should look at."""
    warnings: Sequence[RowError] = ()
    """Why, for the first of them."""


@dataclass(frozen=True, slots=True)
class StoredImport:
    """An import: who, when, from where, and what it would do (pending) or did (approved)."""

    import_id: int
    hotlist_id: str
    kind: str
    source: str
    sha256: str | None
    state: str
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    rows: int
    folded: int
    warnings: int
    problems: int
    added: int
    changed: int
    unchanged: int
    withdrawn: int
    version: int | None


class ImportRefused(HotlistRefused):
    """Nothing of the import was taken: ``problems`` says why, row by row (``count`` in all)."""

    code = "bad-rows"

    def __init__(self, problems: Sequence[RowError], count: int) -> None:
        super().__init__(f"{count} rows can't be taken, so nothing was: mend them, or quarantine them")
        self.problems = problems
        self.count = count


_COLUMNS: Final = (
    "import_id, hotlist_id, kind, source, sha256, state, entered_by, entered_at, decided_by, decided_at, rows, folded, "
    "warnings, problems, added, changed, unchanged, withdrawn, version"
)


def read_import(connection: Connection, import_id: int, *, lock: bool = False) -> StoredImport:
    """One import. Raises ``UnknownRecord``."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM imports WHERE import_id = %s" + (" FOR UPDATE" if lock else ""),  # noqa: S608
        [import_id],
    ).fetchone()
    if row is None:
        raise UnknownRecord(f"there is no import {import_id}")
    return StoredImport(*row)


def read_imports(connection: Connection, hotlist_id: str | None, state: str | None, limit: int) -> list[StoredImport]:
    """Imports of one list or of all, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM imports WHERE (%(list)s::text IS NULL OR hotlist_id = %(list)s) "  # noqa: S608
        "AND (%(state)s::text IS NULL OR state = %(state)s) ORDER BY import_id DESC LIMIT %(limit)s",
        {"list": hotlist_id, "state": state, "limit": limit},
    ).fetchall()
    return [StoredImport(*row) for row in rows]


def lock_pending(connection: Connection, import_id: int) -> StoredImport:
    """A pending import, held until the transaction ends. Raises ``UnknownRecord``, ``IllegalMove``."""
    connection.execute("SET LOCAL lock_timeout = '120s'")  # whoever decides on it now may take that long
    found = read_import(connection, import_id, lock=True)
    if found.state != "pending":
        raise IllegalMove(f"import {import_id} was {found.state} already by {found.decided_by}")
    return found


def decide(connection: Connection, import_id: int, state: str, by: str) -> None:
    """Write down what became of an import."""
    connection.execute(
        "UPDATE imports SET (state, decided_by, decided_at) = (%s, %s, now()) WHERE import_id = %s",
        [state, by, import_id],
    )

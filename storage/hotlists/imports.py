"""Lists from outside: staged by one person, taken in by a second, all or nothing; any version can be brought back."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from psycopg import sql

from index.hotlist_file import RowError
from storage.database import Connection, Database
from storage.hotlists.entries import require_name
from storage.hotlists.errors import HotlistRefused, IllegalMove, SamePerson, UnknownRecord
from storage.hotlists.lists import put_hotlist
from storage.hotlists.look_backs import ask_to_look_back
from storage.hotlists.rows import EntryRow
from storage.hotlists.staging import ROW_COLUMNS, copy_rows, drop_staged_table, make_staged_table, staged_table
from storage.hotlists.versions import next_version

PROBLEMS_KEPT: Final = 100_000
"""Of one import; the others are counted."""


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
    "problems, added, changed, unchanged, withdrawn, version"
)
_CONTENT: Final = (
    "plate, category, legal_basis, authority, owner, valid_until, regions, vehicle, note, instructions, risk"
)
_OF_ENTRY: Final = ", ".join(f"entries.{name.strip()}" for name in _CONTENT.split(","))
_OF_STAGED: Final = ", ".join(f"s.{name.strip()}" for name in _CONTENT.split(","))
_PREVIEW: Final = f"""
SELECT count(*) FILTER (WHERE NOT s.withdraw AND entries.entry_id IS NULL),
       count(*) FILTER (WHERE NOT s.withdraw AND entries.entry_id IS NOT NULL
                          AND (entries.state NOT IN ('approved', 'live') OR ({_OF_ENTRY}) IS DISTINCT FROM ({_OF_STAGED}))),
       count(*) FILTER (WHERE NOT s.withdraw AND entries.state IN ('approved', 'live')
                          AND ({_OF_ENTRY}) IS NOT DISTINCT FROM ({_OF_STAGED})),
       count(*) FILTER (WHERE s.withdraw AND entries.state IN ('approved', 'live')),
       count(*) FILTER (WHERE entries.hotlist_id <> %(hotlist)s)
FROM {{staged}} s LEFT JOIN entries USING (entry_id)
"""  # noqa: S608, E501 - constants
_MISSING: Final = """
FROM entries e WHERE e.hotlist_id = %(hotlist)s AND e.import_id IS NOT NULL AND e.state IN ('approved', 'live')
  AND NOT EXISTS (SELECT 1 FROM {staged} s WHERE s.entry_id = e.entry_id)
"""
_UPSERT: Final = f"""
WITH written AS (
    INSERT INTO entries ({ROW_COLUMNS}, hotlist_id, state, entered_by, approved_by, approved_at, changed_by, import_id,
                         live_since, live_version, version)
    SELECT {ROW_COLUMNS}, %(hotlist)s, CASE WHEN valid_from <= now() THEN 'live' ELSE 'approved' END, %(entered)s, %(by)s,
           now(), %(by)s, %(import)s, CASE WHEN valid_from <= now() THEN now() END,
           CASE WHEN valid_from <= now() THEN %(version)s::bigint END, %(version)s
    FROM {{staged}} WHERE NOT withdraw
    ON CONFLICT (entry_id) DO UPDATE SET
        ({_CONTENT}, valid_from, state, entered_by, entered_at, approved_by, approved_at, withdrawn_by, withdrawn_at,
         withdrawn_because, changed_by, import_id, live_since, live_version, version, updated_at) =
        ({_CONTENT.replace("plate", "excluded.plate", 1).replace(", ", ", excluded.")},
         CASE WHEN entries.state IN ('approved', 'live') THEN entries.valid_from ELSE excluded.valid_from END,
         CASE WHEN entries.state = 'live' THEN 'live' ELSE excluded.state END,
         excluded.entered_by, now(), excluded.approved_by, now(), NULL, NULL, '', excluded.changed_by,
         excluded.import_id,
         CASE WHEN entries.state = 'live' THEN entries.live_since ELSE excluded.live_since END,
         CASE WHEN entries.state = 'live' AND entries.plate = excluded.plate THEN entries.live_version
              ELSE excluded.live_version END,
         excluded.version, now())
    WHERE entries.hotlist_id = excluded.hotlist_id
      AND (entries.state NOT IN ('approved', 'live') OR ({_OF_ENTRY}) IS DISTINCT FROM
           ({_CONTENT.replace("plate", "excluded.plate", 1).replace(", ", ", excluded.")}))
    RETURNING (xmax = 0) AS added, live_version = version AS begun
)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added), count(*) FILTER (WHERE begun) FROM written
"""  # noqa: S608, E501 - constants
_WITHDRAW: Final = """
UPDATE entries e SET (state, withdrawn_by, withdrawn_at, withdrawn_because, changed_by, version, updated_at) =
    ('withdrawn', %(by)s, now(), 'not in import ' || %(import)s, %(by)s, %(version)s, now())
"""
_AT_VERSION: Final = """
INSERT INTO {staged} ({columns}, withdraw)
SELECT {columns}, false FROM (
    SELECT * FROM entries WHERE hotlist_id = %(hotlist)s AND import_id IS NOT NULL AND version <= %(version)s
    UNION ALL
    SELECT was.* FROM (
        SELECT DISTINCT ON (h.entry_id) h.entry
        FROM entry_history h JOIN entries e USING (entry_id)
        WHERE e.hotlist_id = %(hotlist)s AND e.import_id IS NOT NULL AND e.version > %(version)s
          AND h.version <= %(version)s
        ORDER BY h.entry_id, h.version DESC, h.history_id DESC
    ) AS earlier, LATERAL jsonb_populate_record(NULL::entries, earlier.entry) AS was
) AS stood
WHERE state IN ('approved', 'live') AND valid_until > now()
"""


class ImportBook:
    """Takes lists in. Thread-safe, safe between processes; every method may raise ``DatabaseAway``.

    Between ``stage`` and ``approve`` the live list is as it was. Either is one transaction: a program or a connection
    that dies in the middle leaves nothing behind.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def stage(
        self,
        hotlist_id: str,
        rows: Iterable[EntryRow | RowError],
        source: ImportSource,
        *,
        by: str,
        kind: ImportKind = ImportKind.DELTA,
        on_error: OnError = OnError.REFUSE,
        folded: Callable[[], int] = int,
    ) -> StoredImport:
        """Take rows as they come, to wait for approval; the list is made if it is not there.

        ``folded`` is asked after the last row: how many plates had Cyrillic letters.

        A full import supersedes those that wait before it. Raises ``ImportRefused`` for bad rows (also when no row is
        good), ``IllegalMove`` for an identifier that another list uses.
        """
        require_name(by)
        with self._database.transaction() as connection:
            _prepare(connection)
            import_id = self._begin(connection, hotlist_id, kind, source, by)
            sorter = _Sorter(rows, stop=on_error is OnError.REFUSE)
            count = copy_rows(connection, import_id, sorter)
            if sorter.count and (on_error is OnError.REFUSE or not count):
                raise ImportRefused(sorter.problems, sorter.count)
            if not count and kind is not ImportKind.DELTA:
                raise ImportRefused([RowError(1, "file", "it holds no entries", "withdraw the list's entries")], 1)
            with connection.cursor().copy("COPY import_problems FROM STDIN") as copy:
                for problem in sorter.problems:
                    copy.write_row((import_id, problem.line, problem.column, problem.what, problem.mend))
            connection.execute(
                "UPDATE imports SET rows = %s, folded = %s, problems = %s WHERE import_id = %s",
                [count, folded(), sorter.count, import_id],
            )
            return self._preview(connection, import_id)

    def restore(self, hotlist_id: str, *, by: str, version: int | None = None) -> StoredImport:
        """Stage the list as it stood at ``version``, or before its last approved import; to be approved like any.

        Raises ``IllegalMove`` when there is nothing to go back to.
        """
        require_name(by)
        with self._database.transaction() as connection:
            _prepare(connection)
            if version is None:
                row = connection.execute(
                    "SELECT max(version) FROM imports WHERE hotlist_id = %s AND state = 'approved'", [hotlist_id]
                ).fetchone()
                if row is None or row[0] is None:
                    raise IllegalMove(f"the hotlist {hotlist_id} has no approved import to go back behind")
                version = int(row[0]) - 1
            source = ImportSource(f"version {version}")
            import_id = self._begin(connection, hotlist_id, ImportKind.RESTORE, source, by)
            rows = connection.execute(
                sql.SQL(_AT_VERSION).format(staged=staged_table(import_id), columns=sql.SQL(ROW_COLUMNS)),
                {"hotlist": hotlist_id, "version": version},
            ).rowcount
            if not rows:
                raise IllegalMove(
                    f"no imported entry of {hotlist_id} that still has time was live at version {version}: "
                    "suspend the list or withdraw its entries instead"
                )
            connection.execute("UPDATE imports SET rows = %s WHERE import_id = %s", [rows, import_id])
            return self._preview(connection, import_id)

    def approve(self, import_id: int, *, by: str) -> StoredImport:
        """Take a pending import in: its entries go live, in one transaction.

        Raises ``SamePerson`` for who staged it, ``IllegalMove`` when it is not pending or an earlier one still is,
        ``UnknownRecord``; ``DatabaseRefused`` when the categories have become stricter meanwhile.
        """
        require_name(by)
        with self._database.transaction() as connection:
            _prepare(connection)
            pending = _lock_pending(connection, import_id)
            if pending.entered_by == by:
                raise SamePerson(f"import {import_id} was staged by {by}: a second person has to approve it")
            earlier = connection.execute(
                "SELECT min(import_id) FROM imports WHERE hotlist_id = %s AND state = 'pending'", [pending.hotlist_id]
            ).fetchone()
            if earlier is not None and earlier[0] != import_id:
                raise IllegalMove(f"import {earlier[0]} of {pending.hotlist_id} is older: decide on it first")
            staged = staged_table(import_id)
            version = next_version(connection)
            values = {
                "hotlist": pending.hotlist_id,
                "entered": pending.entered_by,
                "by": by,
                "import": import_id,
                "version": version,
            }
            withdrawn = connection.execute(
                sql.SQL(_WITHDRAW + "FROM {staged} s WHERE s.withdraw AND s.entry_id = e.entry_id ").format(
                    staged=staged
                )
                + sql.SQL("AND e.hotlist_id = %(hotlist)s AND e.state IN ('approved', 'live')"),
                values,
            ).rowcount
            if pending.kind != ImportKind.DELTA:
                withdrawn += connection.execute(
                    sql.SQL(_WITHDRAW + _MISSING.replace("FROM entries e ", "")).format(staged=staged), values
                ).rowcount
            counted = connection.execute(sql.SQL(_UPSERT).format(staged=staged), values).fetchone()
            added, changed, begun = counted or (0, 0, 0)
            if begun:
                ask_to_look_back(connection, version)
            drop_staged_table(connection, import_id)
            connection.execute(
                "UPDATE imports SET (state, decided_by, decided_at, added, changed, unchanged, withdrawn, version) = "
                "('approved', %s, now(), %s, %s, greatest(0, rows - %s - %s), %s, %s) WHERE import_id = %s",
                [by, added, changed, added, changed, withdrawn, version, import_id],
            )
            return _get(connection, import_id)

    def bring(
        self,
        hotlist_id: str,
        rows: Iterable[EntryRow | RowError],
        *,
        by: str,
        approved_by: str,
        kind: ImportKind = ImportKind.DELTA,
        source: ImportSource | None = None,
    ) -> StoredImport:
        """Stage and approve, where both people are known beforehand. Raises what either raises."""
        if by == approved_by:
            raise SamePerson(f"{by} can't approve what {by} brings: name a second person")
        staged = self.stage(hotlist_id, rows, source or ImportSource("rows"), by=by, kind=kind)
        return self.approve(staged.import_id, by=approved_by)

    def reject(self, import_id: int, *, by: str) -> StoredImport:
        """Drop a pending import; its record stays. Whoever staged it may do that too. Raises ``IllegalMove``."""
        require_name(by)
        with self._database.transaction() as connection:
            _lock_pending(connection, import_id)
            drop_staged_table(connection, import_id)
            _decide(connection, import_id, "rejected", by)
            return _get(connection, import_id)

    def get(self, import_id: int) -> StoredImport:
        """One import. Raises ``UnknownRecord``."""
        with self._database.transaction() as connection:
            return _get(connection, import_id)

    def list(
        self, hotlist_id: str | None = None, *, state: str | None = None, limit: int = 100
    ) -> builtins.list[StoredImport]:
        """Imports of one list or of all, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM imports WHERE (%(list)s::text IS NULL OR hotlist_id = %(list)s) "  # noqa: S608
                "AND (%(state)s::text IS NULL OR state = %(state)s) ORDER BY import_id DESC LIMIT %(limit)s",
                {"list": hotlist_id, "state": state, "limit": limit},
            ).fetchall()
        return [StoredImport(*row) for row in rows]

    def problems(self, import_id: int, *, limit: int = PROBLEMS_KEPT) -> builtins.list[RowError]:
        """The bad rows of an import, by line."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT line, part, what, mend FROM import_problems WHERE import_id = %s ORDER BY line LIMIT %s",
                [import_id, limit],
            ).fetchall()
        return [RowError(*row) for row in rows]

    def _begin(self, connection: Connection, hotlist_id: str, kind: ImportKind, source: ImportSource, by: str) -> int:
        # one at a time for a list: the order of imports is the order in which they came
        connection.execute("SET LOCAL lock_timeout = '120s'")
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"import\x1f{hotlist_id}"])
        put_hotlist(connection, hotlist_id, by=by, name=source.hotlist_name, owner=source.owner, purpose=source.purpose)
        if kind is not ImportKind.DELTA:
            for (earlier,) in connection.execute(
                "SELECT import_id FROM imports WHERE hotlist_id = %s AND state = 'pending' FOR UPDATE", [hotlist_id]
            ).fetchall():
                drop_staged_table(connection, earlier)
                _decide(connection, earlier, "superseded", by)
        row = connection.execute(
            "INSERT INTO imports (hotlist_id, kind, source, sha256, state, entered_by) "
            "VALUES (%s, %s, %s, %s, 'pending', %s) RETURNING import_id",
            [hotlist_id, kind.value, source.name, source.sha256, by],
        ).fetchone()
        import_id = int(row[0]) if row else 0
        make_staged_table(connection, import_id)
        return import_id

    def _preview(self, connection: Connection, import_id: int) -> StoredImport:
        """Write down what approval would do. Raises ``IllegalMove`` where an identifier is another list's."""
        staged = _get(connection, import_id)
        table = staged_table(import_id)
        values = {"hotlist": staged.hotlist_id}
        counted = connection.execute(sql.SQL(_PREVIEW).format(staged=table), values).fetchone()
        added, changed, unchanged, withdrawn, foreign = counted or (0, 0, 0, 0, 0)
        if foreign:
            raise IllegalMove(
                f"{foreign} identifiers belong to another hotlist: an entry never moves between lists; give new ones"
            )
        if staged.kind != ImportKind.DELTA:
            missing = connection.execute(sql.SQL("SELECT count(*) " + _MISSING).format(staged=table), values).fetchone()
            withdrawn += missing[0] if missing else 0
        connection.execute(
            "UPDATE imports SET (added, changed, unchanged, withdrawn) = (%s, %s, %s, %s) WHERE import_id = %s",
            [added, changed, unchanged, withdrawn, import_id],
        )
        return _get(connection, import_id)


class _Sorter:
    """Lets good rows through and keeps the others. With ``stop``, none goes through after the first bad one."""

    def __init__(self, rows: Iterable[EntryRow | RowError], *, stop: bool) -> None:
        self.problems: builtins.list[RowError] = []
        self.count = 0
        self._rows = rows
        self._stop = stop

    def __iter__(self) -> Iterator[EntryRow]:
        for row in self._rows:
            if isinstance(row, RowError):
                self.count += 1
                if len(self.problems) < PROBLEMS_KEPT:
                    self.problems.append(row)
            elif not (self._stop and self.count):
                yield row


def _prepare(connection: Connection) -> None:
    """Set-wise work of any size: as long as it takes, and never row by row for want of statistics."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL enable_nestloop = off")
    connection.execute("SET LOCAL work_mem = '64MB'")


def _get(connection: Connection, import_id: int, *, lock: bool = False) -> StoredImport:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM imports WHERE import_id = %s" + (" FOR UPDATE" if lock else ""),  # noqa: S608
        [import_id],
    ).fetchone()
    if row is None:
        raise UnknownRecord(f"there is no import {import_id}")
    return StoredImport(*row)


def _lock_pending(connection: Connection, import_id: int) -> StoredImport:
    connection.execute("SET LOCAL lock_timeout = '120s'")  # whoever decides on it now may take that long
    found = _get(connection, import_id, lock=True)
    if found.state != "pending":
        raise IllegalMove(f"import {import_id} was {found.state} already by {found.decided_by}")
    return found


def _decide(connection: Connection, import_id: int, state: str, by: str) -> None:
    connection.execute(
        "UPDATE imports SET (state, decided_by, decided_at) = (%s, %s, now()) WHERE import_id = %s",
        [state, by, import_id],
    )

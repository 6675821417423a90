"""Lists from outside: staged by one person, taken in by a second, all or nothing; any version can be brought back."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from index.hotlist_file import RowError
from storage.database import Connection, Database
from storage.hotlists.entries import require_name
from storage.hotlists.errors import IllegalMove, SamePerson
from storage.hotlists.import_records import (
    ImportKind,
    ImportRefused,
    ImportSource,
    OnError,
    Remarks,
    StoredImport,
    decide,
    lock_pending,
    read_import,
    read_imports,
)
from storage.hotlists.lists import put_hotlist
from storage.hotlists.look_backs import ask_to_look_back
from storage.hotlists.merging import merge, prepare, preview, stage_version
from storage.hotlists.rows import EntryRow
from storage.hotlists.staging import copy_rows, drop_staged_table, make_staged_table
from storage.hotlists.versions import next_version

PROBLEMS_KEPT: Final = 100_000
"""Of one import; the others are counted."""
_COPY_PROBLEMS: Final = "COPY import_problems (import_id, line, part, what, mend, is_warning) FROM STDIN"


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
        remarks: Callable[[], Remarks] = Remarks,
    ) -> StoredImport:
        """Take rows as they come, to wait for approval; the list is made if it is not there.

        ``remarks`` is asked after the last row.

        A full import supersedes those that wait before it. Raises ``ImportRefused`` for bad rows (also when no row is
        good), ``IllegalMove`` for an identifier that another list uses.
        """
        require_name(by)
        with self._database.transaction() as connection:
            prepare(connection)
            import_id = self._begin(connection, hotlist_id, kind, source, by)
            sorter = _Sorter(rows, stop=on_error is OnError.REFUSE)
            count = copy_rows(connection, import_id, sorter)
            if sorter.count and (on_error is OnError.REFUSE or not count):
                raise ImportRefused(sorter.problems, sorter.count)
            if not count and kind is not ImportKind.DELTA:
                raise ImportRefused([RowError(1, "file", "it holds no entries", "withdraw the list's entries")], 1)
            told = remarks()
            with connection.cursor().copy(_COPY_PROBLEMS) as copy:
                for problems, is_warning in ((sorter.problems, False), (told.warnings, True)):
                    for one in problems:
                        copy.write_row((import_id, one.line, one.column, one.what, one.mend, is_warning))
            connection.execute(
                "UPDATE imports SET rows = %s, folded = %s, warnings = %s, problems = %s WHERE import_id = %s",
                [count, told.folded, told.doubtful, sorter.count, import_id],
            )
            preview(connection, read_import(connection, import_id))
            return read_import(connection, import_id)

    def restore(self, hotlist_id: str, *, by: str, version: int | None = None) -> StoredImport:
        """Stage the list as it stood at ``version``, or before its last approved import; to be approved like any.

        Raises ``IllegalMove`` when there is nothing to go back to.
        """
        require_name(by)
        with self._database.transaction() as connection:
            prepare(connection)
            if version is None:
                row = connection.execute(
                    "SELECT max(version) FROM imports WHERE hotlist_id = %s AND state = 'approved'", [hotlist_id]
                ).fetchone()
                if row is None or row[0] is None:
                    raise IllegalMove(f"the hotlist {hotlist_id} has no approved import to go back behind")
                version = int(row[0]) - 1
            source = ImportSource(f"version {version}")
            import_id = self._begin(connection, hotlist_id, ImportKind.RESTORE, source, by)
            rows = stage_version(connection, import_id, hotlist_id, version)
            if not rows:
                raise IllegalMove(
                    f"no imported entry of {hotlist_id} that still has time was live at version {version}: "
                    "suspend the list or withdraw its entries instead"
                )
            connection.execute("UPDATE imports SET rows = %s WHERE import_id = %s", [rows, import_id])
            preview(connection, read_import(connection, import_id))
            return read_import(connection, import_id)

    def approve(self, import_id: int, *, by: str) -> StoredImport:
        """Take a pending import in: its entries go live, in one transaction.

        Raises ``SamePerson`` for who staged it, ``IllegalMove`` when it is not pending or an earlier one still is,
        ``UnknownRecord``; ``DatabaseRefused`` when the categories have become stricter meanwhile.
        """
        require_name(by)
        with self._database.transaction() as connection:
            prepare(connection)
            pending = lock_pending(connection, import_id)
            if pending.entered_by == by:
                raise SamePerson(f"import {import_id} was staged by {by}: a second person has to approve it")
            earlier = connection.execute(
                "SELECT min(import_id) FROM imports WHERE hotlist_id = %s AND state = 'pending'", [pending.hotlist_id]
            ).fetchone()
            if earlier is not None and earlier[0] != import_id:
                raise IllegalMove(f"import {earlier[0]} of {pending.hotlist_id} is older: decide on it first")
            version = next_version(connection)
            done = merge(connection, pending, by=by, version=version)
            if done.begun:
                ask_to_look_back(connection, version)
            drop_staged_table(connection, import_id)
            connection.execute(
                "UPDATE imports SET (state, decided_by, decided_at, added, changed, unchanged, withdrawn, version) = "
                "('approved', %s, now(), %s, %s, greatest(0, rows - %s - %s), %s, %s) WHERE import_id = %s",
                [by, done.added, done.changed, done.added, done.changed, done.withdrawn, version, import_id],
            )
            return read_import(connection, import_id)

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
            lock_pending(connection, import_id)
            drop_staged_table(connection, import_id)
            decide(connection, import_id, "rejected", by)
            return read_import(connection, import_id)

    def get(self, import_id: int) -> StoredImport:
        """One import. Raises ``UnknownRecord``."""
        with self._database.transaction() as connection:
            return read_import(connection, import_id)

    def list(
        self, hotlist_id: str | None = None, *, state: str | None = None, limit: int = 100
    ) -> builtins.list[StoredImport]:
        """Imports of one list or of all, newest first."""
        with self._database.transaction() as connection:
            return read_imports(connection, hotlist_id, state, limit)

    def problems(
        self, import_id: int, *, warnings: bool = False, limit: int = PROBLEMS_KEPT
    ) -> builtins.list[RowError]:
        """The bad rows of an import by line, or with ``warnings`` those that were taken and want a look."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT line, part, what, mend FROM import_problems WHERE import_id = %s AND is_warning = %s "
                "ORDER BY line LIMIT %s",
                [import_id, warnings, limit],
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
                decide(connection, earlier, "superseded", by)
        row = connection.execute(
            "INSERT INTO imports (hotlist_id, kind, source, sha256, state, entered_by) "
            "VALUES (%s, %s, %s, %s, 'pending', %s) RETURNING import_id",
            [hotlist_id, kind.value, source.name, source.sha256, by],
        ).fetchone()
        import_id = int(row[0]) if row else 0
        make_staged_table(connection, import_id)
        return import_id


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

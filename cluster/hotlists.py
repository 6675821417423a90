"""Hotlist files of a region's configuration into its database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cluster.errors import SettingsError
from cluster.home import Home
from cluster.plan import in_home
from cluster.settings import HotlistSettings
from storage.database import Database
from storage.entries import EntryBook
from storage.entry_file import EntryFile, RowDefaults, read_entry_file
from storage.errors import DatabaseRefused

_PROBLEMS_SHOWN = 5


def import_hotlists(database: Database, hotlists: Sequence[HotlistSettings], home: Home) -> list[str]:
    """Bring each list to what its file says; returns lines for a person. Rows that can't be taken are told and left
    out.

    Raises ``SettingsError`` when a file can't be read or has no good row, ``DatabaseAway``.
    """
    book = EntryBook(database)
    lines = []
    for hotlist in hotlists:
        path = Path(in_home(str(hotlist.file), home))
        file = read_hotlist(path, hotlist.id)
        if not file.rows:
            reason = f": {file.problems[0]}" if file.problems else " and holds no entries"
            raise SettingsError(f"hotlists.{hotlist.id}.file: {path} can't be used{reason}")
        try:
            done = book.import_rows(
                hotlist.id, file.rows, by="configuration", name=hotlist.name or None, owner=hotlist.owner, full=True
            )
        except DatabaseRefused as error:
            raise SettingsError(f"hotlists.{hotlist.id}.file: {path} was refused: {error}") from None
        changes = f"{done.added} new, {done.changed} changed, {done.withdrawn} withdrawn"
        lines.append(f"hotlist {hotlist.id}: {len(file.rows)} entries ({changes})")
        lines += [f"hotlist {hotlist.id}: left out: {problem}" for problem in file.problems[:_PROBLEMS_SHOWN]]
        if len(file.problems) > _PROBLEMS_SHOWN:
            lines.append(f"hotlist {hotlist.id}: {len(file.problems) - _PROBLEMS_SHOWN} more rows were left out")
    return lines


def read_hotlist(path: Path, hotlist_id: str) -> EntryFile:
    """The file's rows and problems. Raises ``SettingsError`` when it can't be read."""
    try:
        return read_entry_file(path, defaults=RowDefaults(id_prefix=hotlist_id))
    except OSError as error:
        raise SettingsError(f"hotlist {hotlist_id}: {path} can't be read ({error.strerror})") from error

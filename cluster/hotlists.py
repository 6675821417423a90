"""Files of a region's hotlists into its database: read by the list's rules, staged, approved where that was settled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.camera_rules import in_home
from cluster.errors import SettingsError
from cluster.home import Home
from cluster.settings import HotlistSettings, RegionSettings
from index.hotlist_table import HotlistFileError, RowError
from storage.database import Database
from storage.errors import DatabaseRefused
from storage.hotlists.categories import CategoryBook
from storage.hotlists.errors import HotlistRefused
from storage.hotlists.files import EntryReader, FileRules
from storage.hotlists.import_records import ImportKind, ImportRefused, ImportSource, OnError, StoredImport
from storage.hotlists.imports import ImportBook
from storage.hotlists.lists import HotlistBook

_PROBLEMS_SHOWN = 5
_FEW = 10
"""A list with fewer entries may lose them all without being asked."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a file."""

    stored: StoredImport
    waits_because: str | None = None
    """Why it was not approved at once."""


class FileIntake:
    """Takes files of configured lists in. Raises ``DatabaseAway`` and what ``ImportBook`` does."""

    def __init__(self, database: Database) -> None:
        self._imports = ImportBook(database)
        self._categories = CategoryBook(database)
        self._lists = HotlistBook(database)

    def rules(self, hotlist_id: str, settings: HotlistSettings | None) -> FileRules:
        """How files of the list are read."""
        categories = self._categories.all()
        return (
            FileRules(categories, id_prefix=hotlist_id)
            if settings is None
            else FileRules(categories, settings.mapping.mapping(), hotlist_id)
        )

    def known(self, settings: HotlistSettings, sha256: str) -> StoredImport | None:
        """The list's last import, where it was of this very content and was not rejected."""
        last = self._imports.list(settings.id, limit=1)
        return last[0] if last and last[0].sha256 == sha256 and last[0].state != "rejected" else None

    def take(self, settings: HotlistSettings, name: str, data: bytes, sha256: str) -> Intake:
        """Stage a file's content, and approve it where the configuration names who does.

        Raises ``HotlistFileError`` where it is no list, ``ImportRefused`` where its rows can't be taken.
        """
        reader = EntryReader(name, data, self.rules(settings.id, settings))
        source = ImportSource(name, sha256, settings.name or None, settings.owner, settings.purpose or None)
        staged = self._imports.stage(
            settings.id,
            reader,
            source,
            by=settings.entered_by,
            kind=ImportKind(settings.kind),
            on_error=OnError(settings.on_error),
            remarks=lambda: reader.remarks,
        )
        if settings.approved_by is None:
            return Intake(staged, "the configuration names nobody who approves it beforehand")
        there = self._lists.get(settings.id).entries
        if there >= _FEW and staged.withdrawn > settings.most_withdrawn * there:
            return Intake(staged, f"it would withdraw {staged.withdrawn} of {there} entries: a person has to look")
        return Intake(self._imports.approve(staged.import_id, by=settings.approved_by))

    def problems(self, stored: StoredImport, limit: int) -> list[RowError]:
        return self._imports.problems(stored.import_id, limit=limit)


def digest(data: bytes, settings: HotlistSettings | None = None) -> str:
    """SHA-256 of a file; with a list's mapping that is not the plain one, of both: a new mapping is news too."""
    found = hashlib.sha256(data)
    if settings is not None and settings.mapping != type(settings.mapping)():
        found.update(settings.mapping.model_dump_json().encode())
    return found.hexdigest()


def set_categories(database: Database, settings: RegionSettings) -> None:
    """Make the configured categories the set; without any, what the database holds stands."""
    if settings.categories:
        CategoryBook(database).set([category.category() for category in settings.categories])


def import_hotlists(database: Database, settings: RegionSettings, home: Home) -> list[str]:
    """Bring each list with a file to what that says; returns lines for a person. Files that are known are left.

    Raises ``SettingsError`` when a file can't be read or has no good row, ``DatabaseAway``.
    """
    set_categories(database, settings)
    intake = FileIntake(database)
    lines: list[str] = []
    for hotlist in settings.hotlists:
        if hotlist.file is not None:
            lines += _import_file(intake, hotlist, Path(in_home(str(hotlist.file), home)))
    return lines


def _import_file(intake: FileIntake, hotlist: HotlistSettings, path: Path) -> Sequence[str]:
    key = f"hotlists.{hotlist.id}.file"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{key}: {path} can't be read ({error.strerror})") from error
    sha256 = digest(data, hotlist)
    known = intake.known(hotlist, sha256)
    if known is not None:
        waits = "; it waits for approval" if known.state == "pending" else ""
        return [f"hotlist {hotlist.id}: {path.name} has not changed{waits}"]
    try:
        done = intake.take(hotlist, path.name, data, sha256)
    except ImportRefused as error:
        raise SettingsError(f"{key}: {path} can't be used: {error.problems[0]}") from None
    except (HotlistFileError, HotlistRefused, DatabaseRefused) as error:
        raise SettingsError(f"{key}: {path} can't be used: {error}") from None
    return tell(done, intake.problems)


def tell(done: Intake, problems: Callable[[StoredImport, int], Sequence[RowError]]) -> list[str]:
    """What became of a file, in lines for a person. No plate stands in them: bad rows are told by line and column."""
    stored = done.stored
    changes = f"{stored.added} new, {stored.changed} changed, {stored.withdrawn} withdrawn"
    lines = [f"hotlist {stored.hotlist_id}: {stored.rows} entries ({changes})"]
    if done.waits_because is not None:
        lines.append(
            f"hotlist {stored.hotlist_id}: import {stored.import_id} waits for approval, {done.waits_because}; "
            f"beket hotlist approve {stored.import_id} --as NAME"
        )
    if stored.problems:
        first = problems(stored, _PROBLEMS_SHOWN)
        places = "; ".join(f"line {problem.line}, {problem.column}" for problem in first)
        lines.append(
            f"hotlist {stored.hotlist_id}: {stored.problems} rows were left out ({places}); "
            f"beket hotlist problems {stored.import_id} says why"
        )
    if stored.warnings:
        lines.append(
            f"hotlist {stored.hotlist_id}: {stored.warnings} plates are of no known format; "
            f"beket hotlist problems {stored.import_id} --warnings names their lines"
        )
    return lines

"""Hotlist files as the database takes them: parsed by ``index.hotlist_file``, each row with its legal basis and end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from index.dates import DateError, parse_date
from index.entry import Entry
from index.hotlist_file import HotlistFileError, HotlistReader, HotlistRow, RowError

_NAMESPACE: Final = UUID("6f1d0c3e-6f6b-4d0a-9b0e-656e74727900")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry as it comes from outside."""

    entry_id: str
    plate: str
    category: str
    legal_basis: str
    owner: str
    valid_from: datetime
    valid_until: datetime
    note: str = ""

    def as_entry(self) -> Entry:
        """The part that matchers know."""
        return Entry(self.entry_id, self.plate, self.category, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True)
class EntryFile:
    """What a hotlist file holds: good rows in order, why others were left out, how many plates had Cyrillic letters."""

    rows: tuple[EntryRow, ...]
    problems: tuple[RowError, ...]
    folded: int = 0


@dataclass(frozen=True, slots=True)
class RowDefaults:
    """Values for cells that a file leaves empty; what has no default here is required."""

    values: Mapping[str, str] = field(default_factory=dict)
    """By column: ``category``, ``legal_basis``, ``owner``, ``valid_until``."""
    zone: tzinfo = UTC
    """The time zone of dates that name none."""
    id_prefix: str = ""
    """What makes the ids of rows without one differ from other lists' (the hotlist's id)."""


def read_entry_file(
    path: Path, *, defaults: RowDefaults | None = None, progress: Callable[[int, int], None] | None = None
) -> EntryFile:
    """Read a file as ``index.hotlist_file`` describes it; a row needs its category, legal basis, owner and end.

    Bad rows become problems, and so does a file that can't be read as a table. ``progress`` gets lines done and lines
    in all. Raises ``OSError`` when the file can't be opened.
    """
    defaults = defaults or RowDefaults()
    now = datetime.now(UTC)
    try:
        reader = HotlistReader(path.read_bytes(), defaults.zone)
    except HotlistFileError as error:
        return EntryFile((), (RowError(1, "file", str(error), "then import it again"),))
    rows: list[EntryRow] = []
    problems: list[RowError] = []
    folded = 0
    for number, parsed in enumerate(reader):
        if progress is not None and number % 5000 == 0:
            progress(reader.line, reader.lines)
        taken = parsed if isinstance(parsed, RowError) else _complete(parsed, defaults, reader.columns, now)
        if isinstance(taken, RowError):
            problems.append(taken)
        else:
            rows.append(taken)
            folded += isinstance(parsed, HotlistRow) and bool(parsed.folds)
    return EntryFile(tuple(rows), tuple(problems), folded)


def _complete(row: HotlistRow, defaults: RowDefaults, columns: list[str | None], now: datetime) -> EntryRow | RowError:
    given = {
        "category": row.category if "category" in columns else "",
        "legal_basis": row.legal_basis or "",
        "owner": row.owner or "",
    }
    values = {name: value or defaults.values.get(name, "") for name, value in given.items()}
    for name, value in values.items():
        if not value:
            return RowError(row.line, name, "empty", f"every entry needs its {name.replace('_', ' ')}")
    until = row.valid_until
    if until is None:
        try:
            until = parse_date(defaults.values.get("valid_until", ""), defaults.zone, is_end=True)
        except DateError:
            return RowError(row.line, "valid_until", "empty", "every entry needs an end: write it as 2026-12-31")
    since = row.valid_from or now
    if until <= max(since, now):
        return RowError(
            row.line, "valid_until", f"it ended on {until:%Y-%m-%d}", "give it a later end, or drop the row"
        )
    entry_id = row.entry_id
    if entry_id in (row.plate, f"{row.plate}/{row.category}"):  # made of the plate, which must not stand in addresses
        entry_id = str(uuid5(_NAMESPACE, f"{defaults.id_prefix}|{row.plate}|{values['category']}"))
    return EntryRow(
        entry_id, row.plate, values["category"], values["legal_basis"], values["owner"], since, until, row.note or ""
    )

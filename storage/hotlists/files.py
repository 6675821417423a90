"""Hotlist files as the database takes them: each row an entry with its legal basis and its end, or why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from index.hotlist_file import HotlistReader, HotlistRow
from index.hotlist_mapping import HotlistMapping
from index.hotlist_table import HotlistTable, RowError
from index.lookalikes import SEPARATORS, is_folded
from storage.hotlists.categories import Category
from storage.hotlists.import_records import WARNINGS_KEPT, Remarks
from storage.hotlists.rows import NO_DESCRIPTION, EntryRow, VehicleDescription, find_fault, find_plate_doubt
from storage.hotlists.tables import open_table

_NO_SEPARATORS: Final = dict.fromkeys(map(ord, SEPARATORS))
_NAMESPACE: Final = UUID("6f1d0c3e-6f6b-4d0a-9b0e-656e74727900")


@dataclass(frozen=True, slots=True)
class FileRules:
    """How a list's files are read, and what has to hold of their entries."""

    categories: Mapping[str, Category]
    mapping: HotlistMapping = field(default_factory=HotlistMapping)
    id_prefix: str = ""
    """What makes the ids of rows without one differ from other lists' (the hotlist's id)."""


class EntryReader:
    """Reads a file row by row: iterating gives entries and, for bad rows, errors. ``line`` of ``lines`` is done.

    Raises ``HotlistFileError`` at once when the file as a whole can't be read.
    """

    def __init__(self, name: str, data: bytes, rules: FileRules, *, now: datetime | None = None) -> None:
        self.table: HotlistTable = open_table(name, data, rules.mapping)
        self._folded = 0
        self._doubtful = 0
        self._warnings: list[RowError] = []
        self._rules = rules
        self._now = now or datetime.now(UTC)

    @property
    def line(self) -> int:
        return self.table.line

    @property
    def lines(self) -> int:
        return self.table.lines

    @property
    def remarks(self) -> Remarks:
        """What is to be told of the rows so far that are entries."""
        return Remarks(self._folded, self._doubtful, self._warnings)

    def __iter__(self) -> Iterator[EntryRow | RowError]:
        for row in HotlistReader(self.table, mapping=self._rules.mapping):
            taken = row if isinstance(row, RowError) else self._complete(row)
            if isinstance(taken, EntryRow) and isinstance(row, HotlistRow):
                self._folded += is_folded(row.written)
                self._note_doubt(row)
            yield taken

    def _note_doubt(self, row: HotlistRow) -> None:
        doubt = None if row.withdraw else find_plate_doubt(row.plate)
        if doubt is None:
            return
        self._doubtful += 1
        if len(self._warnings) < WARNINGS_KEPT:
            self._warnings.append(RowError(row.line, doubt.field, doubt.what, doubt.mend))

    def _complete(self, row: HotlistRow) -> EntryRow | RowError:
        values, now = row.values, self._now
        entry_id, category = row.entry_id, row.category if "category" in values else ""
        if "entry_id" not in values:  # it was made of the plate, which must not stand in addresses
            entry_id = str(uuid5(_NAMESPACE, f"{self._rules.id_prefix}|{row.plate}|{category}"))
        elif row.plate in entry_id.upper().translate(_NO_SEPARATORS):
            entry_id = str(uuid5(_NAMESPACE, f"{self._rules.id_prefix}|{entry_id}"))
        since = row.valid_from or now
        if row.withdraw:
            return EntryRow(entry_id, row.plate, category, "", "", since, row.valid_until or now, withdraw=True)
        if row.valid_until is None:
            return RowError(row.line, "valid_until", "empty", "every entry needs an end: write it as 2026-12-31")
        get = values.get
        vehicle = NO_DESCRIPTION
        if "make" in values or "colour" in values or "vehicle_type" in values:
            vehicle = VehicleDescription(get("make", ""), get("colour", ""), get("vehicle_type", ""))
        regions = get("regions")
        entry = EntryRow(
            entry_id,
            row.plate,
            category,
            get("legal_basis", ""),
            get("owner", ""),
            since,
            row.valid_until,
            get("note", ""),
            get("authority", ""),
            () if regions is None else tuple(one for one in regions.replace(",", " ").split() if one != "*"),
            vehicle,
            get("instructions", ""),
            get("risk", ""),
        )
        fault = find_fault(entry, self._rules.categories, now)
        return entry if fault is None else RowError(row.line, fault.field, fault.what, fault.mend)

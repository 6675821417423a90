"""Rows of a hotlist file checked: plates in their one spelling, times aware, and row errors that say how to mend.

Only ``plate`` is required, so that a file of one column serves ``beket scan --hotlist``. Columns are known by the names
of ``index.hotlist_mapping.COLUMNS``, or by a mapping of the list's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from index.dates import DateError
from index.entry import Entry
from index.hotlist_mapping import HotlistMapping
from index.hotlist_table import CsvTable, HotlistFileError, HotlistTable, RowError
from index.lookalikes import PlateError, normalise
from index.partial import FEWEST_KNOWN

DEFAULT_CATEGORY: Final = "listed"
_NOTHING_MORE: Final[Mapping[str, str]] = {}

__all__ = ["DEFAULT_CATEGORY", "HotlistFileError", "HotlistReader", "HotlistRow", "RowError"]


@dataclass(frozen=True, slots=True)
class HotlistRow:
    """One row that holds; times are aware, and None where the file names none."""

    line: int
    plate: str
    entry_id: str
    """The file's, or else made of plate and category: the same in every import of the same list."""
    category: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """The first moment at which the entry is over; a bare date lasts to its end."""
    written: str = ""
    """The plate as the file has it."""
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING_MORE)
    """Every filled cell, by field."""
    withdraw: bool = False
    """The row's operation says that the entry is to come off."""

    def entry(self, *, valid_from: datetime, valid_until: datetime) -> Entry:
        """The entry for the matchers, with these times where the file names none."""
        return Entry(
            self.entry_id, self.plate, self.category, self.valid_from or valid_from, self.valid_until or valid_until
        )


class HotlistReader:
    """Reads a table row by row, for progress on long ones: ``table.line`` of ``table.lines`` is done.

    ``source`` is a CSV file's bytes, or a table of another format. ``zone`` is that of times written without one, where
    no ``mapping`` says it. Raises ``HotlistFileError`` at once when the file as a whole can't be read.
    """

    def __init__(
        self, source: bytes | HotlistTable, zone: tzinfo = UTC, *, mapping: HotlistMapping | None = None
    ) -> None:
        self.mapping = mapping or HotlistMapping(zone=zone)
        self.table = CsvTable(source, self.mapping) if isinstance(source, bytes) else source
        self._dates: dict[tuple[str, bool], datetime] = {}

    def __iter__(self) -> Iterator[HotlistRow | RowError]:
        seen: dict[str, int] = {}
        ids: dict[str, int] = {}
        constants = {name: value for name, value in self.mapping.constants.items() if value}
        for found in self.table:
            if isinstance(found, RowError):
                yield found
                continue
            line, values = found
            row = self._row(line, {**constants, **values} if constants else values)
            if isinstance(row, HotlistRow):
                known = seen.setdefault(f"{row.plate}/{row.category}", line)
                if known != line:
                    row = RowError(
                        line, "plate", f"{row.plate} is already listed in line {known}", "drop one of the two"
                    )
                elif "entry_id" in values and ids.setdefault(row.entry_id, line) != line:
                    what = f"{row.entry_id!r} is already the identifier of line {ids[row.entry_id]}"
                    row = RowError(line, "entry_id", what, "give each row its own")
            yield row

    def _row(self, line: int, values: dict[str, str]) -> HotlistRow | RowError:
        written = values.get("plate")
        if not written:
            return RowError(line, "plate", "the plate is empty", "fill it in, or drop the row")
        try:
            plate = normalise(written, wildcards=True)
        except PlateError as error:
            return RowError(line, "plate", str(error), "write the plate as it stands on the vehicle")
        if plate.is_partial and sum(symbol not in "?*" for symbol in plate.text) < FEWEST_KNOWN:
            what = f"partial plate {plate.text!r} names too little"
            return RowError(line, "plate", what, f"name {FEWEST_KNOWN} characters or more")
        try:
            column = "valid_from"
            since = self._date(values.get(column), is_end=False)
            column = "valid_until"
            until = self._date(values.get(column), is_end=True)
        except DateError as error:
            return RowError(line, column, str(error), "write it as 2026-12-31 or 31.12.2026")
        if since is not None and until is not None and until <= since:
            return RowError(line, column, f"it ends ({until:%Y-%m-%d}) before it begins", "mend either date")
        withdraw = False
        if "operation" in values:
            operation = self.mapping.operation(values["operation"])
            if operation is None:
                return RowError(line, "operation", f"{values['operation']!r} is none", "write put or withdraw")
            withdraw = operation == "withdraw"
        named = values.get("category")
        category = DEFAULT_CATEGORY if named is None else self.mapping.category(named)
        entry_id = values.get("entry_id") or (plate.text if named is None else f"{plate.text}/{category}")
        return HotlistRow(line, plate.text, entry_id, category, since, until, written, values, withdraw)

    def _date(self, written: str | None, *, is_end: bool) -> datetime | None:
        if not written:
            return None
        known = self._dates.get((written, is_end))
        if known is None:
            known = self.mapping.date(written, is_end=is_end)
            if len(self._dates) < 100_000:
                self._dates[written, is_end] = known
        return known

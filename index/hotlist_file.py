"""Hotlists as CSV: bytes to rows and to row errors that say what is wrong and how to mend it.

Only ``plate`` is required, so that a file of one column serves ``beket scan --hotlist``. Known columns, by any of their
names: see ``COLUMNS``. A file may be UTF-8 (with or without a byte-order mark), UTF-16 with one, or CP1251; its cells
parted by comma, semicolon, tab or bar. A file of bare plates, one a line, needs no header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from index.dates import DateError, parse_date
from index.entry import Entry
from index.lookalikes import Fold, PlateError, folds, is_folded, normalise
from index.partial import FEWEST_KNOWN
from index.text_encoding import EncodingError, decode_text

COLUMNS: Final = {
    "plate": ("plate", "plates", "number", "registration", "vrm", "грнз", "госномер", "гос номер", "номер", "нөмір"),
    "entry_id": ("entry_id", "id", "ид"),
    "category": ("category", "категория", "санат"),
    "valid_from": ("valid_from", "from", "since", "действует с", "с"),
    "valid_until": ("valid_until", "until", "expires", "valid_to", "действует до", "до"),
    "legal_basis": ("legal_basis", "basis", "основание", "негіз"),
    "owner": ("owner", "владелец списка", "ответственный"),
    "note": ("note", "comment", "примечание", "комментарий", "ескерту"),
}
"""Column names that are understood, whatever their case, with spaces, hyphens and underscores alike."""
DEFAULT_CATEGORY: Final = "listed"
_DELIMITERS = ",;\t|"
_LONGEST_CELL_LINES = 20
_NAMES = {name.replace("_", " "): column for column, names in COLUMNS.items() for name in names}


class HotlistFileError(ValueError):
    """The file as a whole can't be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was left out."""

    line: int
    """Counted from 1, as an editor does."""
    column: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.what}; {self.mend}"


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
    legal_basis: str | None = None
    owner: str | None = None
    note: str | None = None
    written: str = ""
    """The plate as the file has it."""

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Cyrillic letters that were folded to Latin ones."""
        return folds(self.written)

    def entry(self, *, valid_from: datetime, valid_until: datetime) -> Entry:
        """The entry for the matchers, with these times where the file names none."""
        return Entry(
            self.entry_id, self.plate, self.category, self.valid_from or valid_from, self.valid_until or valid_until
        )


@dataclass(frozen=True, slots=True)
class HotlistFile:
    """A whole file's rows, and what became of the others."""

    rows: list[HotlistRow]
    errors: list[RowError]
    encoding: str
    delimiter: str
    empty_rows: int
    folded_rows: int
    ignored_columns: tuple[str, ...]


@dataclass
class HotlistReader:
    """Reads a file row by row, for progress on long ones: ``line`` of ``lines`` is done.

    ``zone`` is that of times written without one; a Kazakh list may want UTC+5. Raises ``HotlistFileError`` at once
    when the file as a whole can't be read.
    """

    data: bytes
    zone: tzinfo = UTC
    encoding: str = field(init=False)
    delimiter: str = field(init=False)
    columns: list[str | None] = field(init=False)
    ignored_columns: tuple[str, ...] = field(init=False, default=())
    line: int = field(init=False, default=0)
    empty_rows: int = field(init=False, default=0)
    _lines: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            text, self.encoding = decode_text(self.data)
        except EncodingError as error:
            raise HotlistFileError(str(error)) from error
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._dates: dict[tuple[str, bool], datetime] = {}
        self._begin()

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return len(self._lines)

    def _begin(self) -> None:
        """Find the delimiter and the header."""
        first = next((number for number, line in enumerate(self._lines) if line.strip()), None)
        if first is None:
            raise HotlistFileError(
                "the file is empty: it needs a header with a column 'plate', and a row for each plate"
            )
        declared = self._lines[first].strip().lower()
        if declared.startswith("sep=") and len(declared) == 5:
            self.delimiter = declared[4]
            first += 1
        else:
            self.delimiter = _sniff([line for line in self._lines[first : first + 50] if line.strip()])
        header = next(csv.reader(self._lines[first : first + 1], delimiter=self.delimiter), [])
        named = [_NAMES.get(_plain(cell)) for cell in header]
        if "plate" in named:
            self.line = first + 1
            self.columns = named
            self.ignored_columns = tuple(
                cell for cell, name in zip(header, named, strict=True) if name is None and cell
            )
            twice = [name for name in set(named) if name and named.count(name) > 1]
            if twice:
                raise HotlistFileError(f"two columns of the header mean {twice[0]!r}: rename or drop one of {header}")
            return
        if len(header) == 1 and _is_plate(header[0]):
            self.line, self.columns = first, ["plate"]
            return
        raise HotlistFileError(
            f"no column of the header {header[:12]} is called 'plate': name the column of plates so (line {first + 1})"
        )

    def __iter__(self) -> Iterator[HotlistRow | RowError]:
        seen: dict[tuple[str, str], int] = {}
        ids: dict[str, int] = {}
        while self.line < len(self._lines):
            start = self.line + 1
            cells = self._cells()
            if isinstance(cells, RowError):
                yield cells
                continue
            if not any(cells):
                self.empty_rows += 1
                continue
            row = self._row(start, cells)
            if isinstance(row, HotlistRow):
                known = seen.setdefault((row.plate, row.category), row.line)
                if known != row.line:
                    row = RowError(
                        start, "plate", f"{row.plate} is already listed in line {known}", "drop one of the two"
                    )
                elif ids.setdefault(row.entry_id, row.line) != row.line:
                    what = f"{row.entry_id!r} is already the identifier of line {ids[row.entry_id]}"
                    row = RowError(start, "entry_id", what, "give each row its own")
            yield row

    def _cells(self) -> list[str] | RowError:
        """The next row's cells, stripped."""
        line = self._lines[self.line]
        self.line += 1
        if '"' not in line:
            return [cell.strip() for cell in line.split(self.delimiter)]
        start, piece = self.line, line
        while piece.count('"') % 2 and self.line < len(self._lines) and self.line - start < _LONGEST_CELL_LINES:
            piece += "\n" + self._lines[self.line]
            self.line += 1
        if piece.count('"') % 2:
            self.line = start
            return RowError(
                start, "row", "a quotation mark opens and never closes", 'close it, or write "" for a mark itself'
            )
        try:
            rows = list(csv.reader([piece], delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            return RowError(
                start, "row", f"the quotation marks don't add up ({error})", 'write "" for a mark in a cell'
            )
        return [cell.strip() for cell in rows[0]]

    def _row(self, line: int, cells: list[str]) -> HotlistRow | RowError:
        if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
            what = f"the row has {len(cells)} cells, the header {len(self.columns)}"
            return RowError(line, "row", what, f"put cells that hold {self.delimiter!r} in quotation marks")
        values = {name: cell for name, cell in zip(self.columns, cells, strict=False) if name and cell}
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
        category = values.get("category", DEFAULT_CATEGORY)
        entry_id = values.get("entry_id") or (f"{plate.text}/{category}" if "category" in values else plate.text)
        return HotlistRow(
            line,
            plate.text,
            entry_id,
            category,
            since,
            until,
            values.get("legal_basis"),
            values.get("owner"),
            values.get("note"),
            written,
        )

    def _date(self, written: str | None, *, is_end: bool) -> datetime | None:
        if not written:
            return None
        known = self._dates.get((written, is_end))
        if known is None:
            known = parse_date(written, self.zone, is_end=is_end)
            if len(self._dates) < 100_000:
                self._dates[written, is_end] = known
        return known


def parse_hotlist(data: bytes, *, zone: tzinfo = UTC) -> HotlistFile:
    """The whole file at once. Raises ``HotlistFileError`` when it can't be read at all."""
    reader = HotlistReader(data, zone)
    rows: list[HotlistRow] = []
    errors: list[RowError] = []
    for row in reader:
        if isinstance(row, HotlistRow):
            rows.append(row)
        else:
            errors.append(row)
    folded = sum(is_folded(row.written) for row in rows)
    return HotlistFile(
        rows, errors, reader.encoding, reader.delimiter, reader.empty_rows, folded, reader.ignored_columns
    )


def _plain(name: str) -> str:
    return " ".join(name.strip().lower().replace("_", " ").replace("-", " ").replace(".", " ").split())


def _is_plate(cell: str) -> bool:
    try:
        return any(symbol.isdigit() for symbol in normalise(cell, wildcards=True).text)
    except PlateError:
        return False


def _sniff(lines: list[str]) -> str:
    """The delimiter that parts the header, or else the most lines."""
    return max(_DELIMITERS, key=lambda mark: (lines[0].count(mark), sum(mark in line for line in lines)))

"""Tables of text, row by row: cells under the fields that a mapping gives their columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from index.hotlist_mapping import HotlistMapping, MappingError
from index.lookalikes import PlateError, normalise
from index.text_encoding import EncodingError, decode_text

_DELIMITERS: Final = ",;\t|"
_LONGEST_CELL_LINES: Final = 20


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


class HotlistTable(Protocol):
    """A table of any format. Iterating gives each row's line and its filled cells by field."""

    @property
    def fields(self) -> frozenset[str]:
        """Fields that some column holds."""

    @property
    def ignored_columns(self) -> tuple[str, ...]:
        """Columns that no field was found for."""

    @property
    def line(self) -> int:
        """Lines done, for progress."""

    @property
    def lines(self) -> int:
        """Lines in all."""

    @property
    def empty_rows(self) -> int:
        """Rows without anything, so far."""

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | RowError]:
        """Rows in order."""


@dataclass
class CsvTable:
    """CSV and TSV: UTF-8 (with or without a mark), UTF-16 with one, or CP1251; cells parted by comma, semicolon, tab or
    bar. A file of bare plates, one a line, needs no header. Raises ``HotlistFileError`` at once when it can't be read.
    """

    data: bytes
    mapping: HotlistMapping = field(default_factory=HotlistMapping)
    encoding: str = field(init=False)
    delimiter: str = field(init=False)
    columns: list[str | None] = field(init=False)
    ignored_columns: tuple[str, ...] = field(init=False, default=())
    line: int = field(init=False, default=0)
    empty_rows: int = field(init=False, default=0)
    _lines: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        text, self.encoding = _decode(self.data, self.mapping.encoding)
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._begin()

    @property
    def lines(self) -> int:
        return len(self._lines)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for name in self.columns if name)

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
        if len(header) == 1 and _is_plate(header[0]) and not self.mapping.columns:
            self.line, self.columns = first, ["plate"]
            return
        self.line = first + 1
        self.columns, self.ignored_columns = resolve_header(self.mapping, header, self.line)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | RowError]:
        columns = self.columns
        while self.line < len(self._lines):
            start = self.line + 1
            cells = self._cells()
            if isinstance(cells, RowError):
                yield cells
            elif not any(cells):
                self.empty_rows += 1
            elif len(cells) > len(columns) and any(cells[len(columns) :]):
                what = f"the row has {len(cells)} cells, the header {len(columns)}"
                yield RowError(start, "row", what, f"put cells that hold {self.delimiter!r} in quotation marks")
            else:
                yield start, {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell}

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


def resolve_header(mapping: HotlistMapping, header: list[str], line: int) -> tuple[list[str | None], tuple[str, ...]]:
    """The fields of a header's columns, and the columns that have none.

    Raises ``HotlistFileError`` when there is no plate among them.
    """
    try:
        found = mapping.resolve(header)
    except MappingError as error:
        raise HotlistFileError(str(error)) from error
    if "plate" not in found:
        raise HotlistFileError(
            f"no column of the header {header[:12]} is called 'plate': name the column of plates so (line {line})"
        )
    return found, tuple(cell for cell, name in zip(header, found, strict=True) if name is None and cell)


def _decode(data: bytes, encoding: str | None) -> tuple[str, str]:
    try:
        return decode_text(data) if encoding is None else (data.decode(encoding), encoding)
    except EncodingError as error:
        raise HotlistFileError(str(error)) from error
    except (UnicodeDecodeError, LookupError) as error:
        raise HotlistFileError(f"the file is not {encoding} as its mapping says ({error}): mend either") from error


def _is_plate(cell: str) -> bool:
    try:
        return any(symbol.isdigit() for symbol in normalise(cell, wildcards=True).text)
    except PlateError:
        return False


def _sniff(lines: list[str]) -> str:
    """The delimiter that parts the header, or else the most lines."""
    return max(_DELIMITERS, key=lambda mark: (lines[0].count(mark), sum(mark in line for line in lines)))

"""Hotlist files of every format as tables: CSV and TSV, XLSX sheets, JSON arrays and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from itertools import chain
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from index.hotlist_mapping import HotlistMapping, MappingError
from index.hotlist_table import CsvTable, HotlistFileError, HotlistTable, RowError, resolve_header
from index.text_encoding import EncodingError, decode_text

_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_LARGEST_UNPACKED: Final = 2 * 2**30


def open_table(name: str, data: bytes, mapping: HotlistMapping) -> HotlistTable:
    """The table in ``data``, its format found by what it holds, and by ``name`` where that leaves a doubt.

    Raises ``HotlistFileError`` when it can't be read.
    """
    if data.startswith((_ZIP, _OLD_EXCEL)):
        return SheetTable(data, mapping)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"[") or name.lower().endswith((".json", ".jsonl", ".ndjson")):
        return JsonTable(data, mapping)
    return CsvTable(data, mapping)


@dataclass
class SheetTable:
    """The first sheet of a workbook that has a header with a column of plates. Raises ``HotlistFileError``."""

    data: bytes
    mapping: HotlistMapping = field(default_factory=HotlistMapping)
    columns: list[str | None] = field(init=False)
    ignored_columns: tuple[str, ...] = field(init=False, default=())
    line: int = field(init=False, default=0)
    lines: int = field(init=False, default=0)
    empty_rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        _refuse_bomb(self.data)
        try:
            book = CalamineWorkbook.from_filelike(BytesIO(self.data))
            sheets = [book.get_sheet_by_index(number) for number in range(len(book.sheet_names))]
        except (CalamineError, OSError, ValueError) as error:
            raise HotlistFileError(f"the workbook can't be read ({error}): save it anew, or as CSV UTF-8") from error
        why: HotlistFileError | None = None
        for sheet in sheets:
            rows = sheet.iter_rows()
            self.line = sheet.start[0] if sheet.start else 0
            for row in rows:
                self.line += 1
                if any(cell not in ("", None) for cell in row):
                    break
            else:
                continue
            try:
                self.columns, self.ignored_columns = resolve_header(
                    self.mapping, [_text(cell) for cell in row], self.line
                )
            except HotlistFileError as error:
                why = why or error
                continue
            self._rows, self.lines = rows, (sheet.end[0] + 1 if sheet.end else self.line)
            return
        raise why or HotlistFileError("the workbook is empty: it needs a header with a column 'plate'")

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for name in self.columns if name)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | RowError]:
        for row in self._rows:
            self.line += 1
            values = {}
            for name, cell in zip(self.columns, row, strict=False):
                if name and cell != "":
                    text = _text(cell)
                    if text:
                        values[name] = text
            if values:
                yield self.line, values
            else:
                self.empty_rows += 1


@dataclass
class JsonTable:
    """A JSON array of objects (alone, or the only array of an object), or one object a line; keys are the columns.

    A value may be text, a number, a truth, or a list of texts. ``line`` of an array's object is its number.
    Raises ``HotlistFileError``.
    """

    data: bytes
    mapping: HotlistMapping = field(default_factory=HotlistMapping)
    ignored_columns: tuple[str, ...] = field(init=False, default=())
    line: int = field(init=False, default=0)
    lines: int = field(init=False, default=0)
    empty_rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        try:
            text, _ = decode_text(self.data)
        except EncodingError as error:
            raise HotlistFileError(str(error)) from error
        self._fields: dict[str, str | None] = {}
        whole = _whole(text)
        if whole is not None:
            self.lines = len(whole)
            self._items: Iterator[Any] = iter(whole)
        else:
            lines = text.split("\n")
            self.lines = len(lines)
            self._items = map(_parsed, lines)
        first = next((item for item in self._items if item is not None), None)
        if not isinstance(first, dict):
            raise HotlistFileError("no object stands in the file: it needs an array of objects, or one object a line")
        header = [str(name) for name in first]
        found, self.ignored_columns = resolve_header(self.mapping, header, 1)
        self._fields = dict(zip(header, found, strict=True))
        self._items = chain([first], self._items)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(name for name in self._fields.values() if name)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | RowError]:
        for item in self._items:
            self.line += 1
            if item is None or item == {}:
                self.empty_rows += 1
            elif isinstance(item, dict):
                yield self._row(item)
            else:
                what = item if isinstance(item, _Broken) else "is no object"
                yield RowError(self.line, "row", str(what), 'write it as {"plate": "123ABC02", ...}')

    def _row(self, item: dict[str, Any]) -> tuple[int, dict[str, str]] | RowError:
        values = {}
        for name, value in item.items():
            field_name = self._field(name)
            if field_name is None or value in (None, ""):
                continue
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value)):
                return RowError(self.line, name, "holds an object where a text is expected", "write a text or a number")
            text = ", ".join(_text(one) for one in value) if isinstance(value, list) else _text(value)
            if text:
                values[field_name] = text
        return self.line, values

    def _field(self, name: str) -> str | None:
        """Objects may have keys that the first one lacks."""
        if name not in self._fields:
            try:
                (self._fields[name],) = self.mapping.resolve([name]) if not self.mapping.columns else (None,)
            except MappingError:
                self._fields[name] = None
        return self._fields[name]


class _Broken(str):
    """Why a line is no JSON."""

    __slots__ = ()


def _parsed(line: str) -> Any:
    if not line.strip():
        return None
    try:
        return json.loads(line)
    except ValueError as error:
        return _Broken(f"is no JSON ({error})")
    except RecursionError:
        return _Broken("is nested too deep")


def _whole(text: str) -> list[Any] | None:
    """The array that the whole text is or holds; None when it is lines of objects. Raises ``HotlistFileError``."""
    start = text.lstrip()[:1]
    try:
        found = json.loads(text)
    except ValueError as error:
        if start != "{":
            raise HotlistFileError(f"the file is no JSON ({error}): export it again") from error
        return None
    except RecursionError:
        raise HotlistFileError("the JSON is nested too deep: it needs an array of plain objects") from None
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        arrays = [value for value in found.values() if isinstance(value, list)]
        if len(arrays) == 1 and all(isinstance(item, dict) for item in arrays[0]):
            return list(arrays[0])
        return [found]
    raise HotlistFileError("the file holds no objects: it needs an array of objects, or one object a line")


def _text(cell: object) -> str:
    """A cell as a person reads it: a whole number without its point, a time in ISO 8601."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time().replace(microsecond=0) != cell.min.time() else str(cell.date())
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()


def _refuse_bomb(data: bytes) -> None:
    """A small archive must not become a memory's end."""
    if not data.startswith(_ZIP):
        return
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except BadZipFile as error:
        raise HotlistFileError(f"the workbook is broken ({error}): save it anew") from error
    if size > _LARGEST_UNPACKED:
        raise HotlistFileError(f"the workbook unpacks to {size >> 20} MB, more than is opened: split it, or use CSV")

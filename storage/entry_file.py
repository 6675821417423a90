"""Hotlist files: rows of CSV or TSV become entries, and every bad row says what is wrong and how to mend it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from index.alphabet import SLOTS
from index.entry import Entry

LOOK_ALIKES: Final = str.maketrans("АВЕКМНОРСТУХІ", "ABEKMHOPCTYXI")
"""Cyrillic letters that look like the Latin ones that stand on plates."""

_SEPARATORS = str.maketrans("", "", " \t\u00a0-\u2010\u2011\u2012\u2013\u2014._·•/|")
_PLATE = re.compile(r"[0-9A-Z?*]+")
_NAMESPACE: Final = UUID("6f1d0c3e-6f6b-4d0a-9b0e-656e74727900")
_REQUIRED: Final = ("plate", "category", "legal_basis", "owner", "valid_until")
_COLUMNS: Final = (*_REQUIRED, "valid_from", "note", "entry_id")


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
class RowProblem:
    """Why a row was not taken; ``line`` counts from 1, the header's is 1."""

    line: int
    column: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.what}; {self.mend}"


@dataclass(frozen=True, slots=True)
class EntryFile:
    """What a hotlist file holds: good rows in order, problems by line, and how many plates had Cyrillic letters."""

    rows: tuple[EntryRow, ...]
    problems: tuple[RowProblem, ...]
    folded: int = 0


@dataclass(frozen=True, slots=True)
class RowDefaults:
    """Values for columns that a file leaves out; what has no default here is required."""

    values: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    """The time zone of dates that name none."""
    id_prefix: str = ""
    """What makes the ids of rows without one differ from other lists' (the hotlist's id)."""


def normalise_plate(text: str) -> tuple[str, bool]:
    """``text`` in capitals without separators, Cyrillic look-alikes as Latin; and whether there were any of these."""
    bare = text.upper().translate(_SEPARATORS)
    latin = bare.translate(LOOK_ALIKES)
    return latin, latin != bare


def read_entry_file(
    path: Path,
    *,
    defaults: RowDefaults | None = None,
    encoding: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> EntryFile:
    """Read a CSV or TSV file with a header of ``plate, category, legal_basis, owner, valid_until`` and, where wanted,
    ``valid_from, note, entry_id``; the delimiter is found from the header, the encoding from its mark, else UTF-8.

    Bad rows become problems; a file that can't be read at all is one problem. ``progress`` gets the lines read so far.
    """
    defaults = defaults or RowDefaults()
    raw = path.read_bytes()
    found = encoding or _marked_encoding(raw)
    try:
        text = raw.decode(found)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mend = "save the file as UTF-8, or name its encoding (cp1251 for an older Russian Excel)"
        return EntryFile((), (RowProblem(line, "file", f"not {found.upper()}", mend),))
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="")
    names = {name: (name or "").strip().lower() for name in reader.fieldnames or ()}
    missing = [name for name in _REQUIRED if name not in names.values() and name not in defaults.values]
    if missing:
        mend = f"the first line must name the columns {', '.join(_REQUIRED)}"
        return EntryFile((), (RowProblem(1, "header", f"without {', '.join(missing)}", mend),))
    rows: list[EntryRow] = []
    problems: list[RowProblem] = []
    lines: dict[str, int] = {}
    folded = 0
    for raw_row in _parsed(reader, problems):
        line = reader.line_num
        if progress is not None and line % 10_000 == 0:
            progress(line)
        if "" in raw_row and raw_row.get("") and not names.get(""):
            problems.append(
                RowProblem(line, "row", "more fields than the header", "quote fields that hold the delimiter")
            )
            continue
        values = {names[key]: (value or "").strip() for key, value in raw_row.items() if key in names}
        if not any(values.values()):
            continue
        row = _row(values, defaults, line)
        if isinstance(row, RowProblem):
            problems.append(row)
            continue
        if row.entry_id in lines:
            mend = "remove one of the two rows"
            problems.append(RowProblem(line, "row", f"the same entry as line {lines[row.entry_id]}", mend))
            continue
        lines[row.entry_id] = line
        folded += normalise_plate(values.get("plate", ""))[1]
        rows.append(row)
    return EntryFile(tuple(rows), tuple(problems), folded)


def _parsed(reader: csv.DictReader[str], problems: list[RowProblem]) -> Iterator[dict[str, str]]:
    """The rows up to the end, or to where the file can't be parsed any more: that is the last problem."""
    try:
        yield from reader
    except csv.Error as error:
        problems.append(RowProblem(reader.line_num, "row", str(error), "look for a quote that is not closed"))


def _row(values: dict[str, str], defaults: RowDefaults, line: int) -> EntryRow | RowProblem:
    got = {name: values.get(name) or defaults.values.get(name, "") for name in _COLUMNS}
    if any("\0" in value for value in got.values()):
        return RowProblem(line, "row", "holds a zero byte", "save the file as text again")
    for name in _REQUIRED:
        if not got[name]:
            return RowProblem(line, name, "empty", f"every entry needs its {name.replace('_', ' ')}")
    plate, _ = normalise_plate(got["plate"])
    if not _PLATE.fullmatch(plate):
        wrong = sorted({symbol for symbol in plate if not _PLATE.fullmatch(symbol)})
        return RowProblem(line, "plate", f"holds {' '.join(wrong)}", "write it with 0-9 and A-Z; ? and * as wildcards")
    if len(plate.replace("*", "")) > SLOTS or len(plate) > 16:
        return RowProblem(
            line, "plate", f"longer than {SLOTS} characters", "write the plate alone, without the country"
        )
    if not plate.strip("?*"):
        return RowProblem(
            line, "plate", "wildcards only", "give at least one character: this would match every vehicle"
        )
    try:
        valid_from = _moment(got["valid_from"], defaults.zone, time.min) if got["valid_from"] else datetime.now(UTC)
    except ValueError:
        return RowProblem(
            line, "valid_from", f"no date: {got['valid_from']}", "write 2026-12-31 or 2026-12-31T23:59+05:00"
        )
    try:
        valid_until = _moment(got["valid_until"], defaults.zone, time.max)
    except ValueError:
        mend = "write 2026-12-31 or 2026-12-31T23:59+05:00"
        return RowProblem(line, "valid_until", f"no date: {got['valid_until']}", mend)
    if valid_until <= valid_from:
        return RowProblem(line, "valid_until", "not after valid_from, or past already", "give the entry a later end")
    entry_id = got["entry_id"] or str(uuid5(_NAMESPACE, f"{defaults.id_prefix}|{plate}|{got['category']}"))
    return EntryRow(
        entry_id, plate, got["category"], got["legal_basis"], got["owner"], valid_from, valid_until, got["note"]
    )


def _moment(text: str, zone: tzinfo, edge: time) -> datetime:
    """A date (its first or last moment, by ``edge``) or a date with time, in UTC."""
    day_only = len(text) == 10
    moment = datetime.fromisoformat(text)
    if day_only:
        moment = datetime.combine(moment.date(), edge)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _marked_encoding(raw: bytes) -> str:
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"

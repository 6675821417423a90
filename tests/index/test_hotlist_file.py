"""Hotlist files of every sort become rows, and errors that name the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from index.hotlist_file import HotlistFileError, HotlistReader, HotlistRow, RowError
from index.hotlist_table import CsvTable
from index.lookalikes import is_folded

from .conftest import NOW, make_entry

TABLE = """plate;category;valid_until;legal basis
123 ABC 02;stolen;31.12.2026;КУИ 17
 А123ВС ;uninsured;2026-12-31T18:00+05:00;
"""


def read(data: str | bytes, **given: Any) -> tuple[list[HotlistRow], list[RowError], HotlistReader]:
    reader = HotlistReader(data.encode() if isinstance(data, str) else data, **given)
    found = list(reader)
    rows = [row for row in found if isinstance(row, HotlistRow)]
    return rows, [row for row in found if isinstance(row, RowError)], reader


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_reads_the_same_however_it_was_saved(encoding: str, ending: str, delimiter: str) -> None:
    rows, errors, reader = read(TABLE.replace("\n", ending).replace(";", delimiter).encode(encoding))
    assert not errors
    assert isinstance(reader.table, CsvTable)
    assert reader.table.delimiter == delimiter
    first, second = rows
    assert (first.plate, first.category, first.values["legal_basis"]) == ("123ABC02", "stolen", "КУИ 17")
    assert first.valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    assert (second.plate, second.values.get("legal_basis"), second.line) == ("A123BC", None, 3)
    assert second.valid_until == datetime(2026, 12, 31, 13, tzinfo=UTC)
    assert [is_folded(row.written) for row in rows] == [False, True]


@pytest.mark.parametrize(
    "data", ["plate\n123ABC02\n", "123ABC02\n", "\n\nPlate,\n123ABC02,\n", "sep=;\nplate;x\n123ABC02;y\n"]
)
def test_a_file_of_bare_plates_is_enough(data: str) -> None:
    ((row,), _, _) = read(data)
    entry = row.entry(valid_from=NOW - timedelta(days=1), valid_until=NOW + timedelta(days=30))
    assert (entry.plate, entry.category, entry.entry_id) == ("123ABC02", "listed", "123ABC02")
    assert entry.valid_until == make_entry("a", "123ABC02").valid_until


def test_headers_are_known_in_russian() -> None:
    ((row,), _, _) = read("Гос.номер,Категория,Действует до\n123ABC02,угон,31/12/2026\n")
    assert (row.plate, row.category, row.entry_id) == ("123ABC02", "угон", "123ABC02/угон")


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        (",stolen,2026-12-31", "plate", "empty"),
        ("12#ABC,stolen,2026-12-31", "plate", "number sign"),
        ("ЖЖЖ123,stolen,2026-12-31", "plate", "Latin"),
        ("12345678901,stolen,2026-12-31", "plate", "10"),
        ("A*,stolen,2026-12-31", "plate", "too little"),
        ("123ABC02,stolen,31.02.2026", "valid_until", "no date"),
        ("123ABC02,stolen,soon", "valid_until", "soon"),
        ("123ABC02,stolen,2026-12-31,more", "row", "4 cells"),
        ('"123ABC02,stolen,2026-12-31', "row", "quotation"),
        ("777XYZ01,stolen,2026-12-31", "plate", "line 2"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_stays(row: str, column: str, what: str) -> None:
    text = f"plate,category,valid_until\n777XYZ01,stolen,2026-12-31\n\n{row}\n888XYZ01,stolen,2026-12-31\n"
    rows, (error,), reader = read(text)
    assert [row.plate for row in rows] == ["777XYZ01", "888XYZ01"]
    assert reader.table.empty_rows == 1
    assert (error.line, error.column) == (4, column)
    assert what in error.what
    assert error.mend


def test_an_end_before_the_beginning_is_refused() -> None:
    _, (error,), _ = read("plate,valid_from,valid_until\n123ABC02,2026-12-31,2026-12-01\n")
    assert "before it begins" in error.what


def test_quoted_cells_may_hold_delimiters_marks_and_lines() -> None:
    rows, _, _ = read('plate,note\n"123ABC02","a ""red"", old\ncar"\n777XYZ01,\n')
    assert [(row.line, row.plate, row.values.get("note")) for row in rows] == [
        (2, "123ABC02", 'a "red", old\ncar'),
        (4, "777XYZ01", None),
    ]


def test_the_same_plate_may_stand_in_two_categories() -> None:
    rows, _, _ = read("plate,category\n123ABC02,stolen\n123ABC02,uninsured\n")
    assert len({row.entry_id for row in rows}) == 2


def test_an_identifier_given_twice_is_refused() -> None:
    _, (error,), _ = read("id,plate\n7,123ABC02\n7,777XYZ01\n")
    assert "line 2" in error.what


def test_times_without_a_zone_are_in_the_zone_told() -> None:
    ((row,), _, _) = read("plate,valid_until\n123ABC02,31.12.2026\n", zone=timezone(timedelta(hours=5)))
    assert row.valid_until == datetime(2026, 12, 31, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"PK\x03\x04rest", "XLSX"),
        (b"plate\n\x00\x01", "byte"),
        (b"name,colour\nx,y\n", "plate"),
        (b"plate,number\n1,2\n", "two columns"),
        ("plate;note\n123ABC02;Автомобиль угнан\n".encode("cp866"), "CP1251"),
        ("plate;note\n123ABC02;Автомобиль угнан в Алматы\n".encode().decode("cp1251", "replace").encode(), "encoding"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, what: str) -> None:
    with pytest.raises(HotlistFileError, match=what):
        read(data)

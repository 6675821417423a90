from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.database import Database
from storage.entries import EntryBook, EntryImport
from storage.entry_file import EntryRow, RowDefaults, read_entry_file
from storage.errors import DatabaseRefused

NOW = datetime.now(UTC)
ROW = EntryRow("e1", "123ABC02", "stolen", "order 5", "police", NOW - timedelta(days=1), NOW + timedelta(days=9))
HEADER = "plate,category,legal_basis,owner,valid_until,note\n"


def test_an_import_is_followed_by_changes(database: Database) -> None:
    book = EntryBook(database)
    first = book.import_rows("main", [ROW, replace(ROW, entry_id="e2", plate="777AAA01")], by="officer")
    assert (first.added, first.changed, first.unchanged, first.withdrawn) == (2, 0, 0, 0)
    loaded = book.live()
    assert {entry.entry_id for entry in loaded.entries} == {"e1", "e2"}
    second = book.import_rows("main", [ROW, replace(ROW, entry_id="e3")], by="officer", full=True)
    assert second == EntryImport(1, 0, 1, 1, second.version)
    changes = book.changes(loaded.version)
    assert ([entry.entry_id for entry in changes.entries], changes.gone) == (["e3"], ("e2",))
    assert book.changes(changes.version).entries == ()
    assert [entry.state for entry in book.list("main")] == ["live", "live", "withdrawn"]


def test_a_listener_wakes_within_two_seconds(database: Database) -> None:
    book = EntryBook(database)
    with book.listen() as listener:
        listener.start()
        book.import_rows("main", [ROW], by="officer")
        started = time.monotonic()
        assert listener.wait(5)
        assert time.monotonic() - started < 2


def test_an_import_is_all_or_nothing(database: Database) -> None:
    book = EntryBook(database)
    with pytest.raises(DatabaseRefused):
        book.import_rows("main", [ROW, replace(ROW, entry_id="e2", legal_basis="")], by="officer")
    assert book.live().entries == ()
    assert book.hotlists() == []


def test_a_suspended_list_and_a_past_entry_do_not_match(database: Database) -> None:
    book = EntryBook(database)
    book.import_rows("main", [ROW], by="officer")
    before = book.live()
    book.suspend("main", suspended=True)
    assert book.changes(before.version).gone == ("e1",)
    assert book.live().entries == ()
    book.suspend("main", suspended=False)
    assert len(book.live().entries) == 1
    assert book.live(now=ROW.valid_until).entries == ()
    assert [(hotlist.name, hotlist.live) for hotlist in book.hotlists()] == [("main", 1)]


def test_history_is_kept_and_can_not_be_changed(database: Database) -> None:
    book = EntryBook(database)
    book.import_rows("main", [ROW], by="officer")
    book.import_rows("main", [replace(ROW, note="seen in Almaty")], by="officer")
    book.withdraw(["e1"], by="chief")
    assert [(entry["state"], entry["note"]) for entry in book.history("e1")] == [
        ("live", ""),
        ("live", "seen in Almaty"),
        ("withdrawn", "seen in Almaty"),
    ]
    for statement in ("UPDATE entry_history SET version = 0", "DELETE FROM entry_history", "DELETE FROM entries"):
        with pytest.raises(DatabaseRefused, match="append-only"), database.transaction() as connection:
            connection.execute(statement)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def test_a_file_is_read_with_its_problems(file: Path) -> None:
    file.write_text(
        HEADER + "123 ABC-02,stolen,order 1,police,2099-01-01,\n"
        "А123ВС,stolen,order 1,police,2099-01-01,Cyrillic\n"  # letters of the other alphabet
        "777AAA01,stolen,,police,2099-01-01,\n"
        "777AAA02,stolen,order 1,police,,\n"
        "777AAA03,stolen,order 1,police,2001-01-01,\n"
        "12Ж,stolen,order 1,police,2099-01-01,\n"
        "1?3*02,stolen,order 1,police,2099-01-01,\n",
        encoding="utf-8",
    )
    read = read_entry_file(file)
    assert [row.plate for row in read.rows] == ["123ABC02", "A123BC", "1?3*02"]
    assert read.folded == 1
    assert read.rows[0].valid_until == datetime(2099, 1, 2, tzinfo=UTC)
    assert [(problem.line, problem.column) for problem in read.problems] == [
        (4, "legal_basis"),
        (5, "valid_until"),
        (6, "valid_until"),
        (7, "plate"),
    ]


def test_a_file_that_is_no_table_is_one_problem(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04")
    [problem] = read_entry_file(file).problems
    assert "XLSX" in str(problem)


def test_defaults_stand_in_for_what_a_file_leaves_out(file: Path) -> None:
    file.write_text("plate\n123ABC02\n")
    assert [problem.column for problem in read_entry_file(file).problems] == ["category"]
    defaults = RowDefaults({"category": "other", "legal_basis": "none", "owner": "me", "valid_until": "2099-01-01"})
    [row] = read_entry_file(file, defaults=defaults).rows
    assert (row.category, row.valid_until) == ("other", datetime(2099, 1, 2, tzinfo=UTC))


def test_ids_are_the_same_each_time_differ_between_lists_and_tell_no_plate(file: Path) -> None:
    file.write_text(HEADER + "123ABC02,stolen,order 1,police,2099-01-01,\n")
    ids = [read_entry_file(file, defaults=RowDefaults(id_prefix=prefix)).rows[0].entry_id for prefix in "aab"]
    assert ids[0] == ids[1] != ids[2]
    assert "123ABC02" not in ids[0]


def test_a_plate_that_no_matcher_takes_is_refused(database: Database) -> None:
    for plate in ("12345678901", "A?", "ABC-1"):
        with pytest.raises(DatabaseRefused):
            EntryBook(database).import_rows("main", [replace(ROW, plate=plate)], by="officer")

"""Lists from outside: all or nothing, in two people's hands, and back again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from index.hotlist_table import RowError
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.errors import DatabaseAway, DatabaseRefused
from storage.hotlists.entries import EntryBook
from storage.hotlists.errors import IllegalMove, SamePerson, UnknownRecord
from storage.hotlists.feed import EntryFeed
from storage.hotlists.import_records import ImportKind, ImportRefused, ImportSource, OnError, Remarks, StoredImport
from storage.hotlists.imports import ImportBook
from storage.hotlists.lists import HotlistBook
from storage.hotlists.rows import EntryRow, VehicleDescription
from tests.fixtures.entries import make_row
from tests.fixtures.stores import crash

SOURCE = ImportSource("list.csv", "ab" * 32, owner="police", purpose="stolen vehicles")
BAD = RowError(3, "plate", "the plate is empty", "fill it in")
DOUBT = RowError(2, "plate", "no known format spells it", "check the characters")


@pytest.fixture
def book(database: Database) -> ImportBook:
    return ImportBook(database)


def matched(database: Database) -> list[str]:
    return sorted(entry.plate for entry in EntryFeed(database).live().entries)


def staged_tables(database: Database) -> int:
    with database.transaction() as connection:
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'staged%%'").fetchone()
    return row[0] if row else -1


def test_nothing_is_live_before_a_second_person_approves(book: ImportBook, database: Database) -> None:
    rows = [make_row("123ABC02"), make_row("777AAA01")]
    staged = book.stage(
        "main", rows, SOURCE, by="clerk", remarks=lambda: Remarks(folded=1, doubtful=2, warnings=[DOUBT])
    )
    assert (staged.state, staged.rows, staged.added, staged.folded) == ("pending", 2, 2, 1)
    assert (staged.warnings, staged.problems) == (2, 0)
    assert (book.problems(staged.import_id), book.problems(staged.import_id, warnings=True)) == ([], [DOUBT])
    assert matched(database) == []
    with pytest.raises(SamePerson, match="clerk"):
        book.approve(staged.import_id, by="clerk")
    done = book.approve(staged.import_id, by="chief")
    assert (done.state, done.added, done.decided_by) == ("approved", 2, "chief")
    assert matched(database) == ["123ABC02", "777AAA01"]
    entry = EntryBook(database).get("e-123ABC02")
    assert (entry.entered_by, entry.approved_by, entry.import_id) == ("clerk", "chief", done.import_id)
    assert (HotlistBook(database).get("main").owner, staged_tables(database)) == ("police", 0)
    with pytest.raises(IllegalMove, match="approved already by chief"):
        book.approve(staged.import_id, by="other")


def test_every_field_comes_through(book: ImportBook, database: Database) -> None:
    row = make_row(
        note='tab\there, "mark", back\\slash,\nnew line',
        regions=("almaty", 'a "b" \\c'),
        vehicle=VehicleDescription("Lada", "red", "car"),
        instructions="стоп",
        risk="armed",
    )
    book.bring("main", [row], by="clerk", approved_by="chief")
    entry = EntryBook(database).get(row.entry_id)
    assert (entry.note, tuple(entry.regions), entry.instructions) == (row.note, row.regions, "стоп")
    assert (entry.vehicle, entry.risk) == ({"make": "Lada", "colour": "red", "type": "car"}, "armed")
    assert (entry.valid_from, entry.valid_until) == (row.valid_from, row.valid_until)


def test_a_full_import_withdraws_what_it_leaves_out_but_not_what_was_entered_by_hand(
    book: ImportBook, database: Database
) -> None:
    entries = EntryBook(database)
    book.bring("main", [make_row("123ABC02"), make_row("777AAA01")], by="clerk", approved_by="chief")
    entries.draft("main", make_row("555AAA05"), by="clerk")
    entries.approve("e-555AAA05", by="chief")
    rows = [make_row("123ABC02", note="seen"), make_row("888AAA08")]
    staged = book.stage("main", rows, SOURCE, by="clerk", kind=ImportKind.FULL)
    assert (staged.added, staged.changed, staged.unchanged, staged.withdrawn) == (1, 1, 0, 1)
    done = book.approve(staged.import_id, by="chief")
    assert (done.added, done.changed, done.unchanged, done.withdrawn) == (1, 1, 0, 1)
    assert matched(database) == ["123ABC02", "555AAA05", "888AAA08"]
    assert entries.get("e-777AAA01").withdrawn_because == f"not in import {done.import_id}"


def test_the_same_again_changes_nothing(book: ImportBook, database: Database) -> None:
    rows = [make_row("123ABC02"), make_row("777AAA01")]
    book.bring("main", rows, by="clerk", approved_by="chief")
    again = book.bring("main", rows, by="clerk", approved_by="chief", kind=ImportKind.FULL)
    assert (again.added, again.changed, again.unchanged, again.withdrawn) == (0, 0, 2, 0)
    assert len(EntryBook(database).history("e-123ABC02")) == 1


def test_a_delta_withdraws_what_it_names(book: ImportBook, database: Database) -> None:
    book.bring("main", [make_row("123ABC02"), make_row("777AAA01")], by="clerk", approved_by="chief")
    gone = replace(make_row("777AAA01"), withdraw=True)
    done = book.bring("main", [gone, make_row("888AAA08")], by="clerk", approved_by="chief")
    assert (done.added, done.withdrawn) == (1, 1)
    assert matched(database) == ["123ABC02", "888AAA08"]


def test_bad_rows_refuse_the_whole_or_are_quarantined(book: ImportBook, database: Database) -> None:
    rows = [make_row("123ABC02"), BAD, make_row("777AAA01")]
    with pytest.raises(ImportRefused, match="1 rows") as caught:
        book.stage("main", rows, SOURCE, by="clerk")
    assert caught.value.problems == [BAD]
    assert (HotlistBook(database).all(), book.list(), staged_tables(database)) == ([], [], 0)
    staged = book.stage("main", rows, SOURCE, by="clerk", on_error=OnError.QUARANTINE)
    assert (staged.rows, staged.problems) == (2, 1)
    assert book.problems(staged.import_id) == [BAD]
    with pytest.raises(ImportRefused):
        book.stage("main", [BAD], SOURCE, by="clerk", on_error=OnError.QUARANTINE)


def test_a_row_that_the_database_refuses_leaves_nothing(book: ImportBook, database: Database) -> None:
    for row in (make_row("A?"), make_row(category="rumour"), make_row(days=5000), make_row(legal_basis="")):
        staged = book.stage("main", [make_row("777AAA01"), row], SOURCE, by="clerk")
        with pytest.raises(DatabaseRefused):
            book.approve(staged.import_id, by="chief")
        assert book.get(staged.import_id).state == "pending"
        book.reject(staged.import_id, by="chief")
    assert (matched(database), staged_tables(database)) == ([], 0)


def test_an_identifier_of_another_list_is_refused(book: ImportBook) -> None:
    book.bring("one", [make_row()], by="clerk", approved_by="chief")
    with pytest.raises(IllegalMove, match="another hotlist"):
        book.stage("two", [make_row()], SOURCE, by="clerk")


def test_imports_are_decided_in_their_order_and_a_full_one_supersedes(book: ImportBook, database: Database) -> None:
    first = book.stage("main", [make_row("123ABC02")], SOURCE, by="clerk")
    second = book.stage("main", [make_row("777AAA01")], SOURCE, by="clerk")
    with pytest.raises(IllegalMove, match=f"import {first.import_id} of main is older"):
        book.approve(second.import_id, by="chief")
    book.reject(first.import_id, by="chief")
    third = book.stage("main", [make_row("888AAA08")], SOURCE, by="clerk", kind=ImportKind.FULL)
    with pytest.raises(IllegalMove, match="superseded already"):
        book.approve(second.import_id, by="chief")
    book.approve(third.import_id, by="chief")
    assert matched(database) == ["888AAA08"]
    assert [one.state for one in book.list("main")] == ["approved", "superseded", "rejected"]
    with pytest.raises(UnknownRecord):
        book.approve(99, by="chief")


def test_of_two_approvals_at_once_one_wins(book: ImportBook) -> None:
    staged = book.stage("main", [make_row(f"{n:03}ABC02") for n in range(200)], SOURCE, by="clerk")
    gate = threading.Barrier(3)
    done: list[StoredImport] = []
    refused: list[str] = []

    def approve(name: str) -> None:
        gate.wait()
        try:
            done.append(book.approve(staged.import_id, by=name))
        except IllegalMove as error:
            refused.append(str(error))

    threads = [threading.Thread(target=approve, args=[f"chief-{n}"]) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = done
    assert winner.added == 200
    assert refused == [f"import {staged.import_id} was approved already by {winner.decided_by}"] * 2


def test_the_previous_version_comes_back(book: ImportBook, database: Database) -> None:
    with pytest.raises(IllegalMove, match="no approved import"):
        book.restore("main", by="clerk")
    first = book.bring(
        "main", [make_row("123ABC02"), make_row("777AAA01", note="one")], by="clerk", approved_by="chief"
    )
    wrong = [make_row("777AAA01", note="two"), make_row("888AAA08")]
    book.bring("main", wrong, by="clerk", approved_by="chief", kind=ImportKind.FULL)
    assert matched(database) == ["777AAA01", "888AAA08"]
    staged = book.restore("main", by="clerk")
    assert (staged.kind, staged.added, staged.changed, staged.withdrawn) == ("restore", 0, 2, 1)
    with pytest.raises(SamePerson):
        book.approve(staged.import_id, by="clerk")
    book.approve(staged.import_id, by="chief")
    assert matched(database) == ["123ABC02", "777AAA01"]
    entries = EntryBook(database)
    assert entries.get("e-777AAA01").note == "one"
    assert [one["state"] for one in entries.history("e-123ABC02")] == ["live", "withdrawn", "live"]
    with pytest.raises(IllegalMove, match="no imported entry"):
        book.restore("main", by="clerk", version=(first.version or 0) - 1)


def test_an_entry_that_is_listed_again_gets_a_new_beginning(book: ImportBook, database: Database) -> None:
    row = make_row(since_days=-3000, days=9)
    book.bring("main", [row], by="clerk", approved_by="chief")
    entries = EntryBook(database)
    entries.withdraw("e-123ABC02", by="chief")
    later = replace(row, valid_from=datetime.now(UTC) - timedelta(days=1))
    book.bring("main", [later], by="clerk", approved_by="chief")
    entry = entries.get("e-123ABC02")
    assert (entry.state, entry.valid_from, entry.withdrawn_by) == ("live", later.valid_from, None)


@pytest.mark.parametrize("killed_in", ["stage", "approve"])
def test_a_connection_that_dies_in_mid_import_leaves_nothing_half_done(
    killed_in: str, book: ImportBook, database: Database
) -> None:
    book.bring("main", [make_row("123ABC02", note="old")], by="clerk", approved_by="chief")

    def rows() -> Iterator[EntryRow]:
        yield make_row("123ABC02", note="new")
        for number in range(30_000):
            yield make_row(f"{number:06}AA")
            if killed_in == "stage" and number == 20_000:
                assert _kill_others(database)

    if killed_in == "stage":
        with pytest.raises(DatabaseAway):
            book.stage("main", rows(), SOURCE, by="clerk", kind=ImportKind.FULL)
    else:
        staged = book.stage("main", rows(), SOURCE, by="clerk", kind=ImportKind.FULL)
        _kill_while(database, lambda: book.approve(staged.import_id, by="chief"))
        assert book.get(staged.import_id).state == "pending"
    assert matched(database) == ["123ABC02"]
    assert EntryBook(database).get("e-123ABC02").note == "old"
    again = book.stage("main", rows() if killed_in == "approve" else [make_row()], SOURCE, by="clerk")
    assert again.state == "pending"
    assert staged_tables(database) == (2 if killed_in == "approve" else 1)


def test_a_server_killed_in_mid_import_comes_back_with_the_list_as_it_was(own_postgres: EmbeddedPostgres) -> None:
    def rows() -> Iterator[EntryRow]:
        for number in range(20_000):
            if number == 10_000:
                crash(own_postgres)
            yield make_row(f"{number:06}AA")

    with Database(own_postgres.dsn) as database:
        database.migrate()
        book = ImportBook(database)
        book.bring("main", [make_row("123ABC02")], by="clerk", approved_by="chief")
        waiting = book.stage("main", [make_row("777AAA01")], SOURCE, by="clerk")
        with pytest.raises(DatabaseAway):
            book.stage("main", rows(), SOURCE, by="clerk")
        own_postgres.start()
        assert matched(database) == ["123ABC02"]
        assert staged_tables(database) == 1, "what waits for approval waits on"
        assert [one.state for one in book.list("main")] == ["pending", "approved"]
        book.approve(waiting.import_id, by="chief")
        assert matched(database) == ["123ABC02", "777AAA01"]


def _kill_while(database: Database, work: object) -> None:
    """Run ``work`` in a thread and cut its connection once it holds the counter of versions."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()  # type: ignore[operator]
        except DatabaseAway as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while thread.is_alive() and not failed:
        assert time.monotonic() < deadline
        if _kill_others(database, "AND query LIKE '%%INSERT INTO entries%%' AND state = 'active'"):
            break
        time.sleep(0.005)
    thread.join(60)
    assert failed


def _kill_others(database: Database, which: str = "AND query LIKE 'COPY%%'") -> int:
    with database.connect(autocommit=True) as connection:
        return connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608 - the test's own words
            f"WHERE datname = current_database() AND pid <> pg_backend_pid() {which}"
        ).rowcount

"""An entry's life: two people make it live, nothing makes it live again, and all of it is remembered."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from storage.database import Database
from storage.errors import DatabaseRefused
from storage.hotlists.categories import Category, CategoryBook
from storage.hotlists.entries import EntryBook, StoredEntry
from storage.hotlists.errors import BadEntry, HotlistRefused, IllegalMove, SamePerson, UnknownRecord
from storage.hotlists.life import EntryState, Move, after
from storage.hotlists.lists import HotlistBook
from tests.fixtures.entries import make_row

LEGAL = {
    (EntryState.DRAFT, Move.APPROVE),
    (EntryState.DRAFT, Move.WITHDRAW),
    (EntryState.APPROVED, Move.BEGIN),
    (EntryState.APPROVED, Move.EXPIRE),
    (EntryState.APPROVED, Move.WITHDRAW),
    (EntryState.LIVE, Move.EXPIRE),
    (EntryState.LIVE, Move.WITHDRAW),
}


@pytest.fixture
def book(database: Database) -> EntryBook:
    HotlistBook(database).make("main", by="clerk", owner="police", purpose="stolen vehicles")
    return EntryBook(database)


@pytest.mark.parametrize(("state", "move"), list(product(EntryState, Move)))
def test_every_move_is_legal_or_says_why_not(state: EntryState, move: Move) -> None:
    if (state, move) in LEGAL:
        assert after(state, move, entry_id="e") is not state
    else:
        with pytest.raises(IllegalMove, match=r"entry e (is|was|has) .*"):
            after(state, move, entry_id="e")


def test_a_second_person_makes_it_live_and_all_is_remembered(book: EntryBook) -> None:
    draft = book.draft("main", make_row(instructions="stop", risk="armed", regions=("almaty",)), by="clerk")
    assert (draft.state, draft.approved_by, draft.instructions, draft.regions) == ("draft", None, "stop", ["almaty"])
    with pytest.raises(SamePerson, match="clerk"):
        book.approve("e-123ABC02", by="clerk")
    live = book.approve("e-123ABC02", by="chief")
    assert (live.state, live.approved_by) == ("live", "chief")
    assert live.live_since is not None
    gone = book.withdraw("e-123ABC02", by="chief", because="found")
    assert (gone.state, gone.withdrawn_by, gone.withdrawn_because) == ("withdrawn", "chief", "found")
    told = [(one["state"], one["changed_by"]) for one in book.history("e-123ABC02")]
    assert told == [("draft", "clerk"), ("live", "chief"), ("withdrawn", "chief")]
    for again in (book.approve, book.withdraw):
        with pytest.raises(IllegalMove, match="withdrawn"):
            again("e-123ABC02", by="other")


def test_of_two_approvals_at_once_one_wins_and_the_other_is_told_who(book: EntryBook) -> None:
    book.draft("main", make_row(), by="clerk")
    gate = threading.Barrier(6)
    done: list[StoredEntry] = []
    refused: list[str] = []

    def approve(name: str) -> None:
        gate.wait()
        try:
            done.append(book.approve("e-123ABC02", by=name))
        except IllegalMove as error:
            refused.append(str(error))

    threads = [threading.Thread(target=approve, args=[f"chief-{n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = done
    assert len(refused) == 5
    assert all(f"approved already by {winner.approved_by}" in why for why in refused)
    assert [one["state"] for one in book.history("e-123ABC02")] == ["draft", "live"]


def test_the_database_itself_wants_two_people_and_legal_moves(book: EntryBook, database: Database) -> None:
    book.draft("main", make_row(), by="clerk")
    statements = [
        "UPDATE entries SET state = 'live'",
        "UPDATE entries SET state = 'live', approved_by = 'clerk'",
        "UPDATE entries SET state = 'expired'",
        "UPDATE entries SET valid_until = now() + interval '20 years'",
        "UPDATE entries SET category = 'rumour'",
        "DELETE FROM entries",
        "UPDATE entry_history SET version = 0",
        "DELETE FROM entry_history",
        "DELETE FROM hotlist_history",
    ]
    for statement in statements:
        with pytest.raises(DatabaseRefused), database.transaction() as connection:
            connection.execute(statement)
    book.approve("e-123ABC02", by="chief")
    with pytest.raises(DatabaseRefused, match="can not become draft"), database.transaction() as connection:
        connection.execute("UPDATE entries SET state = 'draft'")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"legal_basis": ""}, "legal_basis: empty"),
        ({"authority": ""}, "authority: empty"),
        ({"owner": ""}, "owner: empty"),
        ({"category": "rumour"}, "category: 'rumour' is not in the set; take one of: .*stolen"),
        ({"days": -0.5}, "valid_until: it ended"),
        ({"days": 2000}, "valid_until: .*stolen lasts at most 1827 days; end it by"),
        ({"plate": "A?"}, "plate: partial plate"),
        ({"plate": "ЖЖЖ"}, "plate: .*Latin"),
    ],
)
def test_an_entry_that_can_not_stand_is_refused_with_the_field(
    book: EntryBook, given: dict[str, object], says: str
) -> None:
    with pytest.raises(BadEntry, match=says):
        book.draft("main", make_row(**given), by="clerk")  # type: ignore[arg-type]
    assert book.list("main") == []


def test_names_and_lists_are_required(book: EntryBook) -> None:
    with pytest.raises(BadEntry, match="by: empty"):
        book.draft("main", make_row(), by=" ")
    with pytest.raises(UnknownRecord, match="no hotlist other"):
        book.draft("other", make_row(), by="clerk")
    with pytest.raises(UnknownRecord):
        book.approve("nothing", by="chief")
    book.draft("main", make_row(), by="clerk")
    with pytest.raises(IllegalMove, match="taken"):
        book.draft("main", make_row(), by="clerk")


def test_time_begins_and_ends_entries(book: EntryBook) -> None:
    now = datetime.now(UTC)
    book.draft("main", make_row("123ABC02", since_days=1), by="clerk")
    book.draft("main", make_row("777AAA01", days=2), by="clerk")
    assert book.approve("e-123ABC02", by="chief").state == "approved"
    assert book.approve("e-777AAA01", by="chief").state == "live"
    assert book.turn() == 0
    assert book.turn(now=now + timedelta(days=1, seconds=5)) == 1
    assert book.get("e-123ABC02").state == "live"
    assert book.turn(now=now + timedelta(days=3)) == 1
    assert [one["state"] for one in book.history("e-777AAA01")] == ["draft", "live", "expired"]
    with pytest.raises(IllegalMove, match="expired"):
        book.withdraw("e-777AAA01", by="chief")


def test_a_draft_whose_end_has_passed_is_not_approved(book: EntryBook) -> None:
    book.draft("main", make_row(days=1), by="clerk")
    with pytest.raises(IllegalMove, match="has passed"):
        book.approve("e-123ABC02", by="chief", now=datetime.now(UTC) + timedelta(days=2))


def test_the_set_of_categories_is_closed_and_can_be_changed(book: EntryBook, database: Database) -> None:
    categories = CategoryBook(database)
    assert next(iter(categories.all().values())).priority == 1
    assert len(categories.all()) == 7
    book.draft("main", make_row(), by="clerk")
    categories.set([Category("smuggled", 2, "#123456", 30, {"ru": "Контрабанда"})])
    known = categories.all()
    assert [name for name, one in known.items() if not one.retired] == ["smuggled"]
    book.draft("main", make_row("777AAA01", category="smuggled"), by="clerk")
    with pytest.raises(BadEntry, match="'stolen' is not in the set"):
        book.draft("main", make_row("777AAA02"), by="clerk")
    assert book.approve("e-123ABC02", by="chief").state == "live"  # what was entered before lives to its end


def test_a_list_is_suspended_with_a_reason_and_resumed(book: EntryBook, database: Database) -> None:
    lists = HotlistBook(database)
    book.draft("main", make_row(), by="clerk")
    book.approve("e-123ABC02", by="chief")
    assert (lists.get("main").live, lists.get("main").drafts) == (1, 0)
    with pytest.raises(BadEntry, match="because"):
        lists.suspend("main", by="chief", because=" ")
    assert lists.suspend("main", by="chief", because="a wrong file").live == 0
    with pytest.raises(IllegalMove, match="suspended already"):
        lists.suspend("main", by="other", because="again")
    assert lists.resume("main", by="chief").live == 1
    with pytest.raises(IllegalMove, match="not suspended"):
        lists.resume("main", by="chief")
    told = [(one["suspended"], one["changed_by"]) for one in lists.history("main")]
    assert told == [(False, "clerk"), (True, "chief"), (False, "chief")]
    with pytest.raises(IllegalMove, match="there already"):
        lists.make("main", by="clerk", owner="x", purpose="y")
    with pytest.raises(HotlistRefused, match="purpose"):
        lists.make("second", by="clerk", owner="x", purpose="")


def test_entries_are_listed_page_by_page(book: EntryBook) -> None:
    for number in range(5):
        book.draft("main", make_row(f"12{number}ABC02"), by="clerk")
    book.approve("e-122ABC02", by="chief")
    first = book.list("main", limit=2)
    rest = book.list("main", after=first[-1].entry_id)
    assert [one.plate for one in first + rest] == [f"12{number}ABC02" for number in range(5)]
    assert [one.plate for one in book.list("main", state=EntryState.LIVE)] == ["122ABC02"]

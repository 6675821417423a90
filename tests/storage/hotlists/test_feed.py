"""What matchers follow: changes in commit order, suspensions, regions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from storage.database import Database
from storage.hotlists.entries import EntryBook
from storage.hotlists.feed import EntryFeed
from storage.hotlists.import_records import ImportKind
from storage.hotlists.imports import ImportBook
from storage.hotlists.lists import HotlistBook
from tests.fixtures.entries import make_row


def test_an_import_is_followed_by_changes(database: Database) -> None:
    imports, feed = ImportBook(database), EntryFeed(database)
    imports.bring("main", [make_row("123ABC02"), make_row("777AAA01")], by="clerk", approved_by="chief")
    loaded = feed.live()
    assert {entry.entry_id for entry in loaded.entries} == {"e-123ABC02", "e-777AAA01"}
    rows = [make_row("123ABC02"), make_row("888AAA08")]
    imports.bring("main", rows, by="clerk", approved_by="chief", kind=ImportKind.FULL)
    changes = feed.changes(loaded.position)
    assert sorted(entry.plate for entry in changes.entries) == ["123ABC02", "888AAA08"]
    assert changes.gone == ("e-777AAA01",)
    assert feed.changes(changes.position).entries == ()


def test_a_suspended_list_goes_and_comes_as_a_whole(database: Database) -> None:
    ImportBook(database).bring("main", [make_row()], by="clerk", approved_by="chief")
    ImportBook(database).bring("other", [make_row("777AAA01")], by="clerk", approved_by="chief")
    feed, lists = EntryFeed(database), HotlistBook(database)
    before = feed.live().position
    lists.suspend("main", by="chief", because="wrong")
    gone = feed.changes(before)
    assert (gone.gone, gone.entries) == (("e-123ABC02",), ())
    assert [entry.plate for entry in feed.live().entries] == ["777AAA01"]
    lists.resume("main", by="chief")
    back = feed.changes(gone.position)
    assert ([entry.plate for entry in back.entries], back.gone) == (["123ABC02"], ())


def test_entries_of_other_regions_do_not_come(database: Database) -> None:
    rows = [make_row("123ABC02", regions=("almaty", "astana")), make_row("777AAA01")]
    ImportBook(database).bring("main", rows, by="clerk", approved_by="chief")
    seen = {name: EntryFeed(database, region=name).live().entries for name in ("almaty", "shymkent", None)}
    assert [len(entries) for entries in seen.values()] == [2, 1, 2]


def test_drafts_ends_and_beginnings(database: Database) -> None:
    entries, feed = EntryBook(database), EntryFeed(database)
    HotlistBook(database).make("main", by="clerk", owner="police", purpose="stolen vehicles")
    entries.draft("main", make_row("123ABC02", days=1), by="clerk")
    entries.draft("main", make_row("777AAA01", since_days=2), by="clerk")
    assert feed.live().entries == ()
    for plate in ("123ABC02", "777AAA01"):
        entries.approve(f"e-{plate}", by="chief")
    assert {entry.plate for entry in feed.live().entries} == {"123ABC02", "777AAA01"}  # its beginning is told with it
    assert [entry.plate for entry in feed.live(now=datetime.now(UTC) + timedelta(days=1.5)).entries] == ["777AAA01"]


def test_a_list_is_suspended_while_an_import_is_being_taken_in(database: Database) -> None:
    imports, lists = ImportBook(database), HotlistBook(database)
    imports.bring("main", [make_row()], by="clerk", approved_by="chief")
    feed = EntryFeed(database)
    before = feed.live().position
    held, release = threading.Event(), threading.Event()

    def hold_the_counter() -> None:
        with database.transaction() as connection:
            connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'entries'")
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold_the_counter)
    thread.start()
    assert held.wait(20)
    lists.suspend("main", by="chief", because="wrong")
    assert feed.changes(before).gone == ("e-123ABC02",)
    release.set()
    thread.join()


def test_a_listener_wakes_on_a_change(database: Database) -> None:
    feed = EntryFeed(database)
    with feed.listen() as listener:
        listener.start()
        ImportBook(database).bring("main", [make_row()], by="clerk", approved_by="chief")
        assert listener.wait(60)
        HotlistBook(database).suspend("main", by="chief", because="wrong")
        assert listener.wait(60)

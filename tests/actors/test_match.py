"""The matcher follows the list in the database within two seconds, and goes on without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from actors.match import Matcher, MatchOptions
from actors.peers import PeerAway, Sighting
from index.confusion import Confusion
from index.entry import HitKind
from index.traffic import Traffic
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.hotlists.entries import EntryBook
from storage.hotlists.imports import ImportBook
from storage.hotlists.lists import HotlistBook
from storage.hotlists.rows import EntryRow
from tests.fixtures.entries import make_row
from tests.fixtures.records import posterior_of

PROMISED_S = 2.0
"""A change of the list is matched by then; what is no such change may take longer on a busy machine."""
PATIENCE_S = 30.0


def row(plate: str, *, until: timedelta = timedelta(days=1)) -> EntryRow:
    now = datetime.now(UTC)
    return EntryRow(f"e-{plate}", plate, "stolen", "K-1", "me", now - timedelta(days=1), now + until)


def sees(matcher: Matcher, plate: str, at: datetime | None = None) -> bool:
    (met,) = matcher.match([Sighting(posterior_of(plate).log_probs, at or datetime.now(UTC))])
    return [match.entry.plate for match in met] == [plate]


def within(what: Callable[[], bool], limit_s: float = PROMISED_S) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_entry_matches_within_two_seconds_and_stops_as_fast(database: Database) -> None:
    imports = ImportBook(database)
    imports.bring("l", [row("123ABC02")], by="t", approved_by="u")
    matcher = Matcher(database)
    assert sees(matcher, "123ABC02")
    imports.bring("l", [row("777KZA05")], by="t", approved_by="u")
    within(lambda: sees(matcher, "777KZA05"))
    EntryBook(database).withdraw("e-123ABC02", by="t")
    within(lambda: not sees(matcher, "123ABC02"))
    HotlistBook(database).suspend("l", by="t", because="wrong list")
    within(lambda: not sees(matcher, "777KZA05"))
    matcher.close()


def test_one_unusable_entry_does_not_stop_the_list(database: Database) -> None:
    with database.transaction() as connection:  # as a newer database might allow
        connection.execute("ALTER TABLE entries DROP CONSTRAINT entries_plate_check")
    ImportBook(database).bring("l", [row("??"), row("123ABC02")], by="t", approved_by="u")
    matcher = Matcher(database)
    assert sees(matcher, "123ABC02")
    assert matcher.stats()["unusable"] == 1
    matcher.close()


def test_an_entry_ends_on_time_and_the_list_is_known_while_postgres_is_away(own_postgres: EmbeddedPostgres) -> None:
    with Database(own_postgres.dsn) as database:
        database.migrate()
        rows = [row("123ABC02"), row("777KZA05", until=timedelta(minutes=30))]
        ImportBook(database).bring("l", rows, by="t", approved_by="u")
        matcher = Matcher(database)
        assert sees(matcher, "777KZA05")
        own_postgres.stop()
        assert sees(matcher, "777KZA05", rows[1].valid_until - timedelta(seconds=1))
        assert sees(matcher, "777KZA05", rows[1].valid_until + timedelta(days=1)), "a clock that runs ahead"
        assert not sees(matcher, "777KZA05", rows[1].valid_until)
        assert sees(matcher, "123ABC02", rows[1].valid_until)
        matcher.close()


def test_without_a_list_it_says_so_rather_than_no_hit() -> None:
    matcher = Matcher(Database("postgresql://nobody@127.0.0.1:1/x"))
    with pytest.raises(PeerAway, match="not loaded"):
        matcher.match([Sighting(posterior_of("123ABC02").log_probs, datetime.now(UTC))], wait_s=0.2)
    matcher.close()


def test_from_draft_to_live_to_withdrawn_each_within_two_seconds(database: Database) -> None:
    HotlistBook(database).make("main", by="clerk", owner="police", purpose="stolen vehicles")
    entries = EntryBook(database)
    matcher = Matcher(database, region="almaty")
    entries.draft("main", make_row("123ABC02", regions=("almaty",)), by="clerk")
    entries.draft("main", make_row("777KZA05", regions=("astana",)), by="clerk")
    entries.approve("e-777KZA05", by="chief")
    assert not sees(matcher, "123ABC02")
    entries.approve("e-123ABC02", by="chief")
    within(lambda: sees(matcher, "123ABC02"))
    assert not sees(matcher, "777KZA05")  # another region's
    HotlistBook(database).suspend("main", by="chief", because="wrong")
    within(lambda: not sees(matcher, "123ABC02"))
    HotlistBook(database).resume("main", by="chief")
    within(lambda: sees(matcher, "123ABC02"))
    entries.withdraw("e-123ABC02", by="chief")
    within(lambda: not sees(matcher, "123ABC02"))
    matcher.close()


def test_a_large_list_that_is_suspended_stops_at_once_and_a_large_import_is_built_beside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.match._ANEW", 3_000)
    monkeypatch.setattr("actors.match._AT_ONCE", 500)
    imports, lists = ImportBook(database), HotlistBook(database)
    imports.bring("small", [make_row("777KZA05")], by="t", approved_by="u")
    matcher = Matcher(database)
    assert sees(matcher, "777KZA05")
    rows = [make_row(f"{n:04}AA02") for n in range(4_000)]
    imports.bring("large", rows, by="t", approved_by="u")
    within(lambda: sees(matcher, "0007AA02"), PATIENCE_S)
    lists.suspend("large", by="u", because="wrong")
    within(lambda: not sees(matcher, "0007AA02"))
    within(lambda: matcher.stats()["entries"] == 1, PATIENCE_S)
    assert sees(matcher, "777KZA05")
    matcher.close()


def test_the_threshold_follows_the_list_and_the_false_alerts_allowed(database: Database) -> None:
    book = ImportBook(database)
    book.bring("l", [row("123ABC02")], by="t", approved_by="u")
    patient = Matcher(database, options=MatchOptions(Traffic(fleet=100, false_alerts_per_camera_day=100)))
    strict = Matcher(database, options=MatchOptions(Traffic(fleet=100, false_alerts_per_camera_day=1)))
    given = Matcher(database, options=MatchOptions(threshold=0.2))
    try:
        assert sees(patient, "123ABC02")
        assert sees(given, "123ABC02")
        within(lambda: strict.stats()["entries"] == 1, PATIENCE_S)
        before = strict.stats()["threshold"]
        assert patient.stats()["threshold"] == 0.5 < before
        assert given.stats()["threshold"] == 0.2
        book.bring("l", [row(f"{n:03d}KZA05") for n in range(20)], by="t", approved_by="u")
        within(lambda: strict.stats()["entries"] == 21, PATIENCE_S)
        assert strict.stats()["threshold"] > before
    finally:
        for matcher in (patient, strict, given):
            matcher.close()


def test_what_was_learned_of_the_reader_makes_a_probable_hit(database: Database) -> None:
    ImportBook(database).bring("l", [row("123ABC03")], by="t", approved_by="u")
    given = Confusion.even(1e-6).given.copy()
    given[8, [8, 3]] = 0.7, 0.3
    learned = replace(Confusion.even(1e-6), given=given / given.sum(axis=1, keepdims=True))
    for confusion, kinds in ((None, []), (learned, [HitKind.PROBABLE])):
        matcher = Matcher(database, confusion=confusion)
        read = Sighting(posterior_of("123ABC08", 0.9999).log_probs, datetime.now(UTC), 0.9)
        assert [match.kind for match in matcher.match([read])[0]] == kinds
        matcher.close()

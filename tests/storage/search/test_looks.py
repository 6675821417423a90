"""What is found by a vehicle's looks, how it is ranked together with its plate, and that looks go with their reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from index.appearance import DIMENSIONS, pack_appearance
from index.read import PlateRead
from storage.database import Database
from storage.hits import HitBook
from storage.reads import ReadLog
from storage.search.errors import QueryRefused
from storage.search.looks import LooksIndex
from storage.search.query import Photo, Place, Query
from storage.search.searcher import Searcher
from storage.search.sighting import Sighting
from storage.search.weighing import weigh
from tests.fixtures.records import NOON, make_match, posterior_of
from tests.fixtures.traffic import passed, put_cameras, put_reads

LATER = NOON + timedelta(hours=6)
SHA = "0" * 64


def look(seed: int, like: NDArray[np.float32] | None = None, share: float = 0.0) -> NDArray[np.float32]:
    """A look; one of cosine ``share`` with ``like``."""
    drawn = np.random.default_rng(seed).standard_normal(DIMENSIONS)
    if like is not None:
        drawn -= (drawn @ like) * like
        drawn = share * like + np.sqrt(1 - share**2) * drawn / np.linalg.norm(drawn)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


SOUGHT = look(0)


def looking(read: PlateRead, vector: NDArray[np.float32]) -> PlateRead:
    return replace(read, appearance=pack_appearance(vector))


def ask(searcher: Searcher, query: Query, limit: int = 50, budget_s: float = 20.0) -> list[Sighting]:
    """The whole answer, page by page."""
    found, cursor = list[Sighting](), None
    for _ in range(200):
        page = searcher.page(query, limit=limit, cursor=cursor, budget_s=budget_s, now=LATER)
        found += page.sightings
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the answer does not end")


def passes(sightings: list[Sighting]) -> list[str]:
    return [sighting.pass_id for sighting in sightings]


def by_looks(**query: object) -> Query:
    return Query(photo=Photo(SHA, looks=SOUGHT, colour="white"), least=0.0, **query)  # type: ignore[arg-type]


def test_the_most_alike_come_first_from_reads_and_hits(database: Database) -> None:
    shares = (0.95, 0.99, 0.9, 0.97)
    reads = [looking(passed(f"{n}AAA01", 40 * n), look(n + 1, SOUGHT, share)) for n, share in enumerate(shares)]
    others = [looking(passed(f"1{n:02}BBB01", n, "abai-2"), look(n + 50)) for n in range(90)]
    put_reads(database, [*reads, *others, passed("777XYZ01", 3, "far")])
    old = looking(replace(passed("888AAA02", 0), seen_at=NOON - timedelta(days=30), pass_id="old"), SOUGHT)
    HitBook(database).record(old, make_match("e1"), same_alert_within_s=0)
    HitBook(database).record(old, make_match("e2"), same_alert_within_s=0)
    HitBook(database).record(reads[1], make_match("e1"), same_alert_within_s=0)
    searcher = Searcher(database)
    for _ in range(2):  # from the database, then from memory
        found = ask(searcher, by_looks())
        assert passes(found)[:5] == ["old", "abai-1@40", "abai-1@120", "abai-1@0", "abai-1@80"]
        assert len(found) == 95
    assert found[1].why.appearance == pytest.approx(0.99, abs=0.01)
    assert (found[1].why.plate, found[1].why.same_colour, len(found[1].hits)) == (None, True, 1)
    assert passes(ask(searcher, by_looks(hits_only=True))) == ["old", "abai-1@40"]
    assert passes(ask(searcher, replace(by_looks(), least=0.05))) == passes(found)[:5]
    searcher.close()


def test_looks_are_sought_where_when_and_among_what_was_asked(database: Database) -> None:
    put_cameras(database)
    near = [
        passed("1AAA01", 5, "abai-1"),
        passed("2AAA01", 15, "abai-2", kind="truck"),
        passed("3AAA01", 25, "dostyk-1", colour="red"),
        passed("4AAA01", 100, "far", colour=None),
    ]
    put_reads(database, [looking(read, look(n + 1, SOUGHT, 0.95)) for n, read in enumerate(near)])
    HitBook(database).record(looking(near[2], SOUGHT), make_match(), same_alert_within_s=0)
    searcher = Searcher(database)
    for query, minutes in (
        (by_looks(place=Place(road="abai")), {5, 15}),
        (by_looks(vehicle_types=("truck", "bus")), {15}),
        (by_looks(colours=("red",)), {25}),
        (by_looks(since=NOON + timedelta(minutes=15), until=NOON + timedelta(minutes=100)), {15, 25}),
        (by_looks(place=Place(cameras=("far",)), colours=("red",)), set()),
    ):
        assert {float(one.split("@")[1]) for one in passes(ask(searcher, query))} == minutes
    searcher.close()


def test_plate_and_looks_are_weighed_together(database: Database) -> None:
    reads = [
        looking(passed("123ABC02", 1), look(1, SOUGHT, 0.97)),
        looking(passed("123ABC02", 2), look(2)),
        looking(passed("777XYZ01", 3), look(3, SOUGHT, 0.97)),
        passed("123ABC02", 4),
        passed("123ABC02", 5, colour="red"),
        looking(passed("555XYZ01", 6), look(4)),
    ]
    put_reads(database, reads)
    photo = Photo(SHA, reading=posterior_of("123ABC02"), looks=SOUGHT, colour="white")
    searcher = Searcher(database)
    found = ask(searcher, Query(photo=photo), limit=2)
    assert passes(found) == ["abai-1@1", "abai-1@4", "abai-1@2", "abai-1@5", "abai-1@3"]
    scores = [one.score or 0.0 for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.97
    assert (found[4].why.plate or 0.0) < 0.01 < 0.9 < (found[4].why.appearance or 0.0)
    assert found[1].why.appearance is None
    assert [one.why.same_colour for one in found] == [True, True, True, False, True]
    searcher.close()


def test_pages_of_looks_neither_lose_nor_double_and_a_page_says_how_far_it_came(database: Database) -> None:
    reads = [looking(passed(f"{n}AAA01", 7 * n, f"c{n % 3}"), look(n, SOUGHT, 0.5)) for n in range(1, 40)]
    put_reads(database, reads)
    for read in reads[::5]:
        HitBook(database).record(read, make_match(), same_alert_within_s=0)
    searcher = Searcher(database)
    for limit, budget_s in ((3, 20.0), (50, 0.0), (1, 0.0)):
        found = ask(searcher, by_looks(), limit, budget_s)
        assert sorted(passes(found)) == sorted(read.pass_id for read in reads)
    first = searcher.page(by_looks(), limit=50, budget_s=0.0, now=LATER)
    assert first.next is not None
    assert first.searched_since == NOON + timedelta(minutes=280)  # of the hits' day; none of the reads yet
    assert first.sightings == ()
    searcher.close()


def test_what_comes_in_later_is_found_too(database: Database) -> None:
    searcher = Searcher(database)
    put_reads(database, [looking(passed("1AAA01", 3), SOUGHT)])
    assert passes(ask(searcher, by_looks())) == ["abai-1@3"]
    put_reads(database, [looking(passed("2AAA01", 2), SOUGHT), looking(passed("3AAA01", 61), SOUGHT)])
    assert passes(ask(searcher, by_looks())) == ["abai-1@61", "abai-1@3", "abai-1@2"]
    early = looking(replace(passed("4AAA01", 62), closed=False), SOUGHT)
    HitBook(database).record(replace(early, appearance=None), make_match(), same_alert_within_s=0)
    assert passes(ask(searcher, by_looks(hits_only=True))) == []
    HitBook(database).record(replace(early, closed=True), make_match(), same_alert_within_s=0)
    assert passes(ask(searcher, by_looks(hits_only=True))) == ["abai-1@62"]
    searcher.close()


def test_a_look_goes_with_its_read_from_the_database_and_from_memory(database: Database) -> None:
    log = ReadLog(database, retention_hours=1)
    log.write([looking(passed(f"{n}AAA01", n), look(n, SOUGHT, 0.9)) for n in (5, 65)], now=NOON + timedelta(hours=1))
    hit = looking(passed("9AAA01", 6), SOUGHT)
    log.write([hit], now=NOON + timedelta(hours=1))
    HitBook(database).record(hit, make_match(), same_alert_within_s=0)
    index = LooksIndex(database)

    def found() -> set[str]:
        with database.transaction() as connection:
            alike = index.search(connection, Query(), SOUGHT, None, NOON - timedelta(days=1), LATER, 10, 5.0)
        return {f"{at:%H:%M}" for at, _ in alike.likeness}

    assert found() == {"12:05", "12:06", "13:05"}
    held = index.nbytes
    dropped = log.maintain(now=NOON + timedelta(hours=2, minutes=1)).dropped
    assert dropped == ("reads_2026112312",)
    with database.transaction() as connection:
        assert connection.execute("SELECT to_regclass('appearances_2026112312')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM appearances").fetchone() == (1,)
    index.forget()
    assert 0 < index.nbytes < held
    assert found() == {"12:06", "13:05"}  # the hit keeps its own
    index.close()
    assert index.nbytes == 0


def test_memory_is_bounded_and_the_newest_stay(database: Database) -> None:
    put_reads(database, [looking(passed(f"{n}AAA01", 10 * n), look(n)) for n in range(12)])
    index = LooksIndex(database, most_bytes=1500)
    for _ in range(2):
        with database.transaction() as connection:
            alike = index.search(connection, Query(), SOUGHT, None, NOON, LATER, 50, 5.0)
        assert len(alike.likeness) == 12
        assert 0 < index.nbytes <= 1500
    index.close()


def test_looks_support_a_plate_and_never_make_certain_alone() -> None:
    assert weigh(None, 1.0, None) < 0.5
    assert weigh(0.9, 0.95, None) > 0.9 > weigh(0.9, 0.5, None) > 0.8
    assert weigh(0.9, None, None) == pytest.approx(0.9)
    assert weigh(0.0, 1.0, None) < weigh(None, 1.0, None)
    assert weigh(None, None, True) > weigh(None, None, None) > weigh(None, None, False)
    grid = [weigh(plate, looks, None) for plate in (0.0, 0.3, 1.0) for looks in np.linspace(-1, 1, 9)]
    assert all(0 < score < 1 for score in grid)


def test_a_photo_that_shows_nothing_is_no_question() -> None:
    with pytest.raises(QueryRefused, match="neither"):
        Photo(SHA)
    with pytest.raises(QueryRefused, match="leave this one out"):
        Query("123ABC02", photo=Photo(SHA, looks=SOUGHT))

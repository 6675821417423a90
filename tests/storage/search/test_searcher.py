"""What a search finds, in which order, page by page."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import timedelta

import pytest

from index.read import PlateRead
from storage.database import Database
from storage.search.cursor import Cursor
from storage.search.errors import QueryRefused
from storage.search.query import Photo, Place, Query, plate_of, polygons_of
from storage.search.searcher import Searcher
from storage.search.sighting import Sighting
from tests.fixtures.drawn_alerts import uncertain
from tests.fixtures.records import NOON, make_read
from tests.fixtures.traffic import passed, put_cameras, put_hit, put_reads

LATER = NOON + timedelta(hours=6)


def ask(database: Database, query: Query, limit: int = 50) -> list[Sighting]:
    """The whole answer, page by page."""
    searcher, found, cursor = Searcher(database), list[Sighting](), None
    for _ in range(200):
        page = searcher.page(query, limit=limit, cursor=cursor, now=LATER)
        found += page.sightings
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the answer does not end")


def passes(sightings: Iterable[Sighting]) -> list[str]:
    return [sighting.pass_id for sighting in sightings]


def test_a_plate_is_found_newest_first_with_its_camera_and_its_hits(database: Database) -> None:
    put_cameras(database)
    put_reads(database, [passed("123ABC02", 1), passed("123ABC02", 95, "abai-2"), passed("777XYZ01", 50)])
    hit = passed("123ABC02", 200, "dostyk-1")
    put_reads(database, [hit])
    put_hit(database, hit, "e1")
    put_hit(database, hit, "e2")
    found = ask(database, Query("123ABC02"))
    assert passes(found) == ["dostyk-1@200", "abai-2@95", "abai-1@1"]
    assert [sorted(one.entry_id for one in sighting.hits) for sighting in found] == [["e1", "e2"], [], []]
    assert (found[1].camera_name, found[1].longitude, found[1].vehicle_colour) == ("Abai 2", 76.95, "white")
    assert passes(ask(database, Query("123ABC02", hits_only=True))) == ["dostyk-1@200"]


def test_a_hit_outlives_its_read(database: Database) -> None:
    old = make_read("gone", "p", seen_at=NOON - timedelta(days=40))
    put_hit(database, old)
    put_reads(database, [passed("123ABC02", 1)])
    found = ask(database, Query("123ABC02"))
    assert passes(found) == ["abai-1@1", "p"]
    assert found[1].camera_name == "gone"
    assert passes(ask(database, Query("123ABC02", since=NOON))) == ["abai-1@1"]


TEXTS = ("123ABC02", "124ABC02", "123ABD02", "A123BCD", "123ABC01", "777ABC02", "12ABC302", "900KK05")


PARTIAL = (
    ("123ABC02", {"123ABC02"}),
    ("123ABC0?", {"123ABC02", "123ABC01"}),
    ("12?ABC02", {"123ABC02", "124ABC02"}),
    ("123*", {"123ABC02", "123ABD02", "123ABC01"}),
    ("*ABC02", {"123ABC02", "124ABC02", "777ABC02"}),
    ("?23ABC02", {"123ABC02"}),
    ("*ABC*", {"123ABC02", "124ABC02", "123ABC01", "777ABC02", "12ABC302"}),
    ("123A?C02", {"123ABC02"}),
    ("123?BC0?", {"123ABC02", "123ABC01"}),
    ("123*02", {"123ABC02", "123ABD02"}),
    ("*23*", {"123ABC02", "123ABD02", "A123BCD", "123ABC01"}),
    ("1*02", {"123ABC02", "124ABC02", "123ABD02", "12ABC302"}),
    ("123авс-02", {"123ABC02"}),
)


def test_partial_plates(database: Database) -> None:
    put_reads(database, [passed(text, 10 * n) for n, text in enumerate(TEXTS)])
    put_hit(database, passed("123ABC02", 300))
    for plate, meant in PARTIAL:
        found = ask(database, Query(plate_of(plate)), limit=2)
        assert {sighting.text for sighting in found} == meant
        assert [sighting.seen_at for sighting in found] == sorted((s.seen_at for s in found), reverse=True)
        assert len(found) == len(meant) + ("123ABC02" in meant)


def test_a_similar_plate_is_ranked_by_the_stored_posteriors(database: Database) -> None:
    reads = [
        passed("123ABC02", 1),
        passed("123A8C02", 2, posterior=uncertain("123A8C02", {4: ("B", 0.4)})),
        passed("123A8C02", 3),
        passed("23ABC02", 4),
        passed("777XYZ01", 5),
    ]
    put_reads(database, reads)
    found = ask(database, Query("123ABC02", similar=True, least=1e-6), limit=2)
    assert passes(found)[:2] == ["abai-1@1", "abai-1@2"]
    assert set(passes(found)) == {"abai-1@1", "abai-1@2", "abai-1@3", "abai-1@4"}
    scores = [sighting.score or 0 for sighting in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.8
    assert 0.2 < scores[1] < 0.5
    assert found[1].why.plate == scores[1]
    assert passes(ask(database, Query("123ABC02", similar=True))) == ["abai-1@1", "abai-1@2"]


def test_a_photo_that_was_read_with_doubt_finds_both_readings(database: Database) -> None:
    put_reads(database, [passed("123ABC02", 1), passed("123A8C02", 2), passed("123AEC02", 3)])
    found = ask(database, Query(photo=Photo("0" * 64, reading=uncertain("123ABC02", {4: ("8", 0.3)}))))
    assert passes(found) == ["abai-1@1", "abai-1@2"]


WEST_ABAI = {"type": "Polygon", "coordinates": [[[76.89, 43.2], [76.91, 43.2], [76.91, 43.3], [76.89, 43.2]]]}
ALL_BUT_WEST = {
    "type": "Polygon",
    "coordinates": [
        [[76.0, 43.0], [77.0, 43.0], [77.0, 44.0], [76.0, 44.0], [76.0, 43.0]],
        [[76.8, 43.2], [76.92, 43.2], [76.92, 43.3], [76.8, 43.3], [76.8, 43.2]],
    ],
}


PLACES = (
    (Place(cameras=("far", "abai-2")), {"far", "abai-2"}),
    (Place(area=polygons_of(WEST_ABAI)), {"abai-1"}),
    (Place(area=polygons_of(ALL_BUT_WEST)), {"abai-2", "dostyk-1"}),
    (Place(centre=(76.95, 43.24), radius_m=2400), {"abai-2", "dostyk-1"}),
    (Place(centre=(76.95, 43.24), radius_m=2200), {"abai-2"}),
    (Place(road="ABAI av"), {"abai-1", "abai-2"}),
    (Place(road="100%"), set()),
    (Place(cameras=("far",), road="dostyk"), {"far", "dostyk-1"}),
)


def test_places(database: Database) -> None:
    put_cameras(database)
    names = ("abai-1", "abai-2", "dostyk-1", "far")
    put_reads(database, [passed("123ABC02", 7 * n + k, name) for n in range(20) for k, name in enumerate(names)])
    for place, cameras in PLACES:
        found = ask(database, Query(place=place), limit=7)
        assert {sighting.camera_id for sighting in found} == cameras
        assert len(found) == 20 * len(cameras)
        assert passes(ask(database, Query("123ABC02", place=place))) == passes(found)


def test_vehicles_and_times(database: Database) -> None:
    reads = [
        passed("1AAA01", 1, kind="truck", colour="blue"),
        passed("2AAA01", 2, kind="truck", colour="red"),
        passed("3AAA01", 3, kind="car", colour="blue"),
        passed("4AAA01", 4, kind="car", colour=None),
    ]
    put_reads(database, reads)
    assert passes(ask(database, Query(vehicle_types=("truck",), colours=("blue", "red")))) == ["abai-1@2", "abai-1@1"]
    assert passes(ask(database, Query(colours=("blue",)))) == ["abai-1@3", "abai-1@1"]
    between = Query(since=NOON + timedelta(minutes=2), until=NOON + timedelta(minutes=4))
    assert passes(ask(database, between)) == ["abai-1@3", "abai-1@2"]


def test_pages_neither_lose_nor_double_what_was_seen_at_one_instant(database: Database) -> None:
    reads = [passed(f"{n}AAA01", n // 7, f"c{n % 7}") for n in range(70)]
    put_reads(database, reads)
    for read in random.Random(1).sample(reads, 20):
        put_hit(database, read, "e1")
        put_hit(database, read, "e2")
    for limit, query in itertools.product((1, 3, 50), (Query(), Query(place=Place(cameras=("c1", "c3"))))):
        found = ask(database, query, limit=limit)
        wanted = [read for read in reads if not query.place.cameras or read.camera_id in query.place.cameras]
        assert [one.key for one in found] == sorted(map(_key, wanted), reverse=True)


def _key(read: PlateRead) -> tuple[object, str, str]:
    return read.seen_at, read.camera_id, read.pass_id


def test_reads_that_come_between_pages_change_nothing_behind_the_cursor(database: Database) -> None:
    put_reads(database, [passed("123ABC02", n) for n in range(6)])
    searcher = Searcher(database)
    first = searcher.page(Query("123ABC02"), limit=3, now=LATER)
    put_reads(database, [passed("123ABC02", n) for n in range(100, 104)])
    second = searcher.page(Query("123ABC02"), limit=3, cursor=first.next, now=LATER)
    assert passes([*first.sightings, *second.sightings]) == [f"abai-1@{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert second.next is None


def test_a_page_whose_time_is_up_says_how_far_it_came_and_goes_on(database: Database) -> None:
    put_reads(database, [passed("123ABC02", 60 * hour) for hour in range(6)])
    searcher, found, cursor, pages = Searcher(database), list[Sighting](), None, 0
    reach = LATER + timedelta(hours=2)
    while True:
        page = searcher.page(Query("*ABC*"), cursor=cursor, budget_s=0.0, now=LATER)
        assert page.searched_since < reach
        reach, cursor, pages = page.searched_since, page.next, pages + 1
        found += page.sightings
        if cursor is None:
            break
    assert pages > 3
    assert len(found) == 6


@pytest.mark.parametrize("cursor", ["", "x", "e30", "WyJhIiwiYiIsImMiLG51bGxd", "é"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(QueryRefused, match="is none"):
        Cursor.decode(cursor, Query().digest)


def test_a_cursor_of_another_question_is_refused_and_holds_no_plate(database: Database) -> None:
    put_reads(database, [passed("123ABC02", n) for n in range(3)])
    page = Searcher(database).page(Query("123ABC02"), limit=1, now=LATER)
    assert page.next is not None
    assert "ABC" not in page.next
    with pytest.raises(QueryRefused, match="another question"):
        Searcher(database).page(Query("123ABC0?"), cursor=page.next, now=LATER)


def test_partitions_outside_the_time_are_not_opened(database: Database) -> None:
    put_reads(database, [passed("123ABC02", 60 * hour) for hour in range(6)])
    from storage.search.statement import Filter, window

    statement, values = window(
        Filter(Query("123ABC02"), None), NOON + timedelta(hours=2), NOON + timedelta(hours=3), None, 51
    )
    with database.transaction() as connection:
        plan = "\n".join(row[0] for row in connection.execute(b"EXPLAIN " + statement.encode(), values))
    assert "reads_2026112314" in plan
    assert plan.count("reads_2026") - plan.count("reads_2026112314") == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Query("?*"),
        lambda: Query("123ABC0?", similar=True),
        lambda: Query(since=NOON, until=NOON),
        lambda: Query(since=NOON.replace(tzinfo=None)),
        lambda: plate_of("123<>"),
        lambda: polygons_of({"type": "Point", "coordinates": [1, 2]}),
        lambda: polygons_of({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}),
        lambda: polygons_of({"type": "Polygon", "coordinates": [[[0, 0], [500, 1], [1, 1], [0, 0]]]}),
        lambda: polygons_of({"type": "Polygon", "coordinates": 7}),
        lambda: Place(centre=(0, 0), radius_m=0),
        lambda: Place(road="a"),
    ],
)
def test_questions_that_cannot_be_asked(make: object) -> None:
    assert callable(make)
    with pytest.raises(QueryRefused):
        make()

"""A vehicle's sightings as a route: in order, with what it must have driven, and only as long as they are kept."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from index.clones import CloneRule
from storage.audit import AuditLog, Purpose
from storage.database import Database
from storage.hits import HitBook
from storage.reads import ReadLog
from storage.search.desk import SearchDesk
from storage.search.errors import QueryRefused
from storage.search.query import Photo, Query
from tests.fixtures.drawn_alerts import uncertain
from tests.fixtures.records import NOON, make_match, posterior_of
from tests.fixtures.traffic import passed, put_cameras, put_hit, put_reads

WHY = Purpose("a.serik", "hit and run", "KZ-117")


@pytest.fixture
def desk(database: Database) -> SearchDesk:
    return SearchDesk(database, AuditLog(database))


def test_sightings_are_in_order_with_the_way_between_them(database: Database, desk: SearchDesk) -> None:
    put_cameras(database)
    way = [passed("123ABC02", 10, "abai-2"), passed("123ABC02", 0), passed("123ABC02", 11, "unknown")]
    far = passed("123ABC02", 20, "far")
    put_reads(database, [*way, far, passed("777XYZ01", 5)])
    put_hit(database, way[0], "e1")
    put_hit(database, way[0], "e2")
    route = desk.route(WHY, Query("123ABC02"))
    assert [stop.sighting.camera_id for stop in route.stops] == ["abai-1", "abai-2", "unknown", "far"]
    _, short, nowhere, long = (stop.leg for stop in route.stops)
    assert short is not None
    assert long is not None
    assert nowhere is None
    assert short.distance_m == pytest.approx(4051, abs=5)
    assert short.speed_kmh == pytest.approx(24.3, abs=0.1)
    assert short.is_plausible
    assert not long.is_plausible
    assert (route.implausible, route.is_whole) == (1, True)
    drawn = route.as_geojson()
    line, *points = drawn["features"]
    assert line["geometry"]["type"] == "LineString"
    assert line["geometry"]["coordinates"] == [[76.9, 43.24], [76.95, 43.24], [71.4, 51.1]]
    assert len(line["properties"]["coordTimes"]) == 3
    assert [point["geometry"] and point["geometry"]["type"] for point in points] == ["Point", "Point", None, "Point"]
    assert [point["properties"]["stop"] for point in points] == [1, 2, 3, 4]
    assert points[3]["properties"]["leg"]["is_plausible"] is False
    (record,) = AuditLog(database).records()
    assert (record.record["action"], record.record["results"], record.record["case"]) == ("route", 4, "KZ-117")
    fast = desk.route(WHY, Query("123ABC02"), rule=CloneRule(fastest_kmh=1e5))
    assert fast.implausible == 0


def test_a_route_that_leads_nowhere_has_no_line(database: Database, desk: SearchDesk) -> None:
    put_cameras(database)
    put_reads(database, [passed("123ABC02", 1), passed("123ABC02", 2)])
    (one, two) = desk.route(WHY, Query("123ABC02")).as_geojson()["features"]
    assert one["geometry"] == two["geometry"]
    assert desk.route(WHY, Query("999ABC02")).as_geojson()["features"] == []


def test_the_hits_of_an_entry_or_an_alert_are_a_route(database: Database, desk: SearchDesk) -> None:
    book = HitBook(database)
    for minute, entry in ((1, "e1"), (300, "e1"), (5, "e2")):
        book.record(passed("123ABC02", minute), make_match(entry), same_alert_within_s=0)
    raised = book.record(passed("123ABC02", 400), make_match("e1"), same_alert_within_s=0)

    def minutes(query: Query) -> list[float]:
        return [float(stop.sighting.pass_id.split("@")[1]) for stop in desk.route(WHY, query).stops]

    assert minutes(Query(entry_id="e1")) == [1, 300, 400]
    assert minutes(Query(entry_id="e1", since=NOON + timedelta(minutes=300))) == [300, 400]
    assert minutes(Query(alert_id=raised.alert_id)) == [400]
    assert minutes(Query(entry_id="e9")) == []


def test_a_ranked_route_is_of_what_is_likely_the_vehicle(database: Database, desk: SearchDesk) -> None:
    doubtful = passed("128ABC02", 2, posterior=uncertain("128ABC02", {2: ("3", 0.3)}))
    put_reads(database, [passed("123ABC02", 1), doubtful, passed("123ABC02", 3)])
    for query in (Query("123ABC02", similar=True), Query(photo=Photo("0" * 64, reading=posterior_of("123ABC02")))):
        assert [stop.sighting.text for stop in desk.route(WHY, query).stops] == ["123ABC02"] * 2


def test_many_vehicles_make_no_route(desk: SearchDesk, database: Database) -> None:
    for query in (Query(), Query("123*"), Query("123ABC0?"), Query(vehicle_types=("bus",))):
        with pytest.raises(QueryRefused, match="one vehicle's"):
            desk.route(WHY, query)
    with pytest.raises(QueryRefused, match="limit"):
        desk.route(WHY, Query("123ABC02"), limit=1001)
    assert list(AuditLog(database).records()) == []


def test_the_latest_are_taken_where_there_are_too_many(database: Database, desk: SearchDesk) -> None:
    put_reads(database, [passed("123ABC02", n) for n in range(8)])
    route = desk.route(WHY, Query("123ABC02"), limit=3)
    assert [stop.sighting.pass_id for stop in route.stops] == ["abai-1@5", "abai-1@6", "abai-1@7"]
    assert not route.is_whole


def test_a_car_on_no_list_has_no_route_once_its_reads_are_forgotten(database: Database, desk: SearchDesk) -> None:
    log = ReadLog(database, retention_hours=1)
    seen = [replace(passed(text, n), pass_id=f"{text}-{n}") for n, text in itertools.product((1, 65), ("A1", "B2"))]
    log.write(seen, now=NOON + timedelta(hours=1))
    HitBook(database).record(seen[1], make_match(), same_alert_within_s=0)
    assert len(desk.route(WHY, Query("A1")).stops) == 2
    for hours, left in ((2.1, (1, 2)), (5, (0, 1))):
        log.maintain(now=NOON + timedelta(hours=hours))
        assert (len(desk.route(WHY, Query("A1")).stops), len(desk.route(WHY, Query("B2")).stops)) == left

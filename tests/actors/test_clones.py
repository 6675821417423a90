"""A region's reads are watched for clones; what is suspected becomes an event with both sightings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from actors.clones import CloneDesk, CloneOptions
from index.clones import CloneRule
from index.read import PlateRead
from storage.alerts import PictureKind
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.events import EventLog
from storage.hits import HitBook
from storage.sealing import Seal
from tests.fixtures.records import NOON, make_match, make_read, posterior_of

ALMATY, ASTANA = (43.238, 76.945), (51.128, 71.430)


def put_cameras(database: Database, folder: Path) -> None:
    places = {"almaty": ALMATY, "astana": ASTANA, "nowhere": (None, None)}
    CameraBook(database, Seal("key")).put(
        [Camera(name, name.title(), f"rtsp://{name}/", "", *place) for name, place in places.items()]
    )


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> CloneDesk:
    put_cameras(database, tmp_path)
    return CloneDesk(database, CloneOptions())


def seen(camera_id: str, minutes: float, text: str = "123ABC02", certainty: float = 0.9999) -> PlateRead:
    read = make_read(camera_id, f"p{minutes}", text, seen_at=NOON + timedelta(minutes=minutes))
    return replace(read, posterior=posterior_of(text, certainty))


def test_one_plate_in_two_cities_is_told_once_with_both_sightings(database: Database, desk: CloneDesk) -> None:
    HitBook(database).record(
        seen("almaty", 0), make_match(), same_alert_within_s=0, pictures={PictureKind.PLATE: b"jpeg"}
    )
    cursor = EventLog(database).after(0)[-1].cursor
    desk.observe([seen("almaty", 0), seen("nowhere", 10)])
    desk.observe([seen("astana", 60), seen("almaty", 61), seen("astana", 60)])
    [event] = EventLog(database).after(cursor)
    assert event.kind == "clone.suspected"
    assert (event.data["text"], event.data["reason"]) == ("123ABC02", "distance")
    assert event.data["distance_km"] == pytest.approx(972, abs=5)
    assert event.data["speed_kmh"] == pytest.approx(972 / 61 * 60, rel=0.01)
    earlier, later = event.data["earlier"], event.data["later"]
    assert (earlier["camera_id"], earlier["pass_id"], earlier["pictures"]) == ("almaty", "p0", ["plate"])
    assert (later["camera_id"], later["name"], later["pictures"]) == ("astana", "Astana", [])
    assert desk.stats()["clones"] == {"distance": 1}


def test_what_was_told_is_forgotten_with_the_reads_and_the_log_keeps_its_order(
    database: Database, desk: CloneDesk
) -> None:
    desk.observe([seen("almaty", 0), seen("astana", 60)])
    [told] = EventLog(database).after(0)
    desk.maintain(told.at + timedelta(hours=23))
    assert EventLog(database).after(0) == [told]
    desk.maintain(told.at + timedelta(hours=25))
    [left] = EventLog(database).after(0)
    assert (left.cursor, left.kind, left.data) == (told.cursor, "clone.forgotten", {})


def test_doubtful_reads_are_not_remembered_and_impossible_ones_are_counted(database: Database, desk: CloneDesk) -> None:
    desk.observe([seen("almaty", 0, certainty=0.98), seen("astana", 1, certainty=0.98)])
    desk.observe([seen("almaty", 2, "A1B2C3D4E5"), seen("almaty", 3, "1A1A1A1A"), seen("astana", 4, "777KZA05")])
    assert desk.stats() == {"clones": {}, "plates_remembered": 1, "impossible_formats": {"almaty": 2}}
    assert EventLog(database).after(0) == []
    desk.maintain(NOON + timedelta(hours=25))
    assert desk.stats()["plates_remembered"] == 0


def test_switched_off_it_remembers_nothing(database: Database, tmp_path: Path) -> None:
    put_cameras(database, tmp_path)
    desk = CloneDesk(database, CloneOptions(CloneRule(), enabled=False))
    desk.observe([seen("almaty", 0), seen("astana", 1)])
    assert desk.stats()["plates_remembered"] == 0


def test_what_can_not_be_told_now_is_told_later(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with Database(own_postgres.dsn) as database:
        database.migrate()
        put_cameras(database, tmp_path)
        desk = CloneDesk(database, CloneOptions())
        desk.observe([seen("almaty", 0)])
        own_postgres.stop()
        desk.observe([seen("astana", 60)])
        own_postgres.start()
        desk.tell()
        assert [event.kind for event in EventLog(database).after(0)] == ["clone.suspected"]

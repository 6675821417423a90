from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.camera_health import (
    HealthBook,
    HealthFigures,
    HealthReason,
    HealthRecord,
    health_history,
    latest_health,
)
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.events import EventLog
from storage.sealing import Seal

NOW = datetime.now(UTC).replace(microsecond=0)
EVERYTHING = frozenset({"black", "moved", "fps_low"})
FIGURES = HealthFigures("h264", 1920, 1080, 25.0, 4e6, 2.0, 0.0, 0.1)


@pytest.fixture
def book(database: Database, tmp_path: Path) -> HealthBook:
    cameras = CameraBook(database, Seal.from_file(tmp_path / "camera.key"))
    cameras.put([Camera(f"cam-{n}", f"Camera {n}", "rtsp://10.0.0.1/") for n in (1, 2)])
    return HealthBook(database, history_days=2)


def reason(code: str, points: int) -> HealthReason:
    return HealthReason(code, 1.0, points, 3.0, 4.0, "px", "", "mend it", NOW.isoformat())


def record(
    at_s: float, reasons: Iterable[HealthReason] = (), settled: frozenset[str] = EVERYTHING, camera_id: str = "cam-1"
) -> HealthRecord:
    return HealthRecord(camera_id, NOW + timedelta(seconds=at_s), tuple(reasons), settled, FIGURES)


def events(database: Database) -> list[tuple[str, list[str], list[str], int]]:
    return [
        (event.data["camera_id"], event.data["raised"], event.data["cleared"], event.data["score"])
        for event in EventLog(database).after(0)
        if event.kind == "camera.health"
    ]


def test_the_latest_the_history_and_an_event_for_each_change(book: HealthBook, database: Database) -> None:
    assert book.record([record(-50), record(-50, camera_id="cam-2")]) == 2
    assert book.record([record(-40, [reason("moved", 60)])]) == 1
    assert book.record([record(-30, [reason("moved", 55)])]) == 1
    assert book.record([record(-20, [reason("moved", 55), reason("fps_low", 20)])]) == 1
    assert book.record([record(-10)]) == 1
    assert events(database) == [
        ("cam-1", ["moved"], [], 40),
        ("cam-1", ["fps_low"], [], 25),
        ("cam-1", [], ["fps_low", "moved"], 100),
    ]
    latest = latest_health(database)
    assert (latest["cam-1"].score, latest["cam-1"].reasons, latest["cam-1"].figures) == (100, (), FIGURES)
    now, history = health_history(database, "cam-1", NOW - timedelta(seconds=45))
    assert now == latest["cam-1"]
    assert [sample.score for sample in history] == [100, 25, 45, 40]
    assert history[1].reasons == (reason("moved", 55), reason("fps_low", 20))
    assert len(health_history(database, "cam-1", NOW - timedelta(days=1), limit=2)[1]) == 2


def test_one_who_has_just_begun_to_watch_clears_nothing_that_it_does_not_know_of(
    book: HealthBook, database: Database
) -> None:
    book.record([record(-50, [reason("moved", 60), reason("fps_low", 20)])])
    book.record([record(-40, [], frozenset())])
    book.record([record(-30, [], frozenset({"fps_low"}))])
    assert [kind[1:] for kind in events(database)] == [(["fps_low", "moved"], [], 20), ([], ["fps_low"], 40)]
    assert [one.code for one in latest_health(database)["cam-1"].reasons] == ["moved"]


def test_what_is_older_or_of_no_camera_is_passed_over(book: HealthBook, database: Database) -> None:
    book.record([record(-20)])
    assert book.record([record(-30, [reason("black", 100)]), record(-20, [reason("black", 100)])]) == 0
    assert book.record([record(0, [reason("black", 100)], camera_id="gone")]) == 0
    assert book.record([record(-3 * 86400, [reason("black", 100)], camera_id="cam-2")]) == 0, "older than the history"
    assert events(database) == []
    with pytest.raises(LookupError):
        health_history(database, "gone", NOW)


def test_a_node_whose_clock_runs_ahead_is_told_until_it_is_set(book: HealthBook, database: Database) -> None:
    assert book.record([record(86400, [reason("moved", 60)])]) == 1
    health = latest_health(database)["cam-1"]
    assert abs(health.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert [(one.code, one.points, one.required) for one in health.reasons] == [
        ("moved", 60, 4.0),
        ("node_clock", 30, 60.0),
    ]
    assert health.reasons[1].way_out
    assert book.record([replace(record(0), at=datetime.now(UTC))]) == 1
    assert events(database) == [("cam-1", ["moved", "node_clock"], [], 10), ("cam-1", [], ["moved", "node_clock"], 100)]


def test_what_was_written_while_our_own_clock_ran_ahead_is_overtaken(book: HealthBook, database: Database) -> None:
    book.record([record(-50)])
    with database.transaction() as connection:
        connection.execute("UPDATE camera_health SET at = now() + interval '1 day'")
    assert book.record([record(-40, [reason("moved", 60)])]) == 1
    assert latest_health(database)["cam-1"].at == NOW - timedelta(seconds=40)


def test_health_goes_with_its_camera(book: HealthBook, database: Database, tmp_path: Path) -> None:
    book.record([record(-20)])
    CameraBook(database, Seal.from_file(tmp_path / "camera.key")).remove("cam-1")
    assert latest_health(database) == {}


def test_days_are_dropped_whole(book: HealthBook, database: Database) -> None:
    yesterday = record(-86400)
    book.record([yesterday])
    book.record([record(0)])
    later = NOW + timedelta(days=1)
    assert book.maintain(now=later) == ()
    later = (NOW - timedelta(days=1)).replace(hour=0, minute=0, second=0) + timedelta(days=3)
    assert book.maintain(now=later) == (f"camera_health_samples_{yesterday.at:%Y%m%d}",)
    _, history = health_history(database, "cam-1", NOW - timedelta(days=9))
    assert [sample.at for sample in history] == [NOW]
    assert book.record([replace(yesterday, camera_id="cam-2")]) == 1, "its partition is made anew"


def test_writers_side_by_side_tell_each_change_once(book: HealthBook, database: Database) -> None:
    other = HealthBook(database, history_days=2)

    def write(through: HealthBook) -> None:
        for n in range(20):
            through.record([record(n - 50, [reason("moved", 60)] if n >= 10 else [])])

    writers = [threading.Thread(target=write, args=(one,)) for one in (book, other)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert events(database) == [("cam-1", ["moved"], [], 40)]

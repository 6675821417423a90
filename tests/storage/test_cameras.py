from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.cameras import Camera, CameraBook, CameraImport
from storage.database import Database
from storage.events import EventLog
from storage.sealing import Seal, SealBroken
from tests.fixtures.records import NOON

CAMERA = Camera(
    "cam-1",
    "North gate",
    "rtsp://admin:hunter2@10.0.0.1/live?token=abc",
    "Abai/Satpaev",
    43.2,
    76.9,
    gate_url="rtsp://admin:hunter2@10.0.0.1/small",
)


@pytest.fixture
def book(database: Database, tmp_path: Path) -> CameraBook:
    return CameraBook(database, Seal.from_file(tmp_path / "camera.key"))


def test_cameras_are_added_changed_and_left(book: CameraBook) -> None:
    assert book.put([CAMERA, replace(CAMERA, camera_id="cam-2")]) == CameraImport(2, 0, 0)
    assert book.put([CAMERA, replace(CAMERA, camera_id="cam-2", name="South")]) == CameraImport(0, 1, 1)
    assert book.enabled() == [CAMERA, replace(CAMERA, camera_id="cam-2", name="South")]
    other = replace(CAMERA, camera_id="cam-2", name="South", gate_url=None)
    assert book.put([other]) == CameraImport(0, 1, 0)
    assert book.enabled() == [CAMERA, other]
    book.put([replace(CAMERA, enabled=False)])
    assert [camera.camera_id for camera in book.enabled()] == ["cam-2"]
    assert book.remove("cam-2")
    assert not book.remove("cam-2")


def test_the_address_is_never_shown_nor_stored_in_clear(book: CameraBook, database: Database) -> None:
    book.put([CAMERA])
    [view] = book.list()
    assert view.address == "rtsp://10.0.0.1/live?***"
    with database.transaction() as connection:
        row = connection.execute("SELECT cameras::text, source_sealed, gate_sealed FROM cameras").fetchone()
    assert row is not None
    for text in (repr(CAMERA), repr(view), row[0], *(bytes(sealed).decode("latin1") for sealed in row[1:])):
        assert "hunter2" not in text
        assert "admin" not in text


def test_another_key_opens_nothing(book: CameraBook, database: Database) -> None:
    book.put([CAMERA])
    with pytest.raises(SealBroken, match="cam-1"):
        CameraBook(database, Seal("another")).enabled()


def test_a_change_of_state_is_an_event_once(book: CameraBook, database: Database) -> None:
    book.put([CAMERA])
    assert book.set_state("cam-1", "live", None, NOON)
    assert not book.set_state("cam-1", "live", None, NOON + timedelta(seconds=5))
    assert book.set_state("cam-1", "blind", "stalled", NOON + timedelta(seconds=9))
    assert not book.set_state("cam-1", "live", None, NOON + timedelta(seconds=8))  # an orphan's last word
    assert not book.set_state("unknown", "live", None, NOON)
    events = EventLog(database).after(0)
    assert [event.data["state"] for event in events] == ["live", "blind"]
    assert events[1].data == {
        "camera_id": "cam-1",
        "state": "blind",
        "reason": "stalled",
        "since": (NOON + timedelta(seconds=9)).isoformat(),
    }
    assert book.list()[0].since == NOON + timedelta(seconds=9)

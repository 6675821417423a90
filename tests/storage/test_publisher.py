from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from storage.alerts import AlertBook, PictureKind
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.events import EventLog
from storage.hits import HitBook, HitOutcome
from storage.publisher import Publisher
from storage.reads import ReadLog
from storage.sealing import Seal
from storage.spool import Spool
from storage.wire import HitReport, pack_hit, pack_reads, unpack_hit, unpack_reads
from tests.fixtures.records import make_match, make_read
from tests.fixtures.stores import crash

NOW = datetime.now(UTC)


def make_publisher(database: Database, folder: Path) -> Publisher:
    cameras = CameraBook(database, Seal("key"))
    spool = Spool(folder, bound_bytes=1 << 26)
    publisher = Publisher(HitBook(database), ReadLog(database), cameras, spool, same_alert_within_s=0.0)
    publisher.start()
    return publisher


@pytest.fixture
def publisher(database: Database, tmp_path: Path) -> Iterator[Publisher]:
    publisher = make_publisher(database, tmp_path / "spool")
    yield publisher
    publisher.close()


def test_records_survive_the_wire() -> None:
    read = make_read()
    report = HitReport(read, make_match(), {PictureKind.PLATE: b"\xff\xd8"})
    back = unpack_hit(pack_hit(report))
    assert (back.match, dict(back.pictures)) == (report.match, report.pictures)
    [again] = unpack_reads(pack_reads([read]))
    for one in (back.read, again):
        assert np.array_equal(one.posterior.log_probs, read.posterior.log_probs)
        assert (one.plate_box, one.vehicle_box, one.seen_at) == (read.plate_box, read.vehicle_box, read.seen_at)
        assert (one.camera_at, one.skew_s) == (read.camera_at, read.skew_s)
    with pytest.raises(ValueError, match="no hit"):
        unpack_hit(b"[]")


def test_what_can_be_written_is_written_at_once(publisher: Publisher, database: Database) -> None:
    hit = publisher.publish_hit(HitReport(make_read(seen_at=NOW), make_match()))
    assert hit is not None
    assert hit.outcome is HitOutcome.RAISED
    batch = publisher.publish_reads([make_read(seen_at=NOW)])
    assert batch is not None
    assert batch.written == 1
    assert publisher.publish_camera_state("nobody", "live", None, NOW) is False
    assert publisher.figures().items == 0


def test_what_the_database_never_takes_is_set_aside_and_stops_nothing(publisher: Publisher, database: Database) -> None:
    assert publisher.publish_hit(HitReport(make_read(camera_id="zero\0byte"), make_match())) is None
    while publisher.figures().set_aside == 0:
        threading.Event().wait(0.02)
    hit = publisher.publish_hit(HitReport(make_read(), make_match()))
    assert hit is not None
    assert hit.outcome is HitOutcome.RAISED


def test_postgres_killed_in_mid_write_loses_and_doubles_nothing(own_postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Hits, reads and states flow while the server is killed, the publisher is restarted, and the server comes back."""
    count = 60
    with Database(own_postgres.dsn) as database:
        database.migrate()
        CameraBook(database, Seal("key")).put([Camera("cam-1", "North", "rtsp://10.0.0.1/")])
        publisher = make_publisher(database, tmp_path / "spool")
        for n in range(count):
            if n == count // 3:
                killer = threading.Thread(target=crash, args=[own_postgres])
                killer.start()
            if n == count // 2:
                killer.join()
                publisher.publish_camera_state("cam-1", "live", None, NOW)
                publisher.close()  # its successor finds the spool
                publisher = make_publisher(database, tmp_path / "spool")
            read = make_read(pass_id=f"p{n}", seen_at=NOW)
            publisher.publish_hit(HitReport(read, make_match(entry_id=f"e{n}"), {PictureKind.PLATE: b"jpeg"}))
            publisher.publish_reads([read])
        assert publisher.figures().items > 0
        own_postgres.start()
        events = EventLog(database)
        with events.listen() as listener:
            listener.start()
            while publisher.figures().items:
                listener.wait(0.2)
        publisher.close()
        alerts = AlertBook(database).newest(count * 2)
        assert {alert.pass_id for alert in alerts} == {f"p{n}" for n in range(count)}
        assert len(alerts) == count
        assert ReadLog(database).count() == count
        kinds = [event.kind for event in events.after(0, limit=1000)]
        assert kinds.count("alert.raised") == count
        assert kinds.count("camera.state") == 1

from __future__ import annotations

import hashlib
import threading
from datetime import datetime
from pathlib import Path

from storage.alerts import AlertBook
from storage.archive import Archive
from storage.clips import ClipBook
from storage.database import Database
from storage.embedded import EmbeddedSeaweed
from storage.events import EventLog
from storage.hits import HitBook
from storage.s3_access import S3Access
from storage.spool import Spool
from storage.uploads import ClipUpload, ClipUploader
from tests.fixtures.records import NOON, make_match, make_read
from tests.fixtures.stores import crash


def make_clip(folder: Path, pass_id: str, seen_at: datetime = NOON) -> ClipUpload:
    path = folder / f"{pass_id}.mp4"
    path.write_bytes(pass_id.encode() * 1000)
    return ClipUpload("cam-1", pass_id, path, seen_at, 9.5, "h264", 'video/mp4; codecs="avc1.640028"')


def wait_for_clip(database: Database, state: str) -> None:
    log, cursor = EventLog(database), 0
    with log.listen() as listener:
        listener.start()
        while True:
            for event in log.after(cursor):
                cursor = event.cursor
                if event.data["clip"]["state"] == state:
                    return
            assert listener.wait(30)


def test_a_clip_goes_to_the_archive_and_the_alert_says_so(
    database: Database, s3_access: S3Access, tmp_path: Path
) -> None:
    hit = HitBook(database).record(make_read(), make_match(), same_alert_within_s=60)
    upload = make_clip(tmp_path, "p1")
    digest = hashlib.sha256(upload.path.read_bytes()).hexdigest()
    with Archive(s3_access) as archive:
        uploader = ClipUploader(archive, ClipBook(database), Spool(tmp_path / "spool", bound_bytes=1 << 20))
        uploader.start()
        uploader.accept(upload)
        wait_for_clip(database, "ready")
        uploader.close()
        stored = AlertBook(database).clip(hit.alert_id)
        assert stored is not None
        assert (stored.key, stored.sha256) == ("clips/2026/11/23/cam-1/p1.mp4", digest)
        with archive.open("clips/2026/11/23/cam-1/p1.mp4") as chunks:
            assert hashlib.sha256(b"".join(chunks)).hexdigest() == digest
    assert not upload.path.exists()


def test_a_clip_that_can_not_be_cut_is_told(database: Database, s3_access: S3Access, tmp_path: Path) -> None:
    HitBook(database).record(make_read(), make_match(), same_alert_within_s=60)
    with Archive(s3_access) as archive:
        uploader = ClipUploader(archive, ClipBook(database), Spool(tmp_path / "spool", bound_bytes=1 << 20))
        uploader.start()
        uploader.refuse("cam-1", "p1", "the stream had no keyframe")
        wait_for_clip(database, "lost")
        uploader.close()
    assert EventLog(database).after(0)[-1].data["clip"]["reason"] == "the stream had no keyframe"


def test_s3_killed_loses_no_clip(database: Database, tmp_path: Path) -> None:
    """The server dies with clips under way; the uploader is restarted meanwhile; all clips arrive when it is back."""
    server = EmbeddedSeaweed(tmp_path / "own-s3")
    passes = [f"p{n}" for n in range(8)]
    clips = ClipBook(database)
    access = server.start()
    try:
        with Archive(access, connect_timeout_s=1, read_timeout_s=5) as archive:
            uploader = ClipUploader(archive, clips, Spool(tmp_path / "spool", bound_bytes=1 << 20))
            uploader.start()
            for pass_id in passes[:4]:
                uploader.accept(make_clip(tmp_path, pass_id))
            crash(server)
            for pass_id in passes[4:]:
                uploader.accept(make_clip(tmp_path, pass_id))
            assert uploader.figures().items > 0
            uploader.close()
            uploader = ClipUploader(archive, clips, Spool(tmp_path / "spool", bound_bytes=1 << 20))
            uploader.start()
            server.start()
            while uploader.figures().items:
                threading.Event().wait(0.1)
            uploader.close()
            for pass_id in passes:
                stored = clips.get("cam-1", pass_id)
                assert stored is not None
                assert stored.key is not None
                with archive.open(stored.key) as chunks:
                    assert b"".join(chunks) == pass_id.encode() * 1000
            assert uploader.figures().set_aside == 0
    finally:
        server.stop()

"""Hits past keeping go whole: rows, pictures and the clip in a real S3; what another alert shows stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.alerts import AlertBook, PictureKind
from storage.archive import Archive
from storage.clips import ClipBook, ClipFile
from storage.database import Database
from storage.errors import ArchiveAway
from storage.hit_retention import HitRetention
from storage.hits import HitBook
from storage.s3_access import S3Access
from tests.fixtures.records import make_match, make_read

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def put_hit(database: Database, pass_id: str, entry_id: str, days_ago: int) -> None:
    recorded = HitBook(database).record(
        make_read(pass_id=pass_id, seen_at=NOW - timedelta(hours=len(pass_id) + ord(pass_id[0]))),
        make_match(entry_id),
        same_alert_within_s=0,
        pictures={PictureKind.VEHICLE: f"picture of {pass_id}".encode()},
    )
    with database.transaction() as connection:
        connection.execute(
            "UPDATE alerts SET raised_at = %s WHERE alert_id = %s", [NOW - timedelta(days=days_ago), recorded.alert_id]
        )


def put_clip(database: Database, archive: Archive, folder: Path, pass_id: str) -> str:
    path = folder / f"{pass_id}.mp4"
    path.write_bytes(b"film")
    put = archive.put_file(f"clips/{pass_id}.mp4", path, "video/mp4")
    ClipBook(database).mark_ready("cam-1", pass_id, ClipFile(put.key, "00", 4, 1.0, "h264", "video/mp4"))
    return put.key


def rows(database: Database, table: str) -> set[str]:
    with database.transaction() as connection:
        return {row[0] for row in connection.execute(f"SELECT pass_id FROM {table}".encode())}  # noqa: S608 - ours


def test_what_is_past_keeping_goes_whole_and_nothing_else(
    database: Database, s3_access: S3Access, tmp_path: Path
) -> None:
    with Archive(s3_access) as archive:
        archive.ensure_bucket()
        for pass_id, entry_id, days_ago in (("old", "e1", 40), ("new", "e1", 5), ("both", "e1", 40), ("both", "e2", 5)):
            put_hit(database, pass_id, entry_id, days_ago)
        keys = [put_clip(database, archive, tmp_path, pass_id) for pass_id in ("old", "new", "both")]
        retention = HitRetention(database, archive, hits_days=30)
        assert retention.maintain(now=NOW) == 2
        assert retention.maintain(now=NOW) == 0
        assert [one.key for one in archive.list("clips/")] == sorted(keys[1:])
        for table in ("hits", "hit_pictures", "clips", "alerts"):
            assert rows(database, table) == {"new", "both"}
        assert len(AlertBook(database).newest(10)) == 2


def test_a_clip_that_can_not_be_taken_away_keeps_its_alert(
    database: Database, s3_access: S3Access, tmp_path: Path
) -> None:
    put_hit(database, "old", "e1", 40)
    with Archive(s3_access) as archive:
        archive.ensure_bucket()
        put_clip(database, archive, tmp_path, "old")
    with Archive(replace(s3_access, endpoint="127.0.0.1:1")) as away, pytest.raises(ArchiveAway):
        HitRetention(database, away, hits_days=30).maintain(now=NOW)
    assert rows(database, "hits") == rows(database, "clips") == {"old"}


def test_no_setting_goes_beyond_the_ceiling(database: Database, s3_access: S3Access) -> None:
    with Archive(s3_access) as archive, pytest.raises(ValueError, match="3660 days"):
        HitRetention(database, archive, hits_days=3661)

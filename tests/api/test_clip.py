"""Clips, out of a real S3 server through the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from storage.alerts import AlertBook
from storage.archive import Archive
from storage.clips import ClipBook
from storage.database import Database
from storage.s3_access import S3Access
from tests.api.serving import get, serving
from tests.fixtures.drawn_alerts import AlertMaker, DrawnPass


@pytest.fixture
def maker(database: Database, s3_access: S3Access) -> Iterator[AlertMaker]:
    with Archive(s3_access) as archive:
        yield AlertMaker(database, archive)


@pytest.fixture
def clip(api: str, maker: AlertMaker, drawn_pass: DrawnPass) -> str:
    """The address of a clip that is in the archive."""
    alert_id = maker.raise_alert(drawn_pass)
    maker.bring_clip(drawn_pass)
    return f"{api}/alerts/{alert_id}/clip"


def test_the_whole_clip(clip: str, drawn_pass: DrawnPass) -> None:
    answer = get(clip)
    assert answer.status_code == 200
    assert answer.content == drawn_pass.clip.read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("asked", "part"), [("0-0", slice(0, 1)), ("100-", slice(100, None)), ("-500", slice(-500, None))]
)
def test_a_part_of_it(clip: str, drawn_pass: DrawnPass, asked: str, part: slice) -> None:
    whole = drawn_pass.clip.read_bytes()
    answer = get(clip, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == whole[part]
    start = len(whole) - 500 if asked == "-500" else part.start
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(whole)}"


def test_a_range_outside_of_it(clip: str, drawn_pass: DrawnPass) -> None:
    size = drawn_pass.clip.stat().st_size
    answer = get(clip, headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_range_of_another_version_gives_all_of_this_one(clip: str, drawn_pass: DrawnPass) -> None:
    tag = get(clip, headers={"Range": "bytes=0-0"}).headers["etag"]
    same = get(clip, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = get(clip, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_a_clip_that_is_still_to_come(api: str, maker: AlertMaker, drawn_pass: DrawnPass) -> None:
    alert_id = maker.raise_alert(drawn_pass)
    answer = get(f"{api}/alerts/{alert_id}/clip")
    assert (answer.status_code, answer.json()["code"]) == (409, "clip-pending")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_clip_that_never_comes(api: str, maker: AlertMaker, drawn_pass: DrawnPass, database: Database) -> None:
    alert_id = maker.raise_alert(drawn_pass)
    ClipBook(database).mark_lost("cam-1", "p1", "the camera fell silent")
    answer = get(f"{api}/alerts/{alert_id}/clip")
    assert (answer.status_code, answer.json()["code"]) == (410, "clip-lost")
    assert "the camera fell silent" in answer.json()["detail"]


def test_a_clip_that_the_archive_lost(clip: str, maker: AlertMaker, database: Database) -> None:
    (alert,) = AlertBook(database).newest()
    stored = AlertBook(database).clip(alert.alert_id)
    assert stored is not None
    assert stored.key is not None
    maker.archive.delete(stored.key)
    answer = get(clip)
    assert (answer.status_code, answer.json()["code"]) == (410, "clip-lost")


def test_an_archive_that_is_away(dsn: str, s3_access: S3Access, maker: AlertMaker, drawn_pass: DrawnPass) -> None:
    alert_id = maker.raise_alert(drawn_pass)
    maker.bring_clip(drawn_pass)
    with serving(dsn, replace(s3_access, endpoint="127.0.0.1:1")) as api:
        answer = get(f"{api}/alerts/{alert_id}/clip")
        assert (answer.status_code, answer.json()["code"]) == (503, "archive-away")
        assert get(f"{api}/alerts").status_code == 200
        assert get(f"{api}/health").json()["archive"]["state"] == "down"


def test_a_viewer_who_leaves_in_the_middle_leaves_nothing_open(clip: str, drawn_pass: DrawnPass) -> None:
    whole = drawn_pass.clip.read_bytes()
    for _ in range(40):  # more than the pool of connections holds
        with httpx.stream("GET", clip, timeout=60) as answer:
            next(answer.iter_raw(1024))
    assert get(clip).content == whole

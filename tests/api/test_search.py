"""Searching through the API: found, accounted for, exported; nothing without a reason."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from actors.networks import ModelChoice
from cluster.photos import PhotoReader
from storage.alerts import PictureKind
from storage.audit import AuditLog
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.hits import HitBook
from storage.reads import ReadLog
from storage.s3_access import S3Access
from storage.sealing import Seal
from tests.api.serving import get, serving_process
from tests.fixtures.photos import as_file, drawn
from tests.fixtures.records import make_match, posterior_of
from tests.fixtures.traffic import passed, put_cameras

WHY = {"case": "KZ-117", "reason": "hit and run"}
AS = {"Beket-As": "%D0%90.%20Serik"}


@pytest.fixture
def traffic(database: Database) -> list[str]:
    """Three passes of a vehicle in the last hours, the newest a hit; one pass of another."""
    put_cameras(database)
    now = datetime.now(UTC)
    reads = [
        replace(passed(text, n), seen_at=now - timedelta(hours=4 - n), camera_id=camera)
        for n, (text, camera) in enumerate(
            [("123ABC02", "abai-1"), ("777XYZ01", "abai-2"), ("123ABC02", "abai-2"), ("123ABC02", "far")]
        )
    ]
    ReadLog(database).write(reads)
    HitBook(database).record(
        reads[3], make_match(), same_alert_within_s=0, pictures={PictureKind.VEHICLE: b"\xff\xd8the vehicle"}
    )
    return [read.pass_id for read in reads]


def ask(api: str, path: str = "/search", headers: dict[str, str] = AS, **asked: Any) -> httpx.Response:
    return httpx.post(api + path, json=WHY | asked, headers=headers, timeout=60)


def test_a_search_is_answered_page_by_page_and_logged_first(api: str, database: Database, traffic: list[str]) -> None:
    first = ask(api, plate="123 авс-02", limit=2).raise_for_status()
    assert first.headers["cache-control"] == "private, no-store"
    page = first.json()
    assert [one["pass_id"] for one in page["sightings"]] == [traffic[3], traffic[2]]
    assert page["sightings"][0]["camera"]["name"] == "Astana 1"
    second = ask(api, plate="123ABC02", limit=2, cursor=page["next"]).raise_for_status().json()
    assert [one["pass_id"] for one in second["sightings"]] == [traffic[0]]
    assert second["next"] is None
    one, two = AuditLog(database).records()
    assert (one.record["actor"], one.record["case"], one.record["reason"]) == ("А. Serik", "KZ-117", "hit and run")
    assert (one.record["action"], one.record["results"], two.record["results"]) == ("search", 2, 1)
    assert one.record["details"]["query"]["plate"] == "123ABC02"


def test_a_look_at_a_hits_picture_is_logged_before_it_is_shown(
    api: str, database: Database, traffic: list[str]
) -> None:
    (hit, *_) = (hit for one in ask(api, plate="123ABC02").json()["sightings"] for hit in one["hits"])
    address = f"{api}/hits/{hit['hit_id']}"
    why = AS | {"Beket-Case": "KZ-117", "Beket-Reason": "%D0%BF%D0%BE%D0%B8%D1%81%D0%BA"}
    assert get(f"{address}/picture", headers=why).content == b"\xff\xd8the vehicle"
    assert get(f"{address}/plate", headers=why).json()["code"] == "no-such-picture"
    for lacking in ({}, AS, why | {"Beket-Reason": ""}):
        refused = get(f"{address}/picture", headers=lacking)
        assert (refused.status_code, refused.json()["code"]) == (422, "purpose-lacking")
    _, picture, plate = (record.record for record in AuditLog(database).records())
    assert (picture["action"], picture["reason"], picture["results"]) == ("picture", "поиск", 1)
    assert (plate["details"], plate["results"]) == ({"hit": hit["hit_id"], "kind": "plate"}, 0)
    with database.transaction() as connection:
        connection.execute("ALTER TABLE audit ADD CHECK (number < 4)")
    untold = get(f"{address}/picture", headers=why)
    assert (untold.status_code, untold.json()["code"]) == (503, "audit-unwritten")


def test_without_a_purpose_there_is_no_answer(api: str, database: Database) -> None:
    for asked, headers, lacks in (
        ({"case": ""}, AS, "case"),
        ({"reason": " "}, AS, "reason"),
        ({}, {}, "Beket-As"),
        ({"case": "", "reason": ""}, {}, "Beket-As), reason, case"),
    ):
        for path, more in (("/search", {}), ("/search/export", {"format": "csv"})):
            refused = ask(api, path, headers, plate="123ABC02", **asked, **more)
            assert (refused.status_code, refused.json()["code"]) == (422, "purpose-lacking")
            assert lacks in refused.json()["detail"]
    assert list(AuditLog(database).records()) == []


def test_what_cannot_be_logged_is_not_answered(api: str, database: Database, traffic: list[str]) -> None:
    with database.transaction() as connection:
        connection.execute("ALTER TABLE audit ADD CHECK (number > 1)")
    for path, more in (("/search", {}), ("/search/export", {"format": "json"})):
        refused = ask(api, path, plate="123ABC02", **more)
        assert (refused.status_code, refused.json()["code"]) == (503, "audit-unwritten")
        assert traffic[0] not in refused.text


NO_QUESTIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"plate": "12<>"}, "invalid-plate"),
    ({"plate": "*"}, "invalid-plate"),
    ({"plate": "123*", "similar": True}, "invalid-plate"),
    ({"cursor": "x"}, "invalid-cursor"),
    ({"since": "2026-01-01T00:00:00"}, "invalid-time"),
    ({"place": {"area": {"type": "Point"}}}, "invalid-place"),
    ({"place": {"around": {"longitude": 1e99, "latitude": 0, "radius_m": 5}}}, "invalid-parameter"),
    ({"faces": True}, "invalid-parameter"),
    ({"limit": 0}, "invalid-parameter"),
)


def test_questions_that_are_none(api: str) -> None:
    for asked, code in NO_QUESTIONS:
        refused = ask(api, **asked)
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_bodies_are_bounded(api: str) -> None:
    told = httpx.post(api + "/search", content=b" " * (13 * 2**20), headers=AS, timeout=60)
    assert (told.status_code, told.json()["code"]) == (413, "body-too-large")
    untold = httpx.post(api + "/search", content=(b" " * 2**20 for _ in range(13)), headers=AS, timeout=60)
    assert untold.status_code == 413


def test_exports_are_logged_as_such_and_harmless_to_spreadsheets(
    api: str, database: Database, traffic: list[str]
) -> None:
    CameraBook(database, Seal("of the tests")).put([Camera("far", '=HYPERLINK("http://x")', "rtsp://h/4")])
    table = ask(api, "/search/export", plate="123ABC02", format="csv").raise_for_status()
    assert table.headers["content-disposition"] == 'attachment; filename="sightings.csv"'
    assert table.headers["beket-whole"] == "true"
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [row["pass_id"] for row in rows] == [traffic[3], traffic[2], traffic[0]]
    assert rows[0]["camera"] == '\'=HYPERLINK("http://x")'
    assert rows[1]["longitude"] == "76.95"
    one = ask(api, "/search/export", plate="123ABC02", format="json", limit=1).raise_for_status()
    assert one.headers["beket-whole"] == "false"
    assert len(one.json()) == 1
    shapes = json.loads(ask(api, "/search/export", plate="123ABC02", format="geojson").raise_for_status().content)
    assert [feature["geometry"] and feature["geometry"]["coordinates"] for feature in shapes["features"]] == [
        None,
        [76.95, 43.24],
        [76.9, 43.24],
    ]
    told = [
        (one.record["action"], one.record["details"]["as"], one.record["results"])
        for one in AuditLog(database).records()
    ]
    assert told == [("export", "csv", 3), ("export", "json", 1), ("export", "geojson", 3)]


def test_a_photo_is_searched_by_its_plate_and_its_looks(
    api: str, database: Database, photo_choice: ModelChoice
) -> None:
    data = as_file(drawn())
    shown = PhotoReader(photo_choice).look_at(data).vehicles[0]
    now = datetime.now(UTC)
    plain = [replace(passed(text, n), seen_at=now - timedelta(minutes=n + 1)) for n, text in enumerate("ABCD")]
    alike, read, both, other = plain
    reads = [
        replace(alike, appearance=shown.appearance),
        replace(read, posterior=posterior_of("475KMT16")),
        replace(both, posterior=posterior_of("475KMT16"), appearance=shown.appearance),
        other,
    ]
    ReadLog(database).write(reads)
    photo = base64.b64encode(data).decode()
    first = ask(api, "/search/photo", photo=photo, limit=2, patience_s=8).raise_for_status()
    assert first.headers["cache-control"] == "private, no-store"
    page = first.json()
    assert [one["pass_id"] for one in page["sightings"]] == [both.pass_id, read.pass_id]
    assert page["sightings"][0]["why"]["appearance"] == pytest.approx(1, abs=0.01)
    assert page["photo"]["vehicles"][0]["text"] == "475KMT16"
    assert page["photo"]["sha256"] == hashlib.sha256(data).hexdigest()
    second = ask(api, "/search/photo", photo=photo, limit=2, patience_s=8, cursor=page["next"]).json()
    assert [one["pass_id"] for one in second["sightings"]] == [alike.pass_id]
    table = ask(api, "/search/photo/export", photo=photo, format="csv").raise_for_status().text
    assert table.count("475KMT16") == 2
    for one in AuditLog(database).records():
        assert one.record["details"]["query"]["photo"] == {"sha256": page["photo"]["sha256"], "vehicle": 0}
        assert photo[:100] not in json.dumps(one.record)


def test_photos_that_are_none_and_regions_that_look_at_none(
    api: str, database: Database, dsn: str, s3_access: S3Access, tmp_path: Path
) -> None:
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    for asked, code in (
        ({"photo": "not base64!"}, "invalid-photo"),
        ({"photo": ""}, "invalid-photo"),
        ({"photo": base64.b64encode(b"<svg/>").decode()}, "invalid-photo"),
        ({"photo": base64.b64encode(bomb).decode()}, "invalid-photo"),
        ({}, "invalid-parameter"),
        ({"photo": base64.b64encode(as_file(drawn())).decode(), "plate": "123ABC02"}, "invalid-plate"),
        ({"photo": "", "case": ""}, "purpose-lacking"),
    ):
        refused = ask(api, "/search/photo", **asked)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    models = TypeAdapter(ModelChoice).dump_json(ModelChoice(tmp_path)).decode()  # as a region tells it
    with serving_process(dsn, s3_access, BEKET_API_MODELS=models) as bare:
        missing = ask(bare, "/search/photo", photo=base64.b64encode(as_file(drawn())).decode())
    assert (missing.status_code, missing.json()["code"]) == (503, "models-missing")
    assert "beket models pull" in missing.json()["detail"]
    assert list(AuditLog(database).records()) == []


def test_a_route_is_one_vehicles_and_is_accounted_for(api: str, database: Database, traffic: list[str]) -> None:
    drawn = ask(api, "/search/route", plate="123ABC02").raise_for_status()
    assert drawn.headers["content-type"] == "application/geo+json"
    assert drawn.headers["cache-control"] == "private, no-store"
    line, *points = drawn.json()["features"]
    assert line["geometry"]["coordinates"] == [[76.9, 43.24], [76.95, 43.24], [71.4, 51.1]]
    assert [point["properties"]["pass_id"] for point in points] == [traffic[0], traffic[2], traffic[3]]
    alert_id = points[2]["properties"]["hits"][0]["alert_id"]
    (hit,) = ask(api, "/search/route", alert_id=alert_id).raise_for_status().json()["features"]
    assert hit["properties"]["pass_id"] == traffic[3]
    for asked, code in (
        ({}, "invalid-route"),
        ({"plate": "123*"}, "invalid-route"),
        ({"alert_id": "x"}, "invalid-parameter"),
        ({"plate": "123ABC02", "reason": ""}, "purpose-lacking"),
    ):
        assert ask(api, "/search/route", **asked).json()["code"] == code
    told = [(one.record["action"], one.record["results"]) for one in AuditLog(database).records()]
    assert told == [("route", 3), ("route", 1)]

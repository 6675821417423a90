"""Alerts, their pictures and the cameras, as the API tells them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from storage.alerts import AlertBook, PictureKind
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.events import EventLog
from storage.hits import HitBook
from storage.sealing import Seal
from tests.api.serving import get
from tests.fixtures.records import NOON, make_match, make_read

JPEG = b"\xff\xd8\xff\xe0 not really a picture \xff\xd9"


@pytest.fixture
def hits(database: Database) -> HitBook:
    return HitBook(database)


def test_alerts_come_page_by_page_newest_first(api: str, hits: HitBook, database: Database) -> None:
    raised = [
        str(
            hits.record(
                make_read(pass_id=f"p{n}", seen_at=NOON + timedelta(minutes=n)), make_match(), same_alert_within_s=0
            ).alert_id
        )
        for n in range(7)
    ]
    seen: list[str] = []
    before = None
    while True:
        query = {"limit": "3"} | ({"before": before} if before else {})
        page = get(api + "/alerts", params=query).raise_for_status().json()
        seen += [alert["alert_id"] for alert in page["alerts"]]
        assert page["cursor"] == EventLog(database).last_cursor()
        before = page["next"]
        if before is None:
            break
    assert seen == raised[::-1]


def test_an_alert_reads_the_same_everywhere(api: str, hits: HitBook, database: Database) -> None:
    alert_id = hits.record(make_read(), make_match(), same_alert_within_s=0).alert_id
    one = get(f"{api}/alerts/{alert_id}").raise_for_status().json()
    (listed,) = get(f"{api}/alerts").json()["alerts"]
    assert one == listed
    stored = AlertBook(database).get(alert_id)
    assert stored is not None
    told = stored.as_json()
    assert set(one) == set(told)
    assert {name: one[name] for name in ("text", "characters", "score", "kind", "entry", "clip", "picture")} == {
        **{name: told[name] for name in ("text", "characters", "score", "kind", "clip", "picture")},
        "entry": {**told["entry"], "valid_until": told["entry"]["valid_until"].replace("+00:00", "Z")},
    }


def test_pictures(api: str, hits: HitBook) -> None:
    pictures = {PictureKind.PLATE: JPEG}
    alert_id = hits.record(make_read(), make_match(), same_alert_within_s=0, pictures=pictures).alert_id
    plate = get(f"{api}/alerts/{alert_id}/plate")
    assert (plate.status_code, plate.content) == (200, JPEG)
    assert plate.headers["content-type"] == "image/jpeg"
    assert plate.headers["cache-control"] == "private, no-store"
    vehicle = get(f"{api}/alerts/{alert_id}/picture")
    assert (vehicle.status_code, vehicle.json()["code"]) == (410, "picture-lost")


def test_a_picture_that_may_still_come(api: str, hits: HitBook) -> None:
    alert_id = hits.record(make_read(closed=False), make_match(), same_alert_within_s=0).alert_id
    answer = get(f"{api}/alerts/{alert_id}/plate")
    assert (answer.status_code, answer.json()["code"]) == (409, "picture-pending")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("rest", ["", "/picture", "/plate"])
def test_an_unknown_alert(api: str, rest: str) -> None:
    answer = get(f"{api}/alerts/{uuid4()}{rest}")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-alert")
    wrong = get(f"{api}/alerts/123ABC02{rest}")
    assert wrong.status_code == 422
    assert "123ABC02" not in wrong.text  # an address is not echoed: someone may have put a plate there


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=1", "before='; DROP TABLE alerts"])
def test_wrong_parameters(api: str, query: str) -> None:
    answer = get(f"{api}/alerts?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")


def test_cameras_without_their_addresses(api: str, database: Database) -> None:
    book = CameraBook(database, Seal("key"))
    book.put(
        [
            Camera("c1", "Abay avenue", "rtsp://user:secret@10.0.0.1/one", "Almaty"),
            Camera("c2", "Ring road", "rtsp://user:secret@10.0.0.2/two", enabled=False),
        ]
    )
    book.set_state("c1", "stalled", "timeout", NOON + timedelta(days=3650))
    answer = get(api + "/cameras").raise_for_status()
    assert "secret" not in answer.text
    assert "10.0.0" not in answer.text
    first, second = answer.json()["cameras"]
    assert (first["name"], first["place"], first["state"], first["reason"]) == (
        "Abay avenue",
        "Almaty",
        "stalled",
        "timeout",
    )
    assert (second["camera_id"], second["state"]) == ("c2", "disabled")

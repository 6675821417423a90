"""Cameras' health, as the API tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.camera_health import HealthBook, HealthFigures, HealthReason, HealthRecord
from storage.cameras import Camera, CameraBook
from storage.database import Database
from storage.sealing import Seal
from tests.api.serving import Reader, get

NOW = datetime.now(UTC).replace(microsecond=0)
BLURRED = HealthReason(
    "blurred", 0.8, 48, 0.3, 0.5, "share", "less sharp than it was", "focus and clean the lens", NOW.isoformat()
)
FIGURES = HealthFigures("hevc", 1920, 1080, 25.0, 4e6, 2.0, 0.0)


def test_health_now_its_history_and_its_events(api: str, database: Database, tmp_path: Path) -> None:
    cameras = CameraBook(database, Seal.from_file(tmp_path / "key"))
    url = "rtsp://admin:hunter2@10.0.0.1/"
    cameras.put([Camera("a", "A", url), Camera("b", "B", url), Camera("off", "Off", url, enabled=False)])
    book = HealthBook(database)
    settled = frozenset({"blurred"})
    with Reader(api, "?cursor=0") as reader:
        book.record([HealthRecord("a", NOW - timedelta(hours=2), (), settled, FIGURES)])
        book.record([HealthRecord("a", NOW, (BLURRED,), settled, FIGURES)])
        book.record([HealthRecord("off", NOW, (BLURRED,), settled, FIGURES)])
        told = reader.wait_for(2)[0]
    assert (told.kind, told.document["data"]["camera_id"]) == ("camera.health", "a")
    assert (told.document["data"]["raised"], told.document["data"]["score"]) == (["blurred"], 52)

    first, second, off = get(api + "/cameras").raise_for_status().json()["cameras"]
    assert first["score"] == 52
    [reason] = first["reasons"]
    assert (reason["code"], reason["points"], reason["measured"], reason["required"]) == ("blurred", 48, 0.3, 0.5)
    assert reason["way_out"] == "focus and clean the lens"
    assert datetime.fromisoformat(first["judged_at"]) == NOW
    for other in (second, off):  # one never watched, one switched off
        assert (other["score"], other["reasons"], other["judged_at"]) == (None, [], None)

    answer = get(api + "/cameras/a/health", params={"hours": 1}).raise_for_status().json()
    assert [sample["score"] for sample in answer["history"]] == [52]
    assert answer["now"]["measured"]["codec"] == "hevc"
    answer = get(api + "/cameras/a/health", params={"hours": 3}).raise_for_status().json()
    assert [sample["score"] for sample in answer["history"]] == [52, 100]
    assert len(get(api + "/cameras/a/health?hours=3&limit=1").json()["history"]) == 1
    assert get(api + "/cameras/b/health").json() == {"camera_id": "b", "now": None, "history": []}
    assert get(api + "/cameras/none/health").status_code == 404
    assert get(api + "/cameras/a/health?hours=0").status_code == 422
    assert "hunter2" not in str(answer)

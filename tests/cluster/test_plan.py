"""Cameras are placed evenly and stay where they are."""

from __future__ import annotations

from pathlib import Path

from cluster.home import Home
from cluster.plan import camera_record, ingest_names, ingest_options, place_cameras
from cluster.settings import CameraSettings, RegionSettings
from storage.cameras import Camera


def cameras(*names: str) -> list[Camera]:
    return [Camera(name, name, f"rtsp://{name}/") for name in names]


def test_there_is_an_ingest_for_every_so_many_cameras() -> None:
    assert ingest_names(0, 100) == ["ingest-0"]
    assert ingest_names(100, 100) == ["ingest-0"]
    assert ingest_names(101, 100) == ["ingest-0", "ingest-1"]


def test_cameras_spread_evenly_and_stay() -> None:
    placed = place_cameras(cameras("a", "b", "c", "d"), ["x", "y"], {})
    assert {name: len(specs) for name, specs in placed.items()} == {"x": 2, "y": 2}
    before = {spec.camera_id: name for name, specs in placed.items() for spec in specs}
    again = place_cameras(cameras("d", "c", "a", "e", "f"), ["x", "y"], before)
    after = {spec.camera_id: name for name, specs in again.items() for spec in specs}
    assert {name: after[name] for name in "acd"} == {name: before[name] for name in "acd"}
    assert {len(specs) for specs in again.values()} == {2, 3}


def test_cameras_of_an_ingest_that_is_no_more_find_a_place() -> None:
    placed = place_cameras(cameras("a", "b"), ["x"], {"a": "gone", "b": "x"})
    assert sorted(spec.camera_id for spec in placed["x"]) == ["a", "b"]


def test_home_is_put_into_addresses() -> None:
    camera = CameraSettings.model_validate({"id": "a", "url": "file:${home}/a.mp4"})
    record = camera_record(camera, Home(Path("/srv/beket")))
    assert record.url == "file:/srv/beket/a.mp4"
    assert record.name == "a"


def test_the_ring_outlasts_the_clip() -> None:
    settings = RegionSettings.model_validate({"clips": {"pre_s": 10, "post_s": 5}})
    options = ingest_options(settings, Path("x"))
    assert options.session.ring.seconds > 15

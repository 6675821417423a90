"""From settings to what actors are told."""

from __future__ import annotations

from pathlib import Path

from cluster.camera_rules import camera_record
from cluster.home import Home
from cluster.plan import ingest_options
from cluster.settings import CameraSettings, RegionSettings


def test_home_is_put_into_addresses() -> None:
    camera = CameraSettings.model_validate({"id": "a", "url": "file:${home}/a.mp4"})
    record = camera_record(camera, Home(Path("/srv/beket")))
    assert record.url == "file:/srv/beket/a.mp4"
    assert record.name == "a"


def test_the_ring_outlasts_the_clip() -> None:
    settings = RegionSettings.model_validate({"clips": {"pre_s": 10, "post_s": 5}})
    options = ingest_options(settings, Path("x"))
    assert options.session.ring.seconds > 15


def test_a_kind_of_nodes_may_decode_otherwise() -> None:
    settings = RegionSettings.model_validate({"passes": {"decoder": "auto"}, "models": {"gpu": {"device": 1}}})
    chosen = [ingest_options(settings, Path("x"), decoder).session.watch.decoding for decoder in (None, "cpu")]
    assert [(each.decoder, each.device) for each in chosen] == [("auto", 1), ("cpu", 1)]

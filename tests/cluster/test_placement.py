"""Ingests are made kind by kind as far as the cluster has room; cameras are placed by share and stay where they are."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.errors import RegionError
from cluster.placement import IngestPlan, place_cameras, plan_ingests
from cluster.settings.processes import RaySettings
from storage.cameras import Camera

GPU_AND_CPU = (
    {"name": "gpu", "count": 4, "cameras": 400, "gpus": 0.5, "cpus": 2},
    {"name": "cpu", "cameras": 100, "cpus": 2, "resource": "plain"},
)


def cameras(*names: str) -> list[Camera]:
    return [Camera(name, name, f"rtsp://{name}/") for name in names]


def ingests(*names: str, room: int = 100) -> list[IngestPlan]:
    return [IngestPlan(name, room) for name in names]


def planned(count: int, *kinds: dict[str, Any], **cluster: float) -> tuple[list[str], tuple[str, ...]]:
    settings = RaySettings.model_validate({"ingests": kinds})
    found = plan_ingests(count, settings, cluster)
    return [ingest.name for ingest in found.ingests], found.remarks


@pytest.mark.parametrize(("count", "names"), [(0, 1), (100, 1), (101, 2)])
def test_there_is_an_ingest_for_every_so_many_cameras(count: int, names: int) -> None:
    made = plan_ingests(count, RaySettings(), {}).ingests
    assert [ingest.name for ingest in made] == [f"ingest-{n}" for n in range(names)]
    assert all(ingest.claim.options == {"num_cpus": 0, "num_gpus": 0, "resources": {}} for ingest in made)


def test_kinds_are_filled_in_their_order() -> None:
    room = {"CPU": 64, "GPU": 2, "plain": 1}
    assert planned(300, *GPU_AND_CPU, **room) == (["ingest-gpu-0"], ())
    names, remarks = planned(1750, *GPU_AND_CPU, **room)
    assert names == [*(f"ingest-gpu-{n}" for n in range(4)), "ingest-cpu-0", "ingest-cpu-1"]
    assert remarks == ()


def test_what_has_no_room_is_left_to_the_kinds_behind() -> None:
    names, remarks = planned(800, *GPU_AND_CPU, CPU=64, GPU=0.5, plain=1)
    assert names == ["ingest-gpu-0", *(f"ingest-cpu-{n}" for n in range(4))]
    assert remarks == ("ray.ingests gpu: room for 1 of 2, each of which wants 2 CPU, 0.5 GPU",)
    names, remarks = planned(800, *GPU_AND_CPU, CPU=8, plain=1)
    assert names == [f"ingest-cpu-{n}" for n in range(4)]
    assert remarks[-1].startswith("800 cameras share ingests that are for 400")
    with pytest.raises(RegionError, match=r"no room for an ingest.*a node with plain"):
        planned(1, *GPU_AND_CPU, CPU=64)


def test_cameras_spread_by_share_and_stay() -> None:
    xy = ingests("x", "y")
    placed = place_cameras(cameras("a", "b", "c", "d"), xy, {})
    assert {name: len(specs) for name, specs in placed.items()} == {"x": 2, "y": 2}
    before = {spec.camera_id: name for name, specs in placed.items() for spec in specs}
    again = place_cameras(cameras("d", "c", "a", "e", "f"), xy, before)
    after = {spec.camera_id: name for name, specs in again.items() for spec in specs}
    assert {name: after[name] for name in "acd"} == {name: before[name] for name in "acd"}
    assert {len(specs) for specs in again.values()} == {2, 3}

    uneven = [*ingests("large", room=400), *ingests("small", room=100)]
    placed = place_cameras(cameras(*(f"c{n}" for n in range(50))), uneven, {})
    assert {name: len(specs) for name, specs in placed.items()} == {"large": 40, "small": 10}


def test_cameras_of_an_ingest_that_is_no_more_find_a_place() -> None:
    placed = place_cameras(cameras("a", "b"), ingests("x"), {"a": "gone", "b": "x"})
    assert sorted(spec.camera_id for spec in placed["x"]) == ["a", "b"]

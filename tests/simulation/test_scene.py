"""Drawn scenes are what their truth says, and the same at every draw."""

from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from models.training.vehicle import View
from simulation.clip import truth, write_clip
from simulation.number_plate import draw_number_plate
from simulation.road import Light
from simulation.scene import Scene
from simulation.traffic import DEMO_ROADS, Drive, build, demo_scenes


def _scene(light: Light = Light.DAY) -> Scene:
    drives = (
        Drive("123ABC02", "kz2012", "car", "red", 0, 0.2, 90),
        Drive("77AA", "kz1993", "suv", "white", 1, 0.5, 80, View.REAR),
    )
    return build("test", drives, light=light, duration_s=4.0, fps=5)


def test_frames_are_the_same_at_every_draw() -> None:
    first, second = list(islice(_scene().frames(), 12)), list(islice(_scene().frames(), 12))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("light", list(Light))
def test_the_plate_stands_where_the_truth_says(light: Light) -> None:
    scene = _scene(light)
    frames = list(scene.frames())
    seen = next(p for p in truth(scene) if p.text == "123ABC02")
    t, x, y, w, h = seen.boxes[-1]
    picture = frames[round(t * scene.fps)][round(y) : round(y + h), round(x) : round(x + w)].astype(float)
    around = frames[round(t * scene.fps)][round(y + 2 * h) : round(y + 3 * h), round(x) : round(x + w)].astype(float)
    assert w > 60, "the plate comes near enough to be read"
    assert picture.std() > 1.5 * around.std(), "characters on a plate stand out from bodywork"


def test_an_approaching_plate_grows_and_a_leaving_one_shrinks() -> None:
    scene = _scene()
    for crossing, grows in zip(scene.crossings, (True, False), strict=True):
        times = np.arange(0, scene.duration_s, 0.2)
        widths = [float(np.ptp(c[:, 0])) for t in times if (c := scene.plate_corners(crossing, t)) is not None]
        assert np.all(np.diff(widths) > 0) == grows
        assert len(widths) > 5


def test_a_halted_vehicle_stands_still_and_drives_on() -> None:
    drive = Drive("123ABC02", "kz2012", "car", "red", 0, 0.0, 90, stop_at_m=20.0, stop_s=3.0)
    crossing = build("queue", [drive]).crossings[0]
    assert crossing.distance_m(2.5, 10.0) == crossing.distance_m(4.5, 10.0) == pytest.approx(20.0)
    assert crossing.distance_m(5.5, 10.0) == pytest.approx(75 - 2.5 * 25)


def test_a_written_clip_decodes_to_all_its_frames(tmp_path: Path) -> None:
    shares: list[float] = []
    path = write_clip(_scene(), tmp_path / "road.mp4", progress=shares.append)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert path.with_suffix(".json").exists()
    assert shares[-1] == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["road.json", "road.mp4"]


def test_every_demo_plate_can_be_seen_whole() -> None:
    for scene in demo_scenes():
        assert {p.text for p in truth(scene)} == {d.text for d in DEMO_ROADS[scene.name][2]}


def test_an_unknown_design_is_refused() -> None:
    with pytest.raises(KeyError, match="moon"):
        draw_number_plate("123ABC02", "moon")

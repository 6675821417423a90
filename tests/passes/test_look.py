"""What of a frame is searched for plates, and how often."""

from __future__ import annotations

from index.read import Box
from passes.look import Lookout
from passes.options import LookOptions, PassOptions
from passes.pipeline import Detectors, PassPipeline
from passes.regions import Followed, Region
from tests.passes.scenery import SIZE, Around, Car, DrawnFrame, Finder, Names, driving, frames

PLATE_PX = PassOptions().read.min_width_px


def on_an_empty_road() -> tuple[Finder, Lookout]:
    """After three seconds in which nothing moved."""
    finder = Finder()
    lookout = Lookout(finder, LookOptions(), least_plate_px=PLATE_PX)
    for k in range(18):
        lookout.find(DrawnFrame(k / 6, []), [])
    return finder, lookout


def test_the_motion_of_a_followed_vehicle_is_not_searched_for_others() -> None:
    finder, lookout = on_an_empty_road()
    before = finder.looks
    for k in range(6):
        plate = Box(200 + 8 * k, 200, 40, 9)
        near = Region(int(plate.x) - 20, 180, int(plate.x) + 60, 230)
        vehicle = Region(int(plate.x) - 40, 120, int(plate.x) + 80, 218)  # as it is drawn
        followed = Followed(near, near, vehicle, vehicle, plate.w, is_due=False, is_hard=False)
        lookout.find(DrawnFrame(3 + k / 6, [(1, plate)]), [followed])
    assert finder.looks - before == 1, "a place where something moves is searched once when nobody has looked there yet"


def test_what_is_smaller_than_a_vehicle_is_not_searched_but_at_the_edge() -> None:
    def looks(x: float, y: float) -> int:
        finder, lookout = on_an_empty_road()
        before = finder.looks
        for k in range(6):
            lookout.find(DrawnFrame(3 + k / 6, [(1, Box(x + 4 * k, y, 12, 3))]), [])
        return finder.looks - before

    assert looks(300, 180) == 0, "36 px of vehicle have no plate of 28"
    assert looks(300, SIZE[1] - 1) > 0, "of a vehicle that comes in no more may be in view"


def test_a_plate_just_missed_is_not_looked_for_in_every_frame() -> None:
    hidden_from_s = 2.5
    now = [0.0]
    finder = Finder(hidden=lambda: now[0] >= hidden_from_s)
    pipeline = PassPipeline("cam-1", Detectors(finder, Around()), Names({1: "123ABC02"}))
    looks = []
    for frame in frames([Car("123ABC02", driving(0.5, (60, 100), (600, 300), 4.0, (40, 60)), 1)], seconds=4.0):
        now[0] = frame.t
        before = finder.looks
        pipeline.process(frame)
        if hidden_from_s <= frame.t < hidden_from_s + 1.0:
            looks.append(finder.looks - before)
    assert len(looks) == 6
    assert 1 <= sum(looks) <= 3

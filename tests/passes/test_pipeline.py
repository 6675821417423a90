"""One vehicle, one pass: on drawn roads with detectors that see what is drawn."""

from datetime import timedelta

import numpy as np

from index.read import Box
from passes.options import PassOptions, TrackOptions
from passes.pipeline import Detectors, PassPipeline
from passes.record import Pass
from tests.passes.scenery import NOON, Around, Car, DrawnFrame, Finder, Names, driving, frames

TEXTS = {1: "123ABC02", 2: "777XYZ05", 3: "A456BCD"}


def _run(
    road: list[DrawnFrame], *, names: Names | None = None, finder: Finder | None = None, vehicles: bool = True
) -> tuple[list[Pass], PassPipeline]:
    pipeline = PassPipeline(
        "cam-1", Detectors(finder or Finder(), Around() if vehicles else None), names or Names(TEXTS)
    )
    out = [one for frame in road for one in pipeline.process(frame)]
    return out + pipeline.flush(), pipeline


def _closed(passes: list[Pass]) -> list[str]:
    return sorted(one.read.text for one in passes if one.read.closed)


def test_a_vehicle_driving_by_is_one_pass_with_its_best_frame() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 2.0, (24, 70)), 1)
    passes, pipeline = _run(frames([car], seconds=5))
    (final,) = [one for one in passes if one.read.closed]
    read = final.read
    assert (read.text, read.lines, read.vehicle_type, read.country) == ("123ABC02", 1, "car", "kz")
    assert read.t_in is not None
    assert read.t_out is not None
    assert read.best_t is not None
    assert 0.9 <= read.t_in <= read.best_t <= read.t_out <= 3.1
    assert read.plate_box.w > 40, "the best frame is one in which the plate is near"
    assert read.score > 0.97
    assert final.plate_picture.shape[1] >= read.plate_box.w
    x, y = final.picture_origin
    assert x <= read.plate_box.x
    assert y <= read.plate_box.y
    assert pipeline.counts.passes == 1


def test_a_certain_reading_is_reported_before_the_pass_closes_under_the_same_id() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 3.0, (40, 70)), 1)
    passes, _ = _run(frames([car], seconds=6))
    assert [one.read.closed for one in passes] == [False, True]
    assert len({one.read.pass_id for one in passes}) == 1


def test_a_replay_gives_the_same_ids_and_a_live_stream_takes_them_from_the_clock() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 2.0, (24, 70)), 1)
    first, _ = _run(frames([car], seconds=5))
    again, _ = _run(frames([car], seconds=5))
    live, _ = _run(frames([car], seconds=5, live=True))
    assert [one.read.pass_id for one in first] == [one.read.pass_id for one in again]
    assert first[0].read.pass_id.startswith("00000000010")
    assert live[0].read.pass_id.startswith(str(int(NOON.timestamp()) + 1))
    assert live[0].read.seen_at is not None
    assert live[0].read.camera_at == live[0].read.seen_at + timedelta(seconds=3), "the same frame by the camera's clock"


def test_two_vehicles_that_cross_keep_their_plates() -> None:
    one = Car(TEXTS[1], driving(0.5, (80, 100), (560, 250), 2.0, (40, 40)), 1)
    other = Car(TEXTS[2], driving(0.5, (560, 105), (80, 255), 2.0, (40, 40)), 2)
    passes, pipeline = _run(frames([one, other], seconds=5))
    assert _closed(passes) == sorted([TEXTS[1], TEXTS[2]])
    assert pipeline.counts.repeated == 0


def test_a_fast_vehicle_that_moves_several_plates_a_frame_is_one_pass() -> None:
    car = Car(TEXTS[1], driving(1.0, (60, 100), (600, 300), 0.9, (45, 60)), 1)
    passes, pipeline = _run(frames([car], seconds=4))
    assert _closed(passes) == [TEXTS[1]]
    assert pipeline.counts.repeated == 0


def test_a_vehicle_behind_another_in_its_lane_is_its_own_pass() -> None:
    cars = [Car(TEXTS[n], driving(0.5 + 0.9 * n, (300, 40), (340, 340), 1.6, (26, 60)), n) for n in (1, 2, 3)]
    passes, _ = _run(frames(cars, seconds=7))
    assert _closed(passes) == sorted(TEXTS.values())


def _waiting(t: float) -> Box | None:
    arriving, leaving = (
        driving(1.0, (60, 60), (300, 200), 1.5, (30, 50)),
        driving(20.0, (300, 200), (560, 340), 1.5, (50, 70)),
    )
    if 2.5 < t < 20.0:
        return Box(275.0, 194.4, 50.0, 11.1)
    return arriving(t) or leaving(t)


def test_a_waiting_vehicle_is_one_pass_and_is_not_read_over_and_over() -> None:
    names = Names(TEXTS)
    passes, pipeline = _run(frames([Car(TEXTS[1], _waiting, 1)], seconds=24), names=names)
    assert _closed(passes) == [TEXTS[1]]
    (final,) = [one.read for one in passes if one.read.closed]
    assert final.t_out is not None
    assert final.t_out > 20
    assert names.read_crops < 30, "of 120 frames in which it was seen"
    assert pipeline.counts.repeated == 0


def test_a_waiting_vehicle_hidden_for_seconds_stays_one_pass() -> None:
    def hidden(t: float) -> Box | None:
        return None if 8.0 < t < 12.0 else _waiting(t)

    passes, _ = _run(frames([Car(TEXTS[1], hidden, 1)], seconds=24))
    assert _closed(passes) == [TEXTS[1]]


def test_a_waiting_vehicle_is_the_same_after_the_stream_slept() -> None:
    road = [f for f in frames([Car(TEXTS[1], _waiting, 1)], seconds=24) if not 4.0 < f.t < 18.0]
    passes, _ = _run(road)
    assert _closed(passes) == [TEXTS[1]]


def test_another_vehicle_that_takes_the_place_of_a_waiting_one_is_another_pass() -> None:
    first = Car(TEXTS[1], lambda t: _waiting(t) if t < 8 else None, 1)
    then = Car(TEXTS[2], lambda t: _waiting(t) if t >= 8.5 else None, 2)
    passes, _ = _run(frames([first, then], seconds=24))
    assert _closed(passes) == sorted([TEXTS[1], TEXTS[2]])


def test_a_vehicle_lost_from_sight_while_driving_is_not_counted_twice() -> None:
    place = driving(1.0, (60, 60), (560, 330), 5.0, (30, 60))
    car = Car(TEXTS[1], lambda t: None if 2.5 < t < 4.5 else place(t), 1)
    passes, pipeline = _run(frames([car], seconds=9))
    assert _closed(passes) == [TEXTS[1]]
    assert pipeline.counts.repeated <= 1


def test_writing_on_a_wall_is_no_pass_and_is_counted() -> None:
    wall = Car(TEXTS[2], lambda t: Box(300, 100, 60, 14), 2)
    passes, pipeline = _run(frames([wall], seconds=12), vehicles=False)
    assert passes == []
    assert pipeline.counts.static == 1


def test_a_sign_that_is_seen_now_and_then_while_vehicles_pass_is_no_pass() -> None:
    sign = Car(TEXTS[2], lambda t: Box(300, 60, 60, 14) if round(t * 6) % 17 < 2 else None, 2)
    cars = [Car(TEXTS[n], driving(2.0 * n, (60, 250), (580, 280), 1.8, (50, 60)), n) for n in (1, 3)]
    passes, _ = _run(frames([sign, *cars], seconds=12), vehicles=False)
    assert _closed(passes) == sorted([TEXTS[1], TEXTS[3]])


def test_a_parked_vehicle_is_one_pass() -> None:
    parked = Car(TEXTS[1], lambda t: Box(300, 200, 60, 14), 1)
    passes, _ = _run(frames([parked], seconds=15))
    assert _closed(passes) == [TEXTS[1]]


def test_times_that_start_anew_forget_what_had_passed() -> None:
    car = Car(TEXTS[1], driving(0.5, (100, 60), (500, 320), 2.0, (40, 70)), 1)
    passes, _ = _run(frames([car], seconds=9) + frames([car], seconds=9))
    assert _closed(passes) == [TEXTS[1], TEXTS[1]]


def test_a_plate_without_a_vehicle_box_counts_when_it_moves() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 2.0, (24, 70)), 1)
    passes, _ = _run(frames([car], seconds=5), vehicles=False)
    (final,) = [one.read for one in passes if one.read.closed]
    assert (final.vehicle_box, final.vehicle_type) == (None, None)


def test_a_plate_that_cannot_be_read_is_counted_and_not_told() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 2.0, (30, 60)), 1)
    passes, pipeline = _run(frames([car], seconds=5), names=Names({}))
    assert passes == []
    assert (pipeline.counts.unread, pipeline.counts.unread_by_reason) == (1, {"illegible": 1})


def test_a_plate_too_small_to_read_is_counted() -> None:
    car = Car(TEXTS[1], driving(1.0, (100, 60), (500, 320), 2.0, (20, 24)), 1)
    _, pipeline = _run(frames([car], seconds=5))
    assert pipeline.counts.unread_by_reason == {"small": 1}


def test_reads_are_bounded_and_batched() -> None:
    names = Names(TEXTS, certainty=0.8)
    cars = [Car(TEXTS[n], driving(0.5, (100, 60 + 120 * n), (560, 60 + 120 * n), 6.0, (50, 50)), n) for n in (1, 2)]
    passes, _ = _run(frames(cars, seconds=9), names=names)
    assert _closed(passes) == sorted([TEXTS[1], TEXTS[2]])
    assert names.read_crops <= 2 * (PassOptions().read.reads + 6)
    assert max(names.batches) == 2, "crops of one frame go to the reader together"


def test_a_vehicle_that_stands_for_long_is_closed_once() -> None:
    options = PassOptions(track=TrackOptions(longest_pass_s=5.0))
    pipeline = PassPipeline("cam-1", Detectors(Finder(), Around()), Names(TEXTS), options)
    out = [one for frame in frames([Car(TEXTS[1], _waiting, 1)], seconds=24) for one in pipeline.process(frame)]
    assert _closed(out + pipeline.flush()) == [TEXTS[1]]


def test_the_idle_road_costs_sweeps_only() -> None:
    finder = Finder()
    _run(frames([], seconds=12), finder=finder)
    assert finder.looks <= 10, "72 frames, in which nothing moves"


def test_a_change_of_resolution_closes_what_was_seen() -> None:
    road = frames([Car(TEXTS[1], driving(0.5, (100, 60), (500, 320), 2.0, (40, 70)), 1)], seconds=1.8)
    small = [DrawnFrame(2.0 + k / 6, [], size=(320, 180)) for k in range(12)]
    passes, pipeline = _run(road + small)
    assert _closed(passes) == [TEXTS[1]]
    assert pipeline.counts.frames == len(road) + len(small)


def test_frames_come_faster_than_they_are_looked_at() -> None:
    _, pipeline = _run(frames([], seconds=4, fps=25))
    assert pipeline.counts.frames == 100
    assert 22 <= pipeline.counts.frames_detected <= 26


def test_pictures_of_a_pass_are_copies() -> None:
    car = Car(TEXTS[1], driving(0.5, (100, 60), (500, 320), 2.0, (40, 70)), 1)
    road = frames([car], seconds=4)
    passes, _ = _run(road)
    before = passes[-1].vehicle_picture.copy()
    for frame in road:
        frame.bgr()[:] = 0
    assert np.array_equal(passes[-1].vehicle_picture, before)


def test_after_the_stream_slept_an_unread_plate_is_not_the_vehicle_of_before() -> None:
    first = Car(TEXTS[1], driving(1.0, (300, 100), (360, 330), 2.4, (40, 70)), 1)
    unread = Car(TEXTS[2], lambda t: Box(380 + 2 * t, 300, 26, 6) if 4.3 < t < 6 else None, 2)
    road = [f for f in frames([first, unread], seconds=8) if not 2.9 < f.t < 4.3]
    passes, pipeline = _run(road)
    (read,) = [one.read for one in passes if one.read.closed]
    assert read.text == TEXTS[1]
    assert read.t_out is not None
    assert read.t_out < 3.0
    assert pipeline.counts.unread + pipeline.counts.static == 1


def test_all_is_known_when_each_vehicle_is_read_and_near() -> None:
    first = Car(TEXTS[1], driving(3.0, (100, 160), (560, 330), 3.0, (64, 130)), 1)
    far = Car(TEXTS[3], driving(5.0, (330, 60), (330, 150), 3.0, (30, 36)), 3)
    pipeline = PassPipeline("cam-1", Detectors(Finder(), Around()), Names(TEXTS))
    known = {}
    for frame in frames([first, far], seconds=6):
        pipeline.process(frame)
        known[round(frame.t, 2)] = pipeline.all_known
    assert not any(is_known for t, is_known in known.items() if t < 3.6), "read, but it comes nearer"
    assert known[4.83], "its plate is 80 px wide"
    assert not any(is_known for t, is_known in known.items() if 5.1 < t < 5.4), "another one comes"

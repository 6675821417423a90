"""Two certain sightings too far apart for the time make a clone; anything less does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.clones import CloneReason, CloneRule, CloneWatch, Place, Sighting, great_circle_km

from .conftest import NOW

ALMATY, ASTANA, NEAR_ALMATY = Place(43.238, 76.945), Place(51.128, 71.430), Place(43.241, 76.950)
PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


def seen(
    place: Place | None,
    minutes: float,
    number: int = 1,
    score: float = 0.999,
    text: str = "123ABC02",
    vehicle_type: str | None = None,
) -> Sighting:
    camera = "cam nowhere" if place is None else f"cam {place.latitude}"
    return Sighting(text, score, camera, str(number), place, NOW + timedelta(minutes=minutes), vehicle_type)


def test_the_distance_between_two_cities_is_known() -> None:
    assert great_circle_km(ALMATY, ASTANA) == pytest.approx(972, abs=5)


@given(PLACES, PLACES)
def test_distance_is_symmetric_and_within_half_the_earth(one: Place, other: Place) -> None:
    there = great_circle_km(one, other)
    assert there == pytest.approx(great_circle_km(other, one))
    assert 0 <= there <= 20015.2
    assert great_circle_km(one, one) == 0


def test_a_plate_in_two_cities_within_an_hour_is_cloned() -> None:
    watch = CloneWatch()
    assert watch.observe(seen(ALMATY, 0)) is None
    clone = watch.observe(seen(ASTANA, 60))
    assert clone is not None
    assert (clone.earlier.place, clone.later.place) == (ALMATY, ASTANA)
    assert clone.speed_kmh == pytest.approx(972 / 61 * 60, rel=0.01)


def test_the_order_of_arrival_changes_nothing() -> None:
    watch = CloneWatch()
    watch.observe(seen(ASTANA, 60))
    clone = watch.observe(seen(ALMATY, 0))
    assert clone is not None
    assert clone.earlier.place == ALMATY


@pytest.mark.parametrize(
    "second",
    [
        seen(ASTANA, 8 * 60),
        seen(NEAR_ALMATY, 0),
        seen(ASTANA, 60, score=0.9),
        seen(ASTANA, 60, text="777XYZ01"),
        seen(ASTANA, 25 * 60),
    ],
)
def test_what_one_vehicle_could_do_is_no_clone(second: Sighting) -> None:
    watch = CloneWatch()
    watch.observe(seen(ALMATY, 0))
    assert watch.observe(second) is None


def test_a_replay_is_not_reported_again() -> None:
    watch = CloneWatch()
    watch.observe(seen(ALMATY, 0))
    assert watch.observe(seen(ASTANA, 60)) is not None
    assert watch.observe(seen(ASTANA, 60)) is None


def test_a_plate_is_told_of_once_an_hour() -> None:
    watch = CloneWatch(CloneRule(again_after_h=1.0))
    told = [watch.observe(seen((ALMATY, ASTANA)[n % 2], 20 * n, n)) is not None for n in range(8)]
    assert told == [False, True, False, False, True, False, False, True]


def test_both_vehicles_are_remembered_while_they_take_turns() -> None:
    watch = CloneWatch(CloneRule(again_after_h=0.0))
    watch.observe(seen(ALMATY, 0, 1))
    watch.observe(seen(ASTANA, 60, 2))
    assert watch.observe(seen(NEAR_ALMATY, 90, 3)) is not None
    assert watch.observe(seen(ASTANA, 120, 4)) is not None


def test_the_road_is_what_counts_where_it_is_known() -> None:
    roads = {frozenset(("cam 43.238", "cam nowhere")): 400.0}
    for minutes, is_clone in ((60, True), (180, False)):
        watch = CloneWatch(roads=roads)
        watch.observe(seen(ALMATY, 0))
        clone = watch.observe(seen(None, minutes))
        assert (clone is not None) == is_clone
        if clone is not None:
            assert clone.distance_km == 400.0


def test_roads_are_longer_than_the_great_circle_where_we_are_told_so() -> None:
    for factor, is_clone in ((1.0, False), (1.3, True)):
        watch = CloneWatch(CloneRule(road_factor=factor))
        watch.observe(seen(ALMATY, 0))
        assert (watch.observe(seen(ASTANA, 6 * 60)) is not None) == is_clone


@pytest.mark.parametrize(
    ("before", "now", "is_clone"),
    [
        (["car", "truck"], "motorcycle", True),
        (["car", "car"], "bus", True),
        (["car"], "bus", False),  # one look may err
        (["car", "bus"], "motorcycle", False),
        (["car", "car"], "truck", False),  # detectors take one for the other
        (["car", None], "bus", False),
        (["car", "car"], None, False),
        (["car", "car"], "tractor", False),
    ],
)
def test_a_plate_on_another_kind_of_vehicle_is_cloned(
    before: list[str | None], now: str | None, is_clone: bool
) -> None:
    watch = CloneWatch()
    for number, vehicle_type in enumerate(before):
        assert watch.observe(seen(ALMATY, number, number, vehicle_type=vehicle_type)) is None
    clone = watch.observe(seen(None, 10, 10, vehicle_type=now))
    assert (clone is not None) == is_clone
    if clone is not None:
        assert clone.reason is CloneReason.VEHICLE
        assert (clone.earlier.vehicle_type, clone.later.vehicle_type) == (before[-1], now)
        assert clone.distance_km is None


@given(st.lists(st.tuples(st.sampled_from([ALMATY, NEAR_ALMATY]), st.floats(0, 1400)), max_size=12))
def test_a_vehicle_that_stays_in_town_is_no_clone(passes: list[tuple[Place, float]]) -> None:
    watch = CloneWatch()
    assert all(
        watch.observe(seen(place, at, number, vehicle_type="car")) is None for number, (place, at) in enumerate(passes)
    )
    assert len(watch) <= 1


def test_memory_is_bounded_and_can_be_cleared() -> None:
    watch = CloneWatch(CloneRule(), most_plates=10)
    for number in range(30):
        watch.observe(seen(ALMATY, number, text=f"{number:03d}ABC02"))
    assert len(watch) == 10
    assert watch.forget(NOW + timedelta(minutes=25)) == 5
    assert len(watch) == 5


def test_a_time_without_a_zone_is_refused() -> None:
    sighting = Sighting("123ABC02", 1.0, "cam", "1", ALMATY, NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        CloneWatch().observe(sighting)

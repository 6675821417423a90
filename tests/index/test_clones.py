"""Two certain sightings too far apart for the time make a clone; anything less does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.clones import CloneRule, CloneWatch, Place, Sighting, great_circle_km

from .conftest import NOW

ALMATY, ASTANA, NEAR_ALMATY = Place(43.238, 76.945), Place(51.128, 71.430), Place(43.241, 76.950)
PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


def seen(place: Place, minutes: float, number: int = 1, score: float = 0.999, text: str = "123ABC02") -> Sighting:
    return Sighting(text, score, f"cam {place.latitude}", str(number), place, NOW + timedelta(minutes=minutes))


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


def test_both_vehicles_are_remembered_while_they_take_turns() -> None:
    watch = CloneWatch()
    watch.observe(seen(ALMATY, 0, 1))
    watch.observe(seen(ASTANA, 60, 2))
    assert watch.observe(seen(NEAR_ALMATY, 90, 3)) is not None
    assert watch.observe(seen(ASTANA, 120, 4)) is not None


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

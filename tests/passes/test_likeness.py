"""What is kept of a vehicle's looks is of the vehicle alone: no plate, nothing from beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from index.appearance import DIMENSIONS, unpack_appearances
from index.read import Box
from models.appearance import AppearanceNetwork, masked, paint
from models.catalogue import open_appearance
from models.ports import Image
from models.supply.store import ModelStore
from passes.likeness import described
from tests.fixtures.records import make_read

VEHICLE, PLATE = Box(100, 50, 200, 160), Box(160, 160, 80, 20)
BESIDE = (7, 250, 3)


class Describer:
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Image, Box | None]] = []

    def describe(self, vehicles: Sequence[Image], plates: Sequence[Box | None]) -> NDArray[np.float32]:
        self.shown += zip(vehicles, plates, strict=True)
        return np.ones((len(vehicles), DIMENSIONS), np.float32)


def scene(colour: tuple[int, int, int], text: int = 255) -> Image:
    """A frame with a vehicle of one colour (BGR) and a plate on it; all that is no vehicle is ``BESIDE``."""
    frame = np.full((300, 400, 3), BESIDE, np.uint8)
    frame[50:210, 100:300] = colour
    frame[160:180, 160:240] = text
    frame[160:180:2, 160:240:3] = 0
    return frame


def test_only_the_vehicle_is_described() -> None:
    read = replace(make_read(), vehicle_box=VEHICLE, plate_box=PLATE)
    picture, origin, scale = scene((200, 30, 20))[20:280:2, 60:360:2], (60, 20), 0.5
    describer = Describer()
    done = described(read, picture, origin, scale, describer)
    ((shown, plate),) = describer.shown
    assert shown.shape == (80, 100, 3)
    assert not (shown == BESIDE).all(axis=2).any()
    assert plate == Box(30, 55, 40, 10)
    assert done.vehicle_colour == "blue"
    assert done.appearance is not None
    assert np.allclose(unpack_appearances([done.appearance]), 1 / np.sqrt(DIMENSIONS), atol=2e-3)
    without = described(replace(read, vehicle_box=None), picture, origin, scale, describer)
    assert (without.appearance, without.vehicle_colour, len(describer.shown)) == (None, None, 1)
    assert described(read, picture, origin, scale, None).appearance is None


def test_a_plate_is_painted_over() -> None:
    one, other = (masked(scene((90, 90, 90), text), PLATE) for text in (255, 120))
    assert np.array_equal(one, other)
    assert masked(one, None) is not one


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((250, 250, 250), "white"),
        ((20, 20, 20), "black"),
        ((95, 95, 95), "grey"),
        ((150, 150, 150), "silver"),
        ((30, 20, 200), "red"),
        ((200, 60, 20), "blue"),
        ((40, 160, 40), "green"),
        ((20, 220, 240), "yellow"),
        ((20, 130, 250), "orange"),
        ((15, 45, 90), "brown"),
    ],
)
def test_paints(colour: tuple[int, int, int], name: str) -> None:
    cut = scene(colour)[50:210, 100:300]
    # black is told from a night that shows nothing by what is bright on it: a plate, lamps
    cut[20:40] = 230 if name == "black" else colour
    assert paint(cut, Box(60, 110, 80, 20)) == name


def test_the_dark_has_no_colour() -> None:
    assert paint(np.full((100, 100, 3), 12, np.uint8), None) is None


@pytest.fixture(scope="module")
def network() -> AppearanceNetwork:
    return open_appearance(ModelStore())


def test_the_network_knows_a_vehicle_again_whatever_its_plate(network: AppearanceNetwork) -> None:
    random = np.random.default_rng(1)
    vehicles = [scene(tuple(random.integers(20, 235, 3).tolist()))[50:210, 100:300] for _ in range(6)]
    for vehicle in vehicles:
        x, y = random.integers(0, 150), random.integers(0, 60)
        vehicle[y : y + 40, x : x + 50] = random.integers(0, 255, 3)
    plate = Box(60, 110, 80, 20)
    again = [np.clip(vehicle.astype(np.int16) + 12, 0, 255).astype(np.uint8) for vehicle in vehicles]
    for picture in again:
        picture[110:130, 60:140] = random.integers(0, 255, (20, 80, 3))
    one, other = network.describe(vehicles, [plate] * 6), network.describe(again, [plate] * 6)
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-4)
    assert ((one @ other.T).argmax(axis=1) == np.arange(6)).all()

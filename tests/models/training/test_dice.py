from __future__ import annotations

import numpy as np

from models.training.dice import Dice


def test_the_same_seed_throws_the_same() -> None:
    def thrown(*seed: int) -> list[float]:
        dice = Dice(*seed)
        return [dice.random(), dice.uniform(3, 4), dice.integers(1 << 31), dice.normal(), *dice.random(3)]

    assert thrown(1, 2) == thrown(1, 2)
    assert thrown(1, 2) != thrown(1, 3)


def test_single_numbers_are_spread_as_numpys() -> None:
    dice = Dice(5)
    assert {dice.integers(3) for _ in range(200)} == {0, 1, 2}
    assert {dice.integers(-1, 2) for _ in range(200)} == {-1, 0, 1}
    assert {dice.choice(("a", "b")) for _ in range(50)} == {"a", "b"}
    assert {dice.choice(3, p=[0.5, 0.0, 0.5]) for _ in range(50)} == {0, 2}
    assert abs(np.mean([dice.uniform(2, 4) for _ in range(4000)]) - 3) < 0.05


def test_arrays_are_numpys() -> None:
    dice = Dice(6)
    assert dice.integers(0, 256, (2, 3), np.uint8).dtype == np.uint8
    assert dice.random(4, np.float32).shape == dice.uniform(0, 1, 4).shape == dice.choice(9, 4).shape == (4,)

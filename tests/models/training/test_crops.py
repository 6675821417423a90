from __future__ import annotations

import cv2
import numpy as np

from index.alphabet import BLANK, SLOTS, decode
from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH, NONE, CropMaker, fit
from models.training.layouts import FORMATS


def test_batches_are_the_same_for_the_same_seed_and_number() -> None:
    first, again = CropMaker(1).batch(3, 24), CropMaker(1).batch(3, 24)
    other = CropMaker(1).batch(4, 24)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.characters, again.characters)
    assert not np.array_equal(first.images, other.images)


def test_a_batch_says_what_it_shows() -> None:
    batch = CropMaker(2).batch(0, 400)
    assert batch.images.shape == (400, INPUT_HEIGHT, INPUT_WIDTH)
    assert batch.characters.shape == (400, SLOTS)
    is_none = batch.formats == NONE
    assert 0 < is_none.sum() < 60
    assert not batch.is_text[is_none].any()
    assert (batch.characters[is_none] == BLANK).all()
    assert batch.is_text.mean() > 0.85
    kazakh = np.mean([FORMATS[f].startswith("kz") for f in batch.formats])
    assert 0.25 < kazakh < 0.5
    assert 0.15 < batch.lines.mean() < 0.5
    assert all(len(decode(row)) >= 2 for row in batch.characters[batch.is_text])


def test_crops_come_in_the_sizes_cameras_give() -> None:
    maker, rng = CropMaker(3), np.random.default_rng(0)
    sizes = np.array([maker.crop(rng).image.shape for _ in range(200)])
    assert sizes[:, 1].min() < 70
    assert sizes[:, 1].max() > 250


def test_fit_shrinks_by_area_and_stretches_linearly() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (20, 50), np.uint8)
    large = rng.integers(0, 256, (200, 500), np.uint8)
    assert np.array_equal(fit(small), cv2.resize(small, (144, 48), interpolation=cv2.INTER_LINEAR))
    assert np.array_equal(fit(large), cv2.resize(large, (144, 48), interpolation=cv2.INTER_AREA))
    assert fit(rng.integers(0, 256, (1, 1), np.uint8)).shape == (48, 144)


def test_places_point_at_ink() -> None:
    batch = CropMaker(4).batch(0, 60)
    inside = batch.places[batch.is_text]
    inside = inside[inside[..., 0] > -9]
    assert ((inside > -0.1) & (inside < 1.1)).mean() > 0.98

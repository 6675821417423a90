"""Fusing: frames of one pass make a surer reading, none of them decides alone, and shifted characters are aligned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.alphabet import ALPHABET, SLOTS
from index.read import Posterior
from passes.fuse import Evidence, Tempering, agreement, fuse
from tests.fixtures.records import posterior_of

PLATES = st.text(alphabet=ALPHABET[:-1], min_size=4, max_size=SLOTS)
TABLES = st.integers(0, 2**32 - 1).map(
    lambda seed: Posterior(
        np.log(np.random.default_rng(seed).dirichlet(np.full(37, 0.2), SLOTS) + 1e-9).astype(np.float32)
    )
)


@given(st.lists(st.tuples(TABLES, st.floats(0, 1)), min_size=1, max_size=8))
def test_the_fused_posterior_is_normalised(frames: list[tuple[Posterior, float]]) -> None:
    fused = fuse([Evidence(p, w) for p, w in frames])
    if len(frames) > 1:
        np.testing.assert_allclose(np.exp(fused.log_probs.astype(np.float64)).sum(axis=1), 1, atol=1e-4)


@given(PLATES, st.integers(2, 8))
def test_agreeing_frames_are_surer_than_one_and_less_sure_than_independent_ones(text: str, count: int) -> None:
    one = posterior_of(text, 0.8)
    fused = fuse([Evidence(one, 0.9)] * count, Tempering(correlation=0.5))
    independent = fuse([Evidence(one, 0.9)] * count, Tempering(correlation=0.0))
    assert fused.text == text
    assert one.score < fused.score < independent.score


@given(PLATES)
def test_one_frame_is_left_as_it_is(text: str) -> None:
    one = posterior_of(text, 0.7)
    assert fuse([Evidence(one, 0.1)]) is one


def test_a_frame_that_missed_a_character_is_aligned_before_it_is_added() -> None:
    whole, short = posterior_of("123ABC02", 0.7), posterior_of("12ABC02", 0.7)
    fused = fuse([Evidence(whole, 1.0), Evidence(short, 0.8), Evidence(whole, 1.0), Evidence(short, 0.8)])
    assert fused.text == "123ABC02"
    assert min(fused.characters[3:]) > 0.7, "the frames agree on what follows the missed character"


def test_the_nearest_frame_cannot_hide_a_character() -> None:
    hidden, whole = Evidence(posterior_of("62BG335", 0.999), 0.99, 124.0), posterior_of("62EBG335", 0.99)
    fused = fuse([hidden, hidden, *(Evidence(whole, 0.9, width) for width in (83.0, 60.0, 49.0))])
    assert fused.text == "62EBG335"


def test_a_blurred_frame_weighs_less() -> None:
    sharp, blurred = posterior_of("123ABC02", 0.9), posterior_of("128ABC02", 0.9)
    assert fuse([Evidence(sharp, 0.9), Evidence(blurred, 0.2), Evidence(blurred, 0.2)]).text == "123ABC02"


def test_a_plate_seen_from_near_outweighs_the_same_seen_from_afar() -> None:
    near, far = posterior_of("123ABC02", 0.8), posterior_of("128ABC02", 0.8)
    fused = fuse([Evidence(far, 0.8, 40.0), Evidence(far, 0.8, 45.0), Evidence(near, 0.8, 120.0)])
    assert fused.text == "123ABC02"


def test_pixels_beyond_what_the_reader_takes_weigh_nothing() -> None:
    one, other = posterior_of("123ABC02", 0.8), posterior_of("128ABC02", 0.9)
    wide = fuse([Evidence(one, 0.8, 400.0), Evidence(other, 0.9, 200.0), Evidence(other, 0.9, 150.0)])
    assert wide.text == "128ABC02"


def test_one_frame_cannot_forbid_a_character() -> None:
    right, wrong = posterior_of("123ABC02", 0.6), posterior_of("173ABC02", 0.999999)
    assert fuse([Evidence(right, 1.0)] * 5 + [Evidence(wrong, 1.0)]).text == "123ABC02"


def test_nothing_to_fuse_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to fuse"):
        fuse([])


@given(PLATES)
def test_a_reading_agrees_with_itself(text: str) -> None:
    assert agreement(posterior_of(text, 0.999), posterior_of(text, 0.999)) > 0.95


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("123ABC02", "123ABC02", 0.9, 1.0),
        ("123ABC02", "128ABC02", 0.72, 0.95),
        ("123ABC02", "23ABC02", 0.72, 0.95),
        ("123ABC02", "777XYZ02", 0.0, 0.5),
    ],
)
def test_agreement_tells_misread_plates_from_other_plates(one: str, other: str, low: float, high: float) -> None:
    assert low <= agreement(posterior_of(one), posterior_of(other)) <= high


def test_blank_readings_agree_with_nothing() -> None:
    assert agreement(posterior_of(""), posterior_of("123ABC02")) == 0

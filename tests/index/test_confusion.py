"""A reader's faults are allowed for."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import VARIANTS, Confusion

from .conftest import any_confusion, certain_slots

A, ZERO = (ALPHABET.index(symbol) for symbol in "A0")


def test_a_confusion_survives_json() -> None:
    confusion = any_confusion(4)
    again = Confusion.from_json(json.loads(json.dumps(confusion.to_json())))
    logs = np.log(np.stack([certain_slots("123ABC02", 0.9)] * 2))
    one, other = (each.evidence(logs, [0.9, 0.4]) for each in (confusion, again))
    np.testing.assert_allclose(one.tables, other.tables, atol=1e-6)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)


def test_what_is_hard_to_read_is_doubted_more() -> None:
    confusion = replace(Confusion.even(), by_slot=0.5, by_read=0.7, edits_by_read=0.5, usual_legibility=2.0)
    logs = np.log(np.stack([certain_slots("123ABC02", 0.999)] * 3))
    evidence = confusion.evidence(logs, [0.98, float("nan"), 0.3])
    right = evidence.slots[:, 0, ALPHABET.index("1")]
    assert right[0] > right[1] > right[2]
    assert evidence.same[0] > evidence.same[1] > evidence.same[2]
    doubtful = confusion.evidence(np.log(certain_slots("123ABC02", 0.9))[None])
    shares = [each.slots[0, 0, ALPHABET.index("7")] / 0.1 for each in (evidence, doubtful)]
    assert shares[1] > shares[0] / 100  # a slot in doubt is wrong beyond its own belief too


def test_a_character_that_is_often_missed_is_a_likelier_plate() -> None:
    missed = np.full(BLANK, 0.5 / (BLANK - 1))
    missed[ALPHABET.index("I")] = 0.5
    evidence = replace(Confusion.even(), missed=missed).evidence(np.log(certain_slots("545CF03"))[None])
    texts = np.stack([encode(text) for text in ("545CIF03", "545CAF03")])
    likelihood = evidence.text_likelihood(np.zeros(2, dtype=int), texts)
    assert likelihood[0] > 20 * likelihood[1]


def test_a_record_that_is_no_confusion_is_refused() -> None:
    record = Confusion.even().to_json()
    with pytest.raises(ValueError, match="missing"):
        Confusion.from_json({name: value for name, value in record.items() if name != "missing"})
    with pytest.raises(ValueError, match="learn it anew"):
        Confusion.from_json({**record, "alphabet": "AB"})
    with pytest.raises(ValueError, match="each row"):
        replace(Confusion.even(), given=np.ones((37, 37)))
    with pytest.raises(ValueError, match="what is missed"):
        replace(Confusion.even(), missed=np.ones(BLANK))
    with pytest.raises(ValueError, match="legibilities"):
        Confusion.even().evidence(np.zeros((2, SLOTS, 37)), [0.5])


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    confusion=st.builds(Confusion.even, st.floats(1e-6, 0.1), st.floats(0, 0.05), st.floats(0, 0.05))
    | st.builds(any_confusion, st.integers(0, 2**32 - 1)),
)
def test_the_weights_of_the_variants_are_a_distribution(seed: int, confusion: Confusion) -> None:
    generator = np.random.default_rng(seed)
    logs = np.log(generator.dirichlet(np.full(37, generator.choice([0.02, 0.3, 3.0])), (3, SLOTS)) + 1e-12)
    evidence = confusion.evidence(logs, generator.random(3))
    np.testing.assert_allclose(evidence.slots.sum(axis=2), 1.0)
    assert (evidence.same >= 0).all()
    np.testing.assert_allclose(evidence.same + evidence.extra.sum(axis=1) + evidence.missing.sum(axis=1), 1.0)
    assert evidence.weights.shape == (3, VARIANTS)


def test_the_likelihoods_of_all_texts_sum_to_no_more_than_one() -> None:
    generator = np.random.default_rng(3)
    slots = np.full((SLOTS, len(ALPHABET)), 0.0)
    slots[:3, [ZERO, A, BLANK]] = generator.dirichlet(np.ones(3), 3)
    slots[3:, BLANK] = 1.0
    with np.errstate(divide="ignore"):
        logs = np.log(slots)[None]
    evidence = Confusion.even(residual=0.0, missing=0.0, extra=0.01).evidence(logs)
    texts = ["".join(symbols) for length in range(1, 4) for symbols in itertools.product("0A", repeat=length)]
    codes = np.stack([encode(text) for text in texts])
    likelihood = evidence.text_likelihood(np.zeros(len(codes), dtype=int), codes)
    assert 0.5 < likelihood.sum() <= 1.0 + 1e-9


def test_a_batch_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of posteriors"):
        Confusion.even().evidence(np.zeros((10, 37)))

"""A reader's faults are learned from its reads and allowed for."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import VARIANTS, Confusion, learn

from .conftest import certain_slots

A, B, LETTER_O, ZERO = (ALPHABET.index(symbol) for symbol in "ABO0")


def reads_of(
    generator: np.random.Generator, count: int, said: dict[str, str], share: float
) -> tuple[np.ndarray, list[str]]:
    """Certain reads of random texts in which a share of some letters is said as others."""
    texts = ["".join(ALPHABET[code] for code in generator.integers(0, 36, 7)) for _ in range(count)]
    slots = []
    for text in texts:
        read = "".join(said[s] if s in said and generator.random() < share else s for s in text)
        slots.append(certain_slots(read, 0.999))
    return np.log(np.stack(slots)), texts


def test_look_alikes_are_learned_from_reads() -> None:
    logs, texts = reads_of(np.random.default_rng(1), 1000, {"O": "0"}, 0.3)
    learned = learn(logs, texts)
    # Of the slots that say 0, 0.3 of all O against all of 0 are an O.
    assert learned.given[ZERO, LETTER_O] == pytest.approx(0.3 / 1.3, abs=0.05)
    assert learned.given[ZERO, LETTER_O] > 50 * learned.given[ZERO, A]
    assert learned.given[LETTER_O, ZERO] < 0.02
    assert learned.given[B, B] > 0.98


def test_a_reader_that_is_too_certain_is_cooled_or_smoothed() -> None:
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 36, (500, SLOTS))
    logs = np.full((500, SLOTS, len(ALPHABET)), np.log(1e-6))
    wrong = generator.random(codes.shape) < 0.05
    said = np.where(wrong, (codes + 1 + generator.integers(0, 35, codes.shape)) % 36, codes)
    np.put_along_axis(logs, said[:, :, None], 0.0, axis=2)
    learned = learn(logs, ["".join(ALPHABET[code] for code in row) for row in codes])
    slots = learned.evidence(logs[:1]).slots
    assert slots.max(axis=2).mean() == pytest.approx(0.95, abs=0.02)


def test_missing_and_extra_characters_are_counted() -> None:
    texts = ["1234567"] * 1000
    logs = np.log(
        np.stack([certain_slots("123567" if n < 20 else "12345677" if n < 30 else "1234567") for n in range(1000)])
    )
    learned = learn(logs, texts)
    assert learned.missing == pytest.approx(22 / 9000, rel=0.02)
    assert learned.extra == pytest.approx(12 / 9000, rel=0.02)


def test_what_was_learned_survives_json() -> None:
    logs, texts = reads_of(np.random.default_rng(1), 200, {"O": "0"}, 0.3)
    learned = learn(logs, texts)
    again = Confusion.from_json(json.loads(json.dumps(learned.to_json())))
    np.testing.assert_allclose(again.given, learned.given, atol=1e-6)
    assert (again.missing, again.extra, again.temperature) == (learned.missing, learned.extra, learned.temperature)


def test_a_record_that_is_no_confusion_is_refused() -> None:
    record = Confusion.even().to_json()
    with pytest.raises(ValueError, match="missing"):
        Confusion.from_json({name: value for name, value in record.items() if name != "missing"})
    with pytest.raises(ValueError, match="learn it anew"):
        Confusion.from_json({**record, "alphabet": "AB"})
    with pytest.raises(ValueError, match="distribution"):
        Confusion(np.ones((37, 37)))


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    confusion=st.builds(Confusion.even, st.floats(1e-6, 0.1), st.floats(0, 0.05), st.floats(0, 0.05)),
)
def test_the_weights_of_the_variants_are_a_distribution(seed: int, confusion: Confusion) -> None:
    generator = np.random.default_rng(seed)
    logs = np.log(generator.dirichlet(np.full(37, generator.choice([0.02, 0.3, 3.0])), (3, SLOTS)) + 1e-12)
    evidence = confusion.evidence(logs)
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

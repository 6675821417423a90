"""Spelling out a read finds every text above the bound, once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import Confusion
from index.enumeration import likely_texts, pack, unpack


@given(st.lists(st.text(alphabet=ALPHABET[:-1], min_size=1, max_size=SLOTS), min_size=1))
def test_packing_keeps_texts_apart_and_in_order(texts: list[str]) -> None:
    codes = np.stack([encode(text) for text in texts])
    packed = pack(codes)
    np.testing.assert_array_equal(unpack(packed), codes)
    assert len(set(packed.tolist())) == len(set(texts))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), bound=st.sampled_from([1e-2, 1e-4, 1e-5]))
def test_every_text_above_the_bound_is_found(seed: int, bound: float) -> None:
    generator = np.random.default_rng(seed)
    logs = np.log(generator.dirichlet(np.full(37, 0.05), (2, SLOTS)) + 1e-9)
    logs[:, 5:, BLANK] += 20
    logs -= np.log(np.exp(logs).sum(axis=2, keepdims=True))
    evidence = Confusion.even(missing=0.02, extra=0.02).evidence(logs)
    shape = np.zeros((1, SLOTS, len(ALPHABET)), dtype=bool)
    shape[0, :5, :BLANK] = True
    shape[0, 5:, BLANK] = True
    found = likely_texts(evidence, shape, np.full((2, 1), bound), 10**6)
    assert not len(found.crowded)
    pairs = set(zip(found.reads.tolist(), found.packed.tolist(), strict=True))
    assert len(pairs) == len(found.reads)
    drawn = unpack(found.packed)
    for read in range(2):
        for _ in range(300):
            codes = np.array([generator.choice(37, p=np.exp(row)) for row in logs[read]])
            if (codes[:5] == BLANK).any() or (codes[5:] != BLANK).any():
                continue
            if evidence.text_likelihood(np.array([read]), codes[None])[0] >= bound:
                assert (read, int(pack(codes[None])[0])) in pairs
    assert len(found.reads) == 0 or evidence.text_likelihood(found.reads, drawn).min() > 0


def test_a_read_that_could_be_too_many_texts_is_crowded() -> None:
    logs = np.full((1, SLOTS, 37), -np.log(37.0))
    shape = np.ones((1, SLOTS, 37), dtype=bool)
    found = likely_texts(Confusion.even().evidence(logs), shape, np.full((1, 1), 1e-300), 1000)
    assert found.crowded.tolist() == [0]
    assert len(found.reads) == 0

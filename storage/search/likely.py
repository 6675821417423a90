"""Plates by likelihood: which readings a plate may have been given, and how likely a reading shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, decode, encode
from index.confusion import Confusion
from index.enumeration import likely_texts, unpack
from index.read import Posterior

MOST_TEXTS: Final = 1_000
"""Readings that are looked for at once."""
_MOST_WEIGHED: Final = 40
"""Texts of an uncertain photo that stored readings are compared with."""
_BOUNDS: Final = (3e-5, 1e-4, 1e-3, 1e-2)
"""Least likelihoods tried: the first lets every text with one character wrong, missing or too many come through."""
_CROWDED: Final = 20_000
_SURE: Final = 1e-6


def certain(plate: str) -> Posterior:
    """The belief of someone who knows the plate."""
    belief = np.full((SLOTS, len(ALPHABET)), np.log(_SURE), dtype=np.float32)
    belief[np.arange(SLOTS), encode(plate)] = 0.0
    return Posterior((belief - np.log(np.exp(belief).sum(axis=1, keepdims=True))).astype(np.float32))


class Likeness:
    """Compares what is sought with stored readings, both with the reader's faults allowed for."""

    def __init__(self, sought: Posterior, confusion: Confusion | None = None) -> None:
        self._confusion = confusion or Confusion.even()
        evidence = self._confusion.evidence(sought.log_probs[None])
        lengths = _lengths(sought)
        shapes = np.zeros((len(lengths), SLOTS, len(ALPHABET)), dtype=bool)
        for shape, length in zip(shapes, lengths, strict=True):
            shape[:length, :BLANK] = True
            shape[length:, BLANK] = True
        for bound in _BOUNDS:
            found = likely_texts(evidence, shapes, np.full((1, len(shapes)), bound), _CROWDED)
            if not len(found.crowded):
                break
        codes = unpack(found.packed)
        likelihood = evidence.text_likelihood(np.zeros(len(codes), dtype=np.int64), codes)
        order = np.argsort(-likelihood)
        self.texts = [decode(row) for row in codes[order][:MOST_TEXTS]]
        """Readings that the sought plate may have been given, likeliest first."""
        self._codes = codes[order][:_MOST_WEIGHED]
        share = likelihood[order][:_MOST_WEIGHED]
        best = encode(sought.text)
        is_sure = sought.score > 1 - SLOTS * len(ALPHABET) * _SURE * 10
        if is_sure or not len(share):
            self._codes, share = best[None], np.ones(1)
        self._share = share

    def scores(self, readings: Sequence[Posterior]) -> NDArray[np.float64]:
        """Probability that each reading and what is sought show one plate, by the readings alone: ``(N,)``.

        The sum over texts x of P(x | sought) P(x | reading): of all texts for a plate that is known, of the likeliest
        40 for an uncertain photo, so that a score is never too high.
        """
        if not readings:
            return np.zeros(0)
        evidence = self._confusion.evidence(np.stack([reading.log_probs for reading in readings]))
        numbers, texts = np.meshgrid(np.arange(len(readings)), np.arange(len(self._codes)), indexing="ij")
        likelihood = evidence.text_likelihood(numbers.ravel(), self._codes[texts.ravel()]).reshape(numbers.shape)
        return np.asarray(likelihood @ self._share, np.float64)


def _lengths(sought: Posterior) -> list[int]:
    length = len(sought.text)
    return [n for n in (length - 1, length, length + 1) if 1 <= n <= SLOTS]

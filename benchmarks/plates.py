"""Kazakh plates for lists and traffic: drawn by stated shares, with the probability of each."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK
from index.formats import KZ_REGION_SHARES, KZ_REGIONS_1993

FORMAT_SHARES: Final = {"kz2012": 0.80, "kz2012-legal": 0.12, "kz1993": 0.08}
"""Of the plates drawn; of 1993 only ``A123BCD``."""
_REGIONS: Final = np.array(list(KZ_REGION_SHARES))
_SHARES: Final = np.array(list(KZ_REGION_SHARES.values())) / sum(KZ_REGION_SHARES.values())
_LETTERS: Final = np.array(list(ALPHABET[10:BLANK]))
_OLD: Final = np.array(list(KZ_REGIONS_1993))
_IS_DIGIT: Final = np.arange(len(ALPHABET)) < 10
_IS_LETTER: Final = ~_IS_DIGIT & (np.arange(len(ALPHABET)) < BLANK)
_IS_OLD: Final = np.isin(np.array(list(ALPHABET)), _OLD)


def random_plates(count: int, rng: np.random.Generator) -> list[str]:
    """Plates drawn one by one; the same may come twice."""
    region = _REGIONS[rng.choice(len(_REGIONS), count, p=_SHARES)]
    number = rng.integers(0, 1000, count)
    triple = _LETTERS[rng.integers(0, 26, (count, 3))]
    first = _OLD[rng.integers(0, len(_OLD), count)]
    kind = rng.choice(list(FORMAT_SHARES), count, p=list(FORMAT_SHARES.values()))
    return [
        f"{n:03d}{a}{b}{c}{r}"
        if k == "kz2012"
        else f"{n:03d}{a}{b}{r}"
        if k == "kz2012-legal"
        else f"{f}{n:03d}{a}{b}{c}"
        for n, (a, b, c), r, f, k in zip(number, triple, region, first, kind, strict=True)
    ]


def probability(codes: NDArray[np.integer]) -> NDArray[np.float64]:
    """Probability that one draw is each text: codes ``(N, 10)`` to ``(N,)``."""
    digit, letter = _IS_DIGIT[codes], _IS_LETTER[codes]
    length = (codes != BLANK).sum(axis=1)
    share_of = np.zeros(100)
    share_of[_REGIONS.astype(int)] = _SHARES
    result = np.zeros(len(codes))
    for name, letters, combinations in (("kz2012", 3, 1000 * 26**3), ("kz2012-legal", 2, 1000 * 26**2)):
        end = 3 + letters
        fits = (length == end + 2) & digit[:, :3].all(axis=1) & letter[:, 3:end].all(axis=1)
        fits &= digit[:, end : end + 2].all(axis=1)
        number = np.where(fits, codes[:, end] * 10 + codes[:, end + 1], 0)
        result[fits] = FORMAT_SHARES[name] * share_of[number[fits]] / combinations
    fits = (length == 7) & _IS_OLD[codes[:, 0]] & digit[:, 1:4].all(axis=1) & letter[:, 4:7].all(axis=1)
    result[fits] = FORMAT_SHARES["kz1993"] / len(_OLD) / (1000 * 26**3)
    return result

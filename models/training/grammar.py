"""Patterns of plate texts: ``9`` a digit, ``A`` a letter, ``?`` either, anything else stands for itself."""

from __future__ import annotations

from typing import Final

import numpy as np

DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALIKE: Final = ("MNHWKX", "ODQCGU", "VWYXAU", "BRPEF", "SZGB")
"""Letters that small or slanted plates confuse; some texts are made mostly of one such group."""


def fill(pattern: str, rng: np.random.Generator, letters: str = LETTERS) -> str:
    """A random text of ``pattern``; ``letters`` is the alphabet its ``A`` draws from."""
    if rng.random() < 0.12:
        group = ALIKE[int(rng.integers(len(ALIKE)))]
        letters += "".join(letter for letter in letters if letter in group) * 6
    sets = {"9": DIGITS, "A": letters, "?": DIGITS + letters}
    return "".join(
        sets[symbol][int(rng.integers(len(sets[symbol])))] if symbol in sets else symbol for symbol in pattern
    )


def runs(length: int, rng: np.random.Generator) -> str:
    """A pattern of ``length`` symbols in which letters stand by letters and digits by digits, as on most plates."""
    pattern, symbol = "", "A9"[int(rng.integers(2))]
    while len(pattern) < length:
        pattern += symbol * int(rng.integers(1, 5))
        symbol = "9" if symbol == "A" else "A"
    return pattern[:length]

"""Patterns of plate texts: ``9`` a digit, ``A`` a letter, ``?`` either, anything else stands for itself."""

from __future__ import annotations

from typing import Final

import numpy as np

DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALIKE: Final = ("MNHWKX", "ODQCGU", "VWYXAN", "BRPEF", "ILTJ", "SZGB")
"""Letters that small or slanted plates confuse; some texts are made mostly of one such group."""


def fill(pattern: str, rng: np.random.Generator, letters: str = LETTERS) -> str:
    """A random text of ``pattern``; ``letters`` is the alphabet its ``A`` draws from."""
    if rng.random() < 0.2:
        group = ALIKE[int(rng.integers(len(ALIKE)))]
        letters += "".join(letter for letter in letters if letter in group) * 6
    sets = {"9": DIGITS, "A": letters, "?": DIGITS + letters}
    return "".join(
        sets[symbol][int(rng.integers(len(sets[symbol])))] if symbol in sets else symbol for symbol in pattern
    )

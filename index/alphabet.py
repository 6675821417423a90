"""The symbols of a plate reading and their codes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
"""Every symbol a slot can hold, in code order; the last is the blank that fills the slots after a plate's end."""
BLANK: Final = len(ALPHABET) - 1
SLOTS: Final = 10
"""Slots of a reading: the longest plate that can be held."""

_CODE = {symbol: code for code, symbol in enumerate(ALPHABET)}


def encode(text: str) -> NDArray[np.int64]:
    """Codes of ``text``, padded with blanks: ``(SLOTS,) int64``.

    Raises ``ValueError`` when the text is longer than ``SLOTS`` or holds a symbol outside 0-9 A-Z.
    """
    if len(text) > SLOTS:
        raise ValueError(f"plate {text!r} has {len(text)} characters, at most {SLOTS} fit")
    codes = np.full(SLOTS, BLANK, dtype=np.int64)
    for slot, symbol in enumerate(text):
        code = _CODE.get(symbol)
        if code is None or code == BLANK:
            raise ValueError(f"plate {text!r} has the symbol {symbol!r}; only 0-9 and A-Z can stand on a plate")
        codes[slot] = code
    return codes


def decode(codes: NDArray[np.integer]) -> str:
    """Text of slot codes ``(slots,)``; blanks are left out."""
    return "".join(ALPHABET[int(code)] for code in codes if int(code) != BLANK)

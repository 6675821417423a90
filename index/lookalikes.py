"""One spelling for a plate: upper case, no separators, Cyrillic look-alikes folded to Latin letters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from index.alphabet import ALPHABET, SLOTS

CYRILLIC: Final = dict(zip("АВЕКМНОРСТУХ", "ABEKMHOPCTYX", strict=True))
"""The twelve Cyrillic letters that look like Latin ones, and those (they are the only ones on Russian plates)."""
WILDCARDS: Final = "?*"
SEPARATORS: Final = frozenset(" \t\r\n\u00a0\u202f-‐‑‒–—―_./|·•:,'\"")
"""What people write between a plate's groups and a plate does not carry."""

_SYMBOLS = frozenset(ALPHABET[:-1])
_FOLDED = frozenset(CYRILLIC) | frozenset(letter.lower() for letter in CYRILLIC)
_WHOLE = re.compile(f"[0-9A-Z]{{1,{SLOTS}}}")
_TABLE = str.maketrans(
    dict.fromkeys(SEPARATORS, "")
    | {letter.lower(): letter for letter in ALPHABET[10:-1]}
    | CYRILLIC
    | {letter.lower(): latin for letter, latin in CYRILLIC.items()}
)


class PlateError(ValueError):
    """A text that can't be a plate; the message names what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One letter that was replaced by its Latin look-alike; ``position`` counts from 0 in the text as written."""

    position: int
    written: str
    latin: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """A plate's one spelling, and how it was written."""

    text: str
    written: str

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What had to be folded to reach the spelling."""
        return folds(self.written)

    @property
    def is_partial(self) -> bool:
        """Whether the text holds wildcards."""
        return "?" in self.text or "*" in self.text


def normalise(written: str, *, wildcards: bool = False) -> Normalised:
    """The one spelling of a plate as someone wrote it: 0-9 A-Z, at most ``SLOTS`` characters.

    >>> normalise("123 авс-02").text
    '123ABC02'

    ``wildcards`` lets ``?`` (one character) and ``*`` (any run) stand. Raises ``PlateError`` for anything else.
    """
    text = written.translate(_TABLE)
    if _WHOLE.fullmatch(text):
        return Normalised(text, written)
    symbols: list[str] = []
    for raw in written:
        if raw in SEPARATORS:
            continue
        for symbol in unicodedata.normalize("NFKC", raw).upper():
            latin = CYRILLIC.get(symbol, symbol)
            if latin not in _SYMBOLS and not (wildcards and latin in WILDCARDS):
                raise PlateError(_refusal(written, raw, wildcards))
            symbols.append(latin)
    text = "".join(symbols)
    if wildcards:
        while "**" in text:
            text = text.replace("**", "*")
    if not text:
        raise PlateError("the plate is empty")
    if len(text.replace("*", "")) > SLOTS:
        raise PlateError(f"plate {written!r} has {len(text)} characters, at most {SLOTS} fit on one")
    return Normalised(text, written)


def is_folded(written: str) -> bool:
    """Whether ``normalise`` replaces a letter of a written plate by its Latin look-alike."""
    return not _FOLDED.isdisjoint(written)


def folds(written: str) -> tuple[Fold, ...]:
    """The letters of a written plate that ``normalise`` replaces by Latin look-alikes."""
    if not is_folded(written):
        return ()
    return tuple(
        Fold(position, symbol, CYRILLIC[symbol.upper()])
        for position, symbol in enumerate(written)
        if symbol.upper() in CYRILLIC
    )


def _refusal(written: str, symbol: str, wildcards: bool) -> str:
    if symbol in WILDCARDS and not wildcards:
        return f"plate {written!r} holds the wildcard {symbol!r}; a whole plate is needed here"
    name = unicodedata.name(symbol, f"U+{ord(symbol):04X}")
    if "CYRILLIC" in name:
        return f"plate {written!r} holds {symbol!r}, which looks like no Latin letter; write the plate in Latin letters"
    return f"plate {written!r} holds {symbol!r} ({name.lower()}); only digits and letters can stand on a plate"

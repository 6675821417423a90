"""Plate grammar: which formats could spell a text, and how likely a passing vehicle is to carry a plate of each.

The format is a prior, never a filter: a plate that no format spells keeps a small probability of its own.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS
from index.formats import (
    COUNTRY_SHARES,
    FORMATS,
    KZ_REGIONS,
    KZ_REGIONS_1993,
    NO_FORMAT_SHARE,
    OTHER_COUNTRIES_SHARE,
    Format,
)

_TOKEN = re.compile(r"\[[^]]+\]|\{[^}]+\}|.")
_DIGITS = ALPHABET[:10]
_LETTERS = ALPHABET[10:36]
_KINDS = (slice(0, 10), slice(10, BLANK), slice(BLANK, BLANK + 1))
_SHAPE_OF = np.array([0] * 10 + [1] * 26 + [2])
SYMBOLS: Final = BLANK
"""Symbols that can stand on a plate: all but the blank."""

Spelling = tuple[str, ...]
"""One string of allowed symbols a character."""


def spell(text: str) -> list[Spelling]:
    """The plain spellings of one spelling text (see ``index.formats``), its choices multiplied out."""
    parts: list[list[Spelling]] = []
    for token in _TOKEN.findall(text):
        if token[0] == "{":
            parts.append([spelling for choice in token[1:-1].split("|") for spelling in spell(choice)])
        else:
            parts.append([({"#": _DIGITS, "@": _LETTERS}.get(token, token.strip("[]")),)])
    return [tuple(itertools.chain.from_iterable(choice)) for choice in itertools.product(*parts)]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text could be."""

    format: str
    country: str
    region: str | None = None


class Grammar:
    """Formats with the shares of passing vehicles that carry them.

    ``shares`` maps a country to its share; what is not named shares ``OTHER_COUNTRIES_SHARE``. Shares are normalised
    to 1.
    """

    def __init__(
        self,
        formats: Iterable[Format] = FORMATS,
        shares: Mapping[str, float] = COUNTRY_SHARES,
        no_format_share: float = NO_FORMAT_SHARE,
    ) -> None:
        self.formats = tuple(formats)
        self._spellings = [[s for text in format.spellings for s in spell(text)] for format in self.formats]
        self._matchers = [re.compile("|".join(map(_pattern, spellings))) for spellings in self._spellings]
        countries = {format.country for format in self.formats}
        others = [country for country in countries if country not in shares]
        share = {c: shares.get(c, OTHER_COUNTRIES_SHARE / max(len(others), 1)) for c in countries}
        total = sum(share.values()) + no_format_share
        weights = {c: sum(f.weight for f in self.formats if f.country == c) for c in countries}
        self._shares = [share[f.country] / total * f.weight / weights[f.country] for f in self.formats]
        self._each = [
            share / sum(math.prod(map(len, spelling)) for spelling in spellings)
            for share, spellings in zip(self._shares, self._spellings, strict=True)
        ]
        self.no_format_share = no_format_share / total
        self._shapes: dict[int, list[tuple[float, list[tuple[int, NDArray[np.bool_]]]]]] = {}

    def share(self, format: str) -> float:
        """Share of passing vehicles with plates of this name."""
        return sum(share for f, share in zip(self.formats, self._shares, strict=True) if f.name == format)

    def classify(self, text: str) -> list[Kind]:
        """Every format that spells ``text``, the likeliest first."""
        kinds = [
            (-each, Kind(format.name, format.country, _region(format.name, text)))
            for format, matcher, each in zip(self.formats, self._matchers, self._each, strict=True)
            if matcher.fullmatch(text)
        ]
        return [kind for _, kind in sorted(kinds, key=lambda ranked: ranked[0])]

    def is_possible(self, text: str) -> bool:
        """Whether any known format spells ``text``."""
        return any(matcher.fullmatch(text) for matcher in self._matchers)

    @cached_property
    def patterns(self) -> Patterns:
        """All spellings as arrays, equal ones joined, with the prior probability of each single plate."""
        prior: dict[Spelling, float] = {}
        for each, spellings in zip(self._each, self._spellings, strict=True):
            for spelling in spellings:
                prior[spelling] = prior.get(spelling, 0.0) + each
        for length in range(1, SLOTS + 1):
            spelling = (ALPHABET[:SYMBOLS],) * length
            prior[spelling] = prior.get(spelling, 0.0) + self.no_format_share / SLOTS / float(SYMBOLS) ** length
        classes: dict[str, int] = {ALPHABET[BLANK]: 0}
        rows = np.zeros((len(prior), SLOTS), dtype=np.int64)
        for row, spelling in enumerate(prior):
            for slot, symbols in enumerate(spelling):
                rows[row, slot] = classes.setdefault(symbols, len(classes))
        masks = np.array([[symbol in symbols for symbol in ALPHABET] for symbols in classes])
        return Patterns(masks, rows, np.fromiter(prior.values(), float))

    def priors(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Probability that a passing vehicle carries each plate: codes ``(N, SLOTS)`` to ``(N,)``."""
        keys = _SHAPE_OF[codes] @ (3 ** np.arange(SLOTS))
        result = np.zeros(len(codes))
        for key in np.unique(keys):
            rows = np.flatnonzero(keys == key)
            for prior, narrow in self._of_shape(int(key)):
                fits = np.ones(len(rows), dtype=bool)
                for slot, mask in narrow:
                    fits &= mask[codes[rows, slot]]
                result[rows[fits]] += prior
        return result

    def _of_shape(self, key: int) -> list[tuple[float, list[tuple[int, NDArray[np.bool_]]]]]:
        """Prior of each pattern that spells plates of a shape, with the slots where it allows only some symbols."""
        known = self._shapes.get(key)
        if known is None:
            shape = key // 3 ** np.arange(SLOTS) % 3
            known = []
            for classes, prior in zip(self.patterns.classes, self.patterns.prior, strict=True):
                masks = [self.patterns.masks[number][_KINDS[kind]] for number, kind in zip(classes, shape, strict=True)]
                if all(mask.any() for mask in masks):
                    narrow = [slot for slot, mask in enumerate(masks) if not mask.all()]
                    known.append((float(prior), [(slot, self.patterns.masks[classes[slot]]) for slot in narrow]))
            self._shapes[key] = known
        return known


@dataclass(frozen=True, slots=True)
class Patterns:
    """Spellings as arrays: ``masks (C, 37) bool`` of symbols by class, ``classes (F, SLOTS)``, ``prior (F,)`` of one
    plate.

    Class 0 is the blank alone; no other class holds the blank.
    """

    masks: NDArray[np.bool_]
    classes: NDArray[np.int64]
    prior: NDArray[np.float64]


def _pattern(spelling: Spelling) -> str:
    return "".join(f"[{symbols}]" for symbols in spelling)


def _region(format: str, text: str) -> str | None:
    if format.startswith("kz1993"):
        return KZ_REGIONS_1993.get(text[0])
    if format.startswith("kz"):
        return KZ_REGIONS.get(text[-2:])
    return None


GRAMMAR: Final = Grammar()
"""The formats of ``index.formats`` with the shares of a Kazakh road."""

"""Country and format of a fused reading: the reader's word, else what the plate grammar makes of the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from index.grammar import GRAMMAR

_Voted = TypeVar("_Voted", str, int)


def named(text: str, country: str | None, format_: str | None) -> tuple[str | None, str | None]:
    """Country and format of ``text``; a reader that names neither is helped by the grammar's likeliest format."""
    if country is not None or format_ is not None:
        return country, format_
    kinds = GRAMMAR.classify(text) if text else []
    return (kinds[0].country, kinds[0].format) if kinds else (None, None)


def vote(votes: Sequence[tuple[_Voted | None, float]]) -> _Voted | None:
    """What most of the weight stands for; None where nothing was said."""
    sums: dict[_Voted, float] = {}
    for what, weight in votes:
        if what is not None:
            sums[what] = sums.get(what, 0.0) + weight
    return max(sums, key=lambda what: sums[what], default=None)

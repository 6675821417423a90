"""Hotlist entries and the hits that reads make on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HitKind(StrEnum):
    """How a read met an entry: its best text is the entry's plate, or the entry is likely though the text differs."""

    EXACT = "exact"
    PROBABLE = "probable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One plate on a hotlist, as the matchers know it."""

    entry_id: str
    plate: str
    """0-9 A-Z, without separators; ``?`` stands for any one character, ``*`` for any run of them."""
    category: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """One entry met by a posterior."""

    entry: Entry
    kind: HitKind
    score: float
    """Probability that the vehicle carries the entry's plate, 0-1."""

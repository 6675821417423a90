"""What a look at a machine found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    GOOD = "good"
    OPTIONAL = "optional"
    """Missing, and a region runs without it."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for; ``mend`` is the way out where it is not good."""

    what: str
    grade: Grade
    found: str
    mend: str = ""

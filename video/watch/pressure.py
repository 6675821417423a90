"""What gives way when decoding can't keep up, and in which order: frames, then wakes, then whole GOPs."""

from __future__ import annotations

from typing import Final, NamedTuple

_HALVED: Final = 0.25
_THIRDED: Final = 0.4
_REFUSING: Final = 0.5
GIVE_UP: Final = 1.0
"""Strain beyond which whole GOPs are skipped."""


class Concession(NamedTuple):
    """What a camera does without."""

    thinning: int
    """Every how-manieth frame is looked at."""
    wake_bar: float
    """Promise (0-1) below which a wake is refused."""


def concession(strain: float) -> Concession:
    """What ``strain`` costs: the share of the backlog allowed that is used up, 0 where all is in time.

    Detection slows first, since a pass is seen many times over. From half of the backlog on wakes are refused, those
    that promise least first, more of them the nearer the end of it.
    """
    thinning = 1 if strain < _HALVED else 2 if strain < _THIRDED else 3
    bar = (strain - _REFUSING) / (GIVE_UP - _REFUSING)
    return Concession(thinning, min(max(bar, 0.0), 1.0))

"""How likely a passing vehicle is to be on the list at all, and the threshold that an operator's patience sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR: Final = 0.05
"""No entry below this score is ever reported, whatever the threshold."""

_GAIN: Final = 50.0
"""How many times likelier than one that is only spelled a listed plate can be."""
_LEAST: Final = 0.01
"""A listed plate of the oddest format passes at least this often, an ordinary vehicle being 1."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The road that the reads come from, and what its operators will bear."""

    fleet: float = 5_500_000
    """Vehicles that may pass: those registered in the country and its guests."""
    activity: float = 1.0
    """How often a listed vehicle passes, an ordinary one being 1."""
    clustering: float = 8.0
    """How many times likelier a plate is to be registered where one a character apart is: series are issued whole."""
    passes_per_camera_day: float = 5_000
    false_alerts_per_camera_day: float = 0.5
    """The operator's setting: how many false alerts a camera may raise a day."""
    uncertain_share: float = 0.1
    """Share of true hits whose reading leaves real doubt; only these cost false alerts."""
    lowest_threshold: float = 0.5
    """An alert is never less likely to be right than this."""

    def __post_init__(self) -> None:
        if not (self.fleet >= 1 and self.activity > 0 and self.clustering >= 1 and 0 < self.uncertain_share <= 1):
            raise ValueError("traffic needs fleet >= 1, activity > 0, clustering >= 1 and uncertain_share in (0, 1]")
        if not (self.passes_per_camera_day > 0 and self.false_alerts_per_camera_day > 0):
            raise ValueError("passes and false alerts per camera and day must be above 0")
        if not FLOOR <= self.lowest_threshold < 1:
            raise ValueError(f"lowest_threshold must lie in [{FLOOR}, 1)")

    def listed_prior(self, unlisted_prior: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that a passing vehicle carries each listed plate, from the grammar's ``(N,)`` for unlisted ones.

        A listed plate exists, which the grammar can't know of the plates it spells: it passes as often as any one
        vehicle of the fleet; ``clustering`` is taken off for the plates around it. Rare formats gain at most ``_GAIN``,
        so that a foreign vehicle is not taken for the listed one next to it; but no format is hopeless.
        """
        vehicle = 1.0 / (self.clustering * self.fleet)
        exists = np.maximum(unlisted_prior, vehicle)
        exists = np.maximum(np.minimum(exists, _GAIN * unlisted_prior), _LEAST * vehicle)
        return np.minimum(np.maximum(exists, unlisted_prior) * self.activity, 0.5)

    def listed_share(self, entries: int) -> float:
        """Probability that a passing vehicle is on a list of so many entries."""
        return min(self.activity * entries / self.fleet, 0.5)

    def threshold(self, entries: int) -> float:
        """The score from which a match is worth an alert, for a list of so many entries.

        Scores are calibrated: of the matches at score s, 1 - s are false. With h true hits a camera and day of which
        a share u is doubtful, those at or above t cost at most (1 - t) / t * u * h false alerts; t is where this is
        the budget.
        """
        doubtful = self.uncertain_share * self.passes_per_camera_day * self.listed_share(entries)
        return min(max(doubtful / (doubtful + self.false_alerts_per_camera_day), self.lowest_threshold), 1 - 1e-6)


class AlertBudget:
    """Finds the threshold from the scores themselves: the lowest one whose expected false alerts stay in the budget.

    Starts from ``Traffic.threshold`` and gives way to what was seen, with the weight of ``memory`` reads.
    """

    _BINS = 400

    def __init__(self, traffic: Traffic, memory: float = 100_000) -> None:
        self._traffic = traffic
        self._memory = memory
        # Bins even in the logit, where scores near 1 differ.
        self._edges = np.linspace(-4.0, 16.0, self._BINS + 1)
        self._false = np.zeros(self._BINS)
        self._reads = 0.0

    def observe(self, scores: NDArray[np.floating], reads: int) -> None:
        """Count the scores of all matches (``FLOOR`` and up) that ``reads`` reads have made."""
        keep = max(0.0, 1.0 - reads / self._memory)
        self._false *= keep
        self._reads = self._reads * keep + reads
        inside = np.clip(np.asarray(scores, dtype=np.float64), 1e-12, 1 - 1e-12)
        logits = np.log(inside / (1 - inside))
        bins = np.clip(np.searchsorted(self._edges, logits, side="right") - 1, 0, self._BINS - 1)
        np.add.at(self._false, bins, 1 - inside)

    def threshold(self, entries: int) -> float:
        """The score from which a match is worth an alert now."""
        traffic = self._traffic
        start = traffic.threshold(entries)
        budget = traffic.false_alerts_per_camera_day / traffic.passes_per_camera_day
        if self._reads < 2.0 / budget:
            return start
        above = np.cumsum(self._false[::-1])[::-1] / self._reads
        within = np.flatnonzero(above <= budget)
        edge = self._edges[within[0]] if len(within) else self._edges[-1]
        seen = float(1.0 / (1.0 + np.exp(-edge)))
        return min(max(seen, traffic.lowest_threshold), 1 - 1e-6)

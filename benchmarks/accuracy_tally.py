"""Counting what was found and read, and how far its probabilities hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from index.read import Posterior

FOLDED: Final = str.maketrans("OQI", "001")
"""O, Q and 0, I and 1 look the same on many plates."""
SURE: Final = 0.99
"""Probability from which a wrong text is a false certainty."""
_BINS: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0 + 1e-9)


def clean(text: str) -> str:
    """A plate's text without separators, in capitals."""
    return "".join(symbol for symbol in text.upper() if symbol.isalnum())


def fold(text: str) -> str:
    return clean(text).translate(FOLDED)


@dataclass(slots=True)
class Group:
    """Counts of one group of truths."""

    n: int = 0
    found: int = 0
    once: int = 0
    exact: int = 0
    folded: int = 0

    def share(self, what: str) -> float:
        return int(getattr(self, what)) / max(self.n, 1)


@dataclass(slots=True)
class Calibration:
    """Probabilities given, and whether the texts were right (O, Q and 0, I and 1 folded)."""

    given: list[tuple[float, bool]] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Reliability by bins, the expected calibration error, and the share of sure but wrong texts."""
        bins = []
        error = 0.0
        for low, high in pairwise(_BINS):
            inside = [(p, right) for p, right in self.given if low <= p < high]
            if inside:
                mean = sum(p for p, _ in inside) / len(inside)
                share = sum(right for _, right in inside) / len(inside)
                error += abs(mean - share) * len(inside)
                bins.append({"from": low, "n": len(inside), "given": round(mean, 4), "right": round(share, 4)})
        wrong = sum(p > SURE and not right for p, right in self.given)
        return {
            "readings": len(self.given),
            "sure_wrong": wrong,
            "sure_wrong_share": round(wrong / max(len(self.given), 1), 5),
            "calibration_error": round(error / max(len(self.given), 1), 4),
            "bins": bins,
        }


@dataclass(slots=True)
class Tally:
    """All counts of one reader."""

    groups: dict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    calibration: Calibration = field(default_factory=Calibration)
    singles: Group = field(default_factory=Group)
    """Of passes: the text of the best single frame."""
    fused: Group = field(default_factory=Group)
    figures: dict[str, float] = field(default_factory=dict)
    misses: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(
        self,
        groups: Iterable[str],
        name: str,
        truth: str,
        posterior: Posterior | None,
        *,
        is_once: bool | None = None,
        single: Posterior | None = None,
    ) -> None:
        """Count one truth and what was read of it (None: not found). ``single``: its best frame's reading."""
        text = posterior.text if posterior else ""
        exact, folded = clean(text) == clean(truth), fold(text) == fold(truth)
        for group in groups:
            counts = self.groups[group]
            counts.n += 1
            counts.found += posterior is not None
            counts.once += bool(is_once)
            counts.exact += exact
            counts.folded += folded
        if posterior is not None:
            self.calibration.given.append((posterior.score, folded))
        if not exact:
            score = f"{posterior.score:.3f}" if posterior else ""
            self.misses.append((name, clean(truth), text or "(not found)", score))
        if is_once is not None:
            self.singles.n += 1
            if single is not None:
                self.singles.found += 1
                self.singles.exact += clean(single.text) == clean(truth)
                self.singles.folded += fold(single.text) == fold(truth)
            self.fused.n += 1
            self.fused.exact += exact
            self.fused.folded += folded

    def report(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "groups": {
                name: {
                    "n": g.n,
                    **{what: round(g.share(what), 4) for what in ("found", "exact", "folded")},
                    **({"once": round(g.share("once"), 4)} if name.startswith("passes") else {}),
                }
                for name, g in sorted(self.groups.items())
            },
            "calibration": self.calibration.report(),
            "single_frame": {
                "n": self.singles.n,
                "exact": round(self.singles.share("exact"), 4),
                "folded": round(self.singles.share("folded"), 4),
                "fused_exact": round(self.fused.share("exact"), 4),
                "fused_folded": round(self.fused.share("folded"), 4),
            },
            "figures": self.figures,
            "misses": [list(miss) for miss in self.misses],
        }

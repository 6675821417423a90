"""Fusing the readings of one pass: aligned, weighted, and tempered because frames of one pass err together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK
from index.read import Posterior

FLOOR: Final = 0.003
"""Share of doubt mixed into each frame before fusing: no single frame can forbid a character."""
_GAP: Final = 0.35
"""Agreement that a gap is worth in an alignment: two gaps must gain more than twice this over a mismatch."""

_STRAIGHT: Final = 0.8
"""Mean agreement, slot by slot, from which two readings of one length are not shifted against each other."""

LogProbs = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One frame's reading and how much it counts (0-1: legibility, sharpness and size together)."""

    posterior: Posterior
    weight: float


def fuse(evidence: Sequence[Evidence], correlation: float = 0.7) -> Posterior:
    """The pass's posterior: a weighted geometric mean of aligned readings, sharpened by the effective number of frames.

    With weights ``w``, ``n = (sum w)^2 / sum w^2`` frames (Kish) of errors correlated by ``correlation`` count as
    ``n / (1 + (n - 1) * correlation)`` independent ones. A single reading is returned as it is.
    Raises ``ValueError`` when there is no evidence.
    """
    if not evidence:
        raise ValueError("there is nothing to fuse: a pass needs at least one reading")
    if len(evidence) == 1:
        return evidence[0].posterior
    weights = np.maximum([e.weight for e in evidence], 1e-3)
    tables = [np.asarray(e.posterior.log_probs, np.float64) for e in evidence]
    reference = tables[_middle(tables, weights)]
    aligned = np.stack([align(reference, table) for table in tables])
    floored = np.log((1 - FLOOR) * np.exp(aligned) + FLOOR / len(ALPHABET))
    # a slot that a frame does not speak of (a gap) holds no weight of its own there
    speaks = np.isfinite(aligned).all(axis=2) & (aligned.max(axis=2) - aligned.min(axis=2) > 1e-6)
    shares = weights[:, None] * speaks
    total = shares.sum(axis=0)
    mean = np.einsum("ns,nsc->sc", shares, floored) / np.maximum(total, 1e-9)[:, None]
    effective = total**2 / np.maximum((shares**2).sum(axis=0), 1e-9)
    sharpened = mean * (effective / (1 + np.maximum(effective - 1, 0) * correlation))[:, None]
    return Posterior(_normalised(sharpened).astype(np.float32))


def agreement(one: Posterior, other: Posterior) -> float:
    """How far two readings can be of one plate, 0-1: the mean overlap of their characters, best aligned.

    The overlap of two slots is Bhattacharyya's coefficient, ``sum_c sqrt(p_c q_c)``. 1 for equal certain readings; a
    plate with one character of seven misread gives .86; unlike plates give under .5. Two blank readings give 0.
    """
    return _shared(
        _roots(np.asarray(one.log_probs, np.float64)),
        _roots(np.asarray(other.log_probs, np.float64)),
    )


def align(reference: LogProbs, table: LogProbs) -> LogProbs:
    """``table`` with its characters moved into the slots of ``reference`` where they belong: ``(slots, symbols)``.

    A character that one frame missed or invented shifts all that follow; adding slot by slot would then mix characters.
    Slots of the reference that ``table`` does not speak of are uniform.
    """
    own, theirs = _length(reference), _length(table)
    if own == 0 or theirs == 0:
        return table
    pairs = _path(_roots(reference) @ _roots(table).T)
    if own == theirs and all(i == j for i, j in pairs) and len(pairs) == own:
        return table
    moved = np.full_like(reference, -np.log(reference.shape[1]))
    for i, j in pairs:
        moved[i] = table[j]
    if own < len(moved):  # the blanks after the end
        tail = table[theirs:] if theirs < len(table) else None
        for slot in range(own, len(moved)):
            if tail is not None and len(tail):
                moved[slot] = tail[min(slot - own, len(tail) - 1)]
    return moved


def _length(table: LogProbs) -> int:
    """Characters before the end: the last slot whose mode is no blank, plus one."""
    filled = np.flatnonzero(table.argmax(axis=1) != BLANK)
    return int(filled[-1]) + 1 if len(filled) else 0


def _roots(table: LogProbs) -> NDArray[np.float64]:
    """Square roots of the probabilities up to the end: the products of two are Bhattacharyya's coefficients."""
    return np.asarray(np.exp(table[: _length(table)] / 2), np.float64)


def _shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Agreement of two readings by their roots."""
    if min(len(one), len(other)) == 0:
        return 0.0
    overlap = one @ other.T
    if len(one) == len(other) and (straight := float(np.trace(overlap))) > _STRAIGHT * len(one):
        return min(straight / len(one), 1.0)
    return min(float(sum(overlap[i, j] for i, j in _path(overlap)) / max(overlap.shape)), 1.0)


def _path(overlap: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of slots of the best global alignment (Needleman-Wunsch) for the overlaps ``(m, n)``."""
    m, n = overlap.shape
    if m == n and float(np.trace(overlap)) > _STRAIGHT * m:
        return [(i, i) for i in range(m)]
    best = np.zeros((m + 1, n + 1))
    best[1:, 0] = -_GAP * np.arange(1, m + 1)
    best[0, 1:] = -_GAP * np.arange(1, n + 1)
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            best[i, j] = max(best[i - 1, j - 1] + overlap[i - 1, j - 1], best[i - 1, j] - _GAP, best[i, j - 1] - _GAP)
    pairs: list[tuple[int, int]] = []
    i, j = m, n
    while i and j:
        if best[i, j] == best[i - 1, j - 1] + overlap[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif best[i, j] == best[i - 1, j] - _GAP:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _middle(tables: Sequence[LogProbs], weights: NDArray[np.float64]) -> int:
    """Index of the reading that the others agree with most; its length is then the most agreed one."""
    roots = [_roots(table) for table in tables]
    sums = weights * 1.0
    for i in range(len(tables)):
        for j in range(i):
            shared = _shared(roots[i], roots[j])
            sums[i] += shared * weights[j]
            sums[j] += shared * weights[i]
    return int(np.argmax(sums))


def _normalised(table: LogProbs) -> LogProbs:
    shifted = table - table.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float64)

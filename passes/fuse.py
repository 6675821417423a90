"""Fusing the readings of one pass: aligned, weighted, and tempered because frames of one pass err together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK
from index.read import Posterior
from passes.crops import FULL_WIDTH_PX

_GAP: Final = 0.35
"""Agreement that a gap is worth in an alignment: two gaps must gain more than twice this over a mismatch."""

_STRAIGHT: Final = 0.8
"""Mean agreement, slot by slot, from which two readings of one length are not shifted against each other."""

LogProbs = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One view of the plate in one frame: what was read, how legible that was (0-1), how wide the plate stood (px)."""

    posterior: Posterior
    legibility: float
    width: float = FULL_WIDTH_PX


@dataclass(frozen=True, slots=True)
class Tempering:
    """What each reading counts for, and all together; fitted to drawn passes (``benchmarks/fusing.py --tune``)."""

    legibility: float = 0.5
    """Power of a reading's odds of being right."""
    width: float = 2.0
    """Power of its plate's width, up to a full one: small pictures of one plate are misread alike."""
    correlation: float = 0.85
    """Of errors between readings of one pass (dirt, a font's O and Q stay): n count as
    ``n / (1 + (n - 1) * correlation)`` independent ones (Kish's design effect)."""
    floor: float = 1e-3
    """Share of doubt mixed into each reading: none can forbid a character."""

    def weights(self, evidence: Sequence[Evidence]) -> NDArray[np.float64]:
        """Of each reading, the heaviest 1: ``(n,)``."""
        legible = np.clip([e.legibility for e in evidence], 1e-4, 1 - 1e-4)
        wide = np.clip([e.width for e in evidence], 1.0, FULL_WIDTH_PX)
        logs = self.legibility * np.log(legible / (1 - legible)) + self.width * np.log(wide)
        return np.asarray(np.exp(logs - logs.max()), np.float64)


TEMPERING: Final = Tempering()


def fuse(evidence: Sequence[Evidence], tempering: Tempering = TEMPERING) -> Posterior:
    """The pass's posterior: a weighted geometric mean of aligned readings, sharpened by their effective number.

    With weights ``w`` that number is ``(sum w)^2 / sum w^2`` (Kish), tempered by the correlation. A single reading is
    returned as it is. Raises ``ValueError`` when there is no evidence.
    """
    if not evidence:
        raise ValueError("there is nothing to fuse: a pass needs at least one reading")
    if len(evidence) == 1:
        return evidence[0].posterior
    weights = tempering.weights(evidence)
    tables = np.stack([e.posterior.log_probs for e in evidence]).astype(np.float64)
    reference = tables[_reference(tables, weights, [e.legibility for e in evidence])]
    aligned = np.stack([align(reference, table) for table in tables])
    floored = np.log((1 - tempering.floor) * np.exp(aligned) + tempering.floor / len(ALPHABET))
    # a slot that a frame does not speak of (a gap) holds no weight of its own there
    speaks = aligned.max(axis=2) - aligned.min(axis=2) > 1e-6
    shares = weights[:, None] * speaks
    total = shares.sum(axis=0)
    mean = np.einsum("ns,nsc->sc", shares, floored) / np.maximum(total, 1e-9)[:, None]
    effective = np.maximum(total**2 / np.maximum((shares**2).sum(axis=0), 1e-9), 1.0)
    sharpened = mean * (effective / (1 + (effective - 1) * tempering.correlation))[:, None]
    return Posterior(_normalised(sharpened).astype(np.float32))


def agreement(one: Posterior, other: Posterior) -> float:
    """How far two readings can be of one plate, 0-1: the mean overlap of their characters, best aligned.

    The overlap of two slots is Bhattacharyya's coefficient, ``sum_c sqrt(p_c q_c)``. 1 for equal certain readings; a
    plate with one character of seven misread gives .86; unlike plates give under .5. Two blank readings give 0.
    """
    p, q = (_roots(np.asarray(each.log_probs, np.float64)) for each in (one, other))
    m, n = len(p), len(q)
    if min(m, n) == 0:
        return 0.0
    overlap = p @ q.T
    if m == n and (straight := float(np.trace(overlap))) > _STRAIGHT * m:
        return min(straight / m, 1.0)
    return min(float(sum(overlap[i, j] for i, j in _path(overlap)) / max(m, n)), 1.0)


def align(reference: LogProbs, table: LogProbs) -> LogProbs:
    """``table`` with its characters moved into the slots of ``reference`` where they belong: ``(slots, symbols)``.

    A character that one frame missed or invented shifts all that follow; adding slot by slot would then mix characters.
    A reading as long as the reference stays as it is; slots of the reference that it does not speak of are uniform.
    """
    own, theirs = _length(reference), _length(table)
    if own == theirs or own == 0 or theirs == 0:
        return table
    pairs = _path(_roots(reference) @ _roots(table).T)
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


def _path(overlap: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of slots of the best global alignment (Needleman-Wunsch) for the overlaps ``(m, n)``."""
    m, n = overlap.shape
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


def _reference(tables: LogProbs, weights: NDArray[np.float64], legibility: Sequence[float]) -> int:
    """The heaviest reading among those of the length that the legible ones agree on.

    What hides a character hides it well: the nearest frame can be sure of a text that is too short.
    """
    lengths = np.array([_length(table) for table in tables])
    likely = np.bincount(lengths, legibility).argmax()
    return int(np.where(lengths == likely, weights, -1.0).argmax())


def _normalised(table: LogProbs) -> LogProbs:
    shifted = table - table.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float64)

"""The texts that a read could be: every text of given shapes above a likelihood, found without looking at any list.

A text's likelihood is a product over slots, so the texts above a bound are found slot by slot: a beginning is kept only
while the best ending still lifts it over the bound, and then it does lead to such a text. There are few of them,
because their likelihoods sum to no more than 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import SLOTS
from index.confusion import SOURCES, VARIANTS, Evidence

Floats = NDArray[np.float64]

BITS: Final = 6
"""Bits of one symbol in a packed text; the first slot stands highest."""
_SHIFTS = np.array([BITS * (SLOTS - 1 - slot) for slot in range(SLOTS)], dtype=np.uint64)
_IGNORED = 0.1
"""Share of the bound that variants too weak to search may hold together."""


def pack(codes: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Texts ``(N, SLOTS)`` of symbol codes as one number each."""
    packed = np.zeros(len(codes), dtype=np.uint64)
    for slot in range(SLOTS):
        packed |= codes[:, slot].astype(np.uint64) << _SHIFTS[slot]
    return packed


def unpack(packed: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Undo ``pack``."""
    return ((packed[:, None] >> _SHIFTS) & np.uint64(2**BITS - 1)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Pairs of a read's number ``reads (P,)`` and a text ``packed (P,) uint64``, sorted by read, none twice.

    ``crowded`` numbers the reads that had more than the limit; their texts are left out.
    """

    reads: NDArray[np.int64]
    packed: NDArray[np.uint64]
    crowded: NDArray[np.int64]


def likely_texts(evidence: Evidence, shapes: NDArray[np.bool_], least: Floats, limit: int) -> Texts:
    """Every text that one of ``shapes (S, SLOTS, 37) bool`` spells and whose likelihood is at least ``least (B, S)``.

    Texts somewhat below ``least`` may be among them. A read with more than ``limit`` beginnings at once is ``crowded``.
    """
    masks, inverse = np.unique(shapes.reshape(-1, shapes.shape[2]), axis=0, return_inverse=True)
    classes = inverse.reshape(shapes.shape[:2])
    best = np.stack([evidence.tables[:, :, mask].max(axis=2) for mask in masks], axis=2)
    same, extra, missing = evidence.class_products(best, classes)
    peak = np.concatenate([same[..., None], extra, missing], axis=2) * evidence.weights[:, None, :]
    peak[peak <= _IGNORED / VARIANTS * least[..., None]] = 0.0
    total = peak.sum(axis=2)
    peak[total < (1 - _IGNORED) * least] = 0.0
    reads, shape, variant = np.nonzero(peak)
    share = peak[reads, shape, variant] / total[reads, shape]
    bound = np.log((1 - _IGNORED) * least[reads, shape] * share / evidence.weights[reads, variant]) - 1e-9
    with np.errstate(divide="ignore"):
        logs = np.log(evidence.tables)
    table = logs[reads[:, None], SOURCES[variant]]
    table[~shapes[shape]] = -np.inf
    return _descend(reads, table, bound, limit, len(evidence.slots))


def _descend(reads: NDArray[np.int64], table: Floats, bound: Floats, limit: int, batch: int) -> Texts:
    ending = np.zeros((len(reads), SLOTS + 1))
    ending[:, :SLOTS] = np.cumsum(table.max(axis=2)[:, ::-1], axis=1)[:, ::-1]
    query = np.flatnonzero(ending[:, 0] >= bound)
    score = np.zeros(len(query))
    packed = np.zeros(len(query), dtype=np.uint64)
    crowded = np.zeros(batch, dtype=bool)
    for slot in range(SLOTS):
        # What a symbol must be worth for the best ending to reach the bound.
        wanted = bound[query] - score - ending[query, slot + 1]
        rows = table[query, slot]
        beginning, symbol = np.nonzero(rows >= wanted[:, None])
        score = score[beginning] + rows[beginning, symbol]
        packed = packed[beginning] | (symbol.astype(np.uint64) << _SHIFTS[slot])
        query = query[beginning]
        if len(query) > limit:
            crowded |= np.bincount(reads[query], minlength=batch) > limit
            kept = ~crowded[reads[query]]
            query, score, packed = query[kept], score[kept], packed[kept]
    found = reads[query]
    order = np.lexsort((packed, found))
    found, packed = found[order], packed[order]
    first = np.ones(len(found), dtype=bool)
    first[1:] = (found[1:] != found[:-1]) | (packed[1:] != packed[:-1])
    return Texts(found[first], packed[first], np.flatnonzero(crowded))

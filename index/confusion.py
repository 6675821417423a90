"""What a reader's posterior is worth: its own confusions, learned, and the characters it misses or invents."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, encode

Floats = NDArray[np.float64]

RESIDUAL: Final = 2e-3
"""Share of wrong slots among those a reader is certain of, where nothing was learned."""
MISSING: Final = 1e-3
EXTRA: Final = 1e-3
"""Chance, a character, of one missed or invented, where nothing was learned."""
_SYMBOLS = len(ALPHABET)
_CERTAIN_LIMIT = 0.9
_MOST_FAULTS = 10.0


@dataclass(frozen=True, eq=False)
class Confusion:
    """A reader's channel.

    ``given (37, 37) float64``: row r is the probability of each true symbol where a slot says r, so that a slot's
    belief ``q`` becomes ``q @ given`` and a slot that is certain and wrong does not rule out the true plate.
    ``missing`` and ``extra``: chance, a character, that the reader left one out or put one in.
    ``temperature``: the belief is raised to ``1 / temperature`` first.
    ``sure`` and ``doubtful``: how much of these faults a read has, and how much more for each nat by which it falls
    short of certainty: a read that doubts one character is likelier to be wrong in the others too.
    """

    given: Floats
    missing: float = MISSING
    extra: float = EXTRA
    temperature: float = 1.0
    sure: float = 1.0
    doubtful: float = 0.0

    def __post_init__(self) -> None:
        if self.given.shape != (_SYMBOLS, _SYMBOLS):
            raise ValueError(f"a confusion table is ({_SYMBOLS}, {_SYMBOLS}), not {self.given.shape}")
        if not np.allclose(self.given.sum(axis=1), 1.0, atol=1e-6) or (self.given < 0).any():
            raise ValueError("each row of a confusion table is a distribution: not below 0, sum 1")
        if not 0 <= self.missing < 0.1 or not 0 <= self.extra < 0.1 or not self.temperature > 0:
            raise ValueError("missing and extra are chances a character below 0.1, and temperature is above 0")

    @classmethod
    def even(cls, residual: float = RESIDUAL, missing: float = MISSING, extra: float = EXTRA) -> Self:
        """Where nothing was learned: a slot is wrong beyond its own belief with probability ``residual``, evenly."""
        given = np.full((_SYMBOLS, _SYMBOLS), residual / (_SYMBOLS - 1))
        np.fill_diagonal(given, 1.0 - residual)
        return cls(given, missing, extra)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What ``to_json`` made. Raises ``ValueError`` naming what is wrong."""
        try:
            if record["alphabet"] != ALPHABET:
                raise ValueError(
                    f"the confusion was learned over {record['alphabet']!r}, not {ALPHABET!r}: learn it anew"
                )
            given = np.asarray(record["given"], dtype=np.float64)
            names = ("missing", "extra", "temperature", "sure", "doubtful")
            return cls(given, *(float(record[name]) for name in names))
        except KeyError as error:
            raise ValueError(f"the confusion record lacks {error.args[0]!r}: learn it anew") from error

    def to_json(self) -> dict[str, Any]:
        """A record of plain values."""
        return {
            "alphabet": ALPHABET,
            "given": [
                [float(f"{value:.6g}") for value in row] for row in self.given / self.given.sum(1, keepdims=True)
            ],
            "missing": self.missing,
            "extra": self.extra,
            "temperature": self.temperature,
            "sure": self.sure,
            "doubtful": self.doubtful,
        }

    def evidence(self, log_probs: NDArray[np.floating]) -> Evidence:
        """What posteriors ``(B, SLOTS, 37)`` (natural logs) say once the reader's faults are allowed for."""
        if log_probs.ndim != 3 or log_probs.shape[1:] != (SLOTS, _SYMBOLS):
            raise ValueError(f"a batch of posteriors is (B, {SLOTS}, {_SYMBOLS}), not {log_probs.shape}")
        belief = log_probs.astype(np.float64) / self.temperature
        belief = np.exp(belief - belief.max(axis=2, keepdims=True))
        belief /= belief.sum(axis=2, keepdims=True)
        if not np.isfinite(belief).all():
            raise ValueError("a posterior holds values that are no logarithms of probabilities")
        short = -np.log(belief.max(axis=2)).sum(axis=1)
        most = min(_MOST_FAULTS, 0.5 / max(1.0 - float(self.given.diagonal().min()), 1e-12))
        faults = np.minimum(self.sure + self.doubtful * short, most)[:, None]
        slots = belief + faults[:, :, None] * (belief @ self.given - belief)
        slots = np.maximum(slots, 0.0)
        slots /= slots.sum(axis=2, keepdims=True)
        occupied = 1.0 - slots[:, :, BLANK]
        extra = self.extra * faults * occupied
        # A blank before a character is a dropped slot: the text closes over it.
        extra[:, :-1] += slots[:, :-1, BLANK] * occupied[:, 1:]
        missing = np.broadcast_to(self.missing * faults, occupied.shape).copy()
        missing[:, 1:] *= occupied[:, :-1]
        edits = extra.sum(axis=1) + missing.sum(axis=1)
        scale = np.minimum(1.0, _CERTAIN_LIMIT / np.maximum(edits, 1e-300))[:, None]
        extra, missing = extra * scale, missing * scale
        return Evidence(slots, 1.0 - extra.sum(axis=1) - missing.sum(axis=1), extra, missing)


@dataclass(frozen=True, eq=False)
class Evidence:
    """A batch of reads as mixtures over how the reading lines up with the true plate.

    ``slots (B, SLOTS, 37)``: probability of each symbol by slot. With probability ``same (B,)`` the slots are the
    plate's own characters; with ``extra[b, j]`` slot j is to be left out; with ``missing[b, j]`` a character of which
    nothing is known belongs before slot j. These are the ``1 + 2 * SLOTS`` variants of a read, in this order.
    """

    slots: Floats
    same: Floats
    extra: Floats
    missing: Floats

    @cached_property
    def tables(self) -> Floats:
        """``(B, SLOTS + 2, 37)``: the slots, then one of which nothing is known, then one that is surely blank."""
        rows = np.zeros((len(self.slots), SLOTS + 2, _SYMBOLS))
        rows[:, :SLOTS] = self.slots
        rows[:, SLOTS, :BLANK] = 1.0 / BLANK
        rows[:, SLOTS + 1, BLANK] = 1.0
        return rows

    @cached_property
    def weights(self) -> Floats:
        """``(B, VARIANTS)``: probability of each variant, for missing ones times that of the last slot being blank."""
        missing = self.missing * self.slots[:, -1:, BLANK]
        return np.concatenate([self.same[:, None], self.extra, missing], axis=1)

    def text_likelihood(self, reads: NDArray[np.integer], codes: NDArray[np.integer]) -> Floats:
        """Probability of each text ``codes (P, SLOTS)`` under read number ``reads (P,)``: ``(P,) float64``."""
        slot = np.arange(SLOTS)
        here = self.slots[reads[:, None], slot, codes]
        after = self.slots[reads[:, None], slot[1:], codes[:, :-1]]
        before = self.slots[reads[:, None], slot[:-1], codes[:, 1:]]
        unknown = (codes != BLANK) / BLANK
        ends_blank = (codes[:, -1] == BLANK).astype(np.float64)
        same, extra, missing = aligned(here, after, before, unknown, ends_blank)
        weights = self.weights[reads]
        mixed: Floats = weights[:, 0] * same
        mixed += (weights[:, 1 : 1 + SLOTS] * extra).sum(axis=1) + (weights[:, 1 + SLOTS :] * missing).sum(axis=1)
        return mixed

    def class_products(
        self, symbols: NDArray[np.float64], classes: NDArray[np.integer]
    ) -> tuple[Floats, Floats, Floats]:
        """Products along patterns ``classes (F, SLOTS)`` of what each class is worth: ``symbols (B, SLOTS + 2, C)``.

        By variant, without its weight: ``(B, F)``, ``(B, F, SLOTS)`` and ``(B, F, SLOTS)``.
        """
        slot = np.arange(SLOTS)
        return aligned(
            symbols[:, slot, classes],
            symbols[:, slot[1:], classes[:, :-1]],
            symbols[:, slot[:-1], classes[:, 1:]],
            symbols[:, SLOTS, classes],
            symbols[:, SLOTS + 1, classes[:, -1]],
        )

    def class_likelihood(self, masks: NDArray[np.bool_], classes: NDArray[np.integer]) -> Floats:
        """Probability that each pattern ``classes (F, SLOTS)`` of ``masks (C, 37)`` spells the text: ``(B, F)``."""
        same, extra, missing = self.class_products(self.tables @ masks.T.astype(np.float64), classes)
        weights = self.weights[:, None, :]
        mixed: Floats = weights[..., 0] * same
        mixed += (weights[..., 1 : 1 + SLOTS] * extra).sum(axis=2) + (weights[..., 1 + SLOTS :] * missing).sum(axis=2)
        return mixed


def aligned(
    here: Floats, after: Floats, before: Floats, unknown: Floats, ends_blank: Floats
) -> tuple[Floats, Floats, Floats]:
    """Products over the slots for every variant: the slots as they are, each left out, each put in.

    ``here[..., i]`` is what slot i is worth at place i, ``after`` at place i - 1, ``before`` at place i + 1,
    ``unknown`` what a place is worth of which nothing is known, ``ends_blank`` the last place where the blank was
    drawn in.
    """
    ahead = np.ones_like(here)
    np.cumprod(here[..., :-1], axis=-1, out=ahead[..., 1:])
    pulled = np.ones_like(here)
    pulled[..., :-1] = np.cumprod(after[..., ::-1], axis=-1)[..., ::-1]
    pushed = np.ones_like(here)
    pushed[..., :-1] = np.cumprod(before[..., ::-1], axis=-1)[..., ::-1]
    same = ahead[..., -1] * here[..., -1]
    return same, ahead * pulled * ends_blank[..., None], ahead * unknown * pushed


def _sources() -> NDArray[np.int64]:
    """Row of ``Evidence.tables`` that each slot of each variant reads: ``(VARIANTS, SLOTS)``."""
    slot = np.arange(SLOTS)
    same = slot[None]
    left_out = np.where(slot[None] < slot[:, None], slot, np.append(slot[1:], SLOTS + 1))
    put_in = np.where(slot[None] < slot[:, None], slot, slot - 1)
    np.fill_diagonal(put_in, SLOTS)
    return np.concatenate([same, left_out, put_in])


SOURCES: Final = _sources()
VARIANTS: Final = len(SOURCES)


def learn(
    posteriors: NDArray[np.floating], truths: Sequence[str], *, strength: float = 20.0, rounds: int = 12
) -> Confusion:
    """The channel of a reader from its reads of known plates: log-probabilities ``(N, SLOTS, 37)`` and their true
    texts.

    Maximum a posteriori by expectation-maximisation: a slot's belief is taken as hidden evidence of what the reader
    saw, the prior is ``Confusion.even`` with the weight of ``strength`` slots a row. Reads whose text is longer or
    shorter than the truth count towards ``extra`` and ``missing`` and teach the table nothing.
    """
    if len(posteriors) != len(truths) or len(truths) == 0:
        raise ValueError(f"{len(posteriors)} posteriors cannot be taught by {len(truths)} texts")
    codes = np.stack([encode(text) for text in truths])
    belief = np.asarray(posteriors, dtype=np.float64)
    lengths = (belief.argmax(axis=2) != BLANK).sum(axis=1)
    wanted = (codes != BLANK).sum(axis=1)
    characters = wanted.sum() + 2.0 / MISSING
    missing = (2.0 + np.maximum(wanted - lengths, 0).sum()) / characters
    extra = (2.0 + np.maximum(lengths - wanted, 0).sum()) / characters
    aligned = lengths == wanted
    true = codes[aligned].ravel()
    temperature, table = _fit(belief[aligned].reshape(-1, _SYMBOLS), true, strength, rounds)
    numbers = np.arange(len(codes))
    best, fit = None, -np.inf
    for sure, doubtful in itertools.product((0.05, 0.2, 0.5, 1.0), (0.0, 0.3, 1.0, 3.0)):
        tried = Confusion(table, min(missing, 0.05), min(extra, 0.05), temperature, sure, doubtful)
        likelihood = tried.evidence(belief).text_likelihood(numbers, codes)
        found = float(np.log(np.maximum(likelihood, 1e-12)).sum())
        if found > fit:
            best, fit = tried, found
    if best is None:
        raise ValueError("the posteriors hold values that are no logarithms of probabilities")
    return best


def _fit(log_belief: Floats, true: NDArray[np.int64], strength: float, rounds: int) -> tuple[float, Floats]:
    """The likeliest temperature, looked for coarsely and then finely, with its table."""
    coarse = [_fit_table(log_belief, true, strength, rounds // 3, t) for t in (0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)]
    near = max(coarse, key=lambda fitted: fitted[0])[1]
    fine = [_fit_table(log_belief, true, strength, rounds, near * t) for t in (0.85, 0.92, 1.0, 1.08, 1.17)]
    _, temperature, table = max(fine, key=lambda fitted: fitted[0])
    return temperature, table


def _fit_table(
    log_belief: Floats, true: NDArray[np.int64], strength: float, rounds: int, temperature: float
) -> tuple[float, float, Floats]:
    """Fit of the table at a temperature: its log posterior, the temperature, and the table."""
    prior = Confusion.even().given
    belief = np.exp((log_belief - log_belief.max(axis=1, keepdims=True)) / temperature)
    belief /= belief.sum(axis=1, keepdims=True)
    shown = np.zeros_like(belief)
    shown[np.arange(len(true)), true] = 1.0
    table = prior.copy()
    for _ in range(max(rounds, 1)):
        share = belief * np.ascontiguousarray(table.T)[true]
        share /= share.sum(axis=1, keepdims=True)
        counts = strength * prior + share.T @ shown
        table = counts / counts.sum(axis=1, keepdims=True)
    fit = float(np.log((belief * table.T[true]).sum(axis=1)).sum())
    return fit + strength * float((prior * np.log(table)).sum()), temperature, table

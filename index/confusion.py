"""What a reader's posterior is worth: its own confusions, and the characters it misses or invents.

``models.training.confusion`` learns them from a reader's reads of known plates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS

Floats = NDArray[np.float64]

RESIDUAL: Final = 2e-3
"""Share of wrong slots among those a reader is certain of, where nothing was learned."""
MISSING: Final = 1e-3
EXTRA: Final = 1e-3
"""Chance, a character, of one missed or invented, where nothing was learned."""
USUAL_DOUBT: Final = 2.5e-3
"""A slot's doubt, in nats short of certainty, at which ``Confusion.given`` holds as it stands."""
LEAST_DOUBT: Final = 1e-4
_SYMBOLS = len(ALPHABET)
_CERTAIN_LIMIT = 0.9
_MOST_FACTOR = 1e3


@dataclass(frozen=True, eq=False)
class Confusion:
    """A reader's channel.

    ``given (37, 37) float64``: row r is the probability of each true symbol where a slot says r, so that a slot's
    belief ``q`` becomes ``q @ given`` and a slot that is certain and wrong does not rule out the true plate.
    ``missing``: chance, a character, that the reader left one out; ``missed (36,)``: which it was, then.
    ``extra (37,)``: chance that a slot which says r stands for nothing on the plate.
    ``temperature``: the belief is raised to ``1 / temperature`` first.
    ``by_slot``: the odds that a slot is wrong go as this power of its own doubt, in units of ``USUAL_DOUBT``.
    ``by_read``, ``edits_by_read``: those odds, and the chances of missed and invented characters, are multiplied by
    e to this power for each nat by which the log-odds of the read's legibility fall short of ``usual_legibility``.
    """

    given: Floats
    missing: float
    missed: Floats
    extra: Floats
    temperature: float = 1.0
    by_slot: float = 0.0
    by_read: float = 0.0
    edits_by_read: float = 0.0
    usual_legibility: float = 0.0

    def __post_init__(self) -> None:
        if self.given.shape != (_SYMBOLS, _SYMBOLS):
            raise ValueError(f"a confusion table is ({_SYMBOLS}, {_SYMBOLS}), not {self.given.shape}")
        if not np.allclose(self.given.sum(axis=1), 1.0, atol=1e-6) or (self.given < 0).any():
            raise ValueError("each row of a confusion table is a distribution: not below 0, sum 1")
        if self.missed.shape != (BLANK,) or not np.isclose(self.missed.sum(), 1.0) or (self.missed < 0).any():
            raise ValueError("what is missed is a distribution over the symbols: not below 0, sum 1")
        if self.extra.shape != (_SYMBOLS,) or not ((self.extra >= 0) & (self.extra < 0.1)).all():
            raise ValueError("extra is a chance below 0.1 for each symbol")
        if not 0 <= self.missing < 0.1 or not self.temperature > 0:
            raise ValueError("missing is a chance a character below 0.1, and temperature is above 0")

    @classmethod
    def even(cls, residual: float = RESIDUAL, missing: float = MISSING, extra: float = EXTRA) -> Self:
        """Where nothing was learned: a slot is wrong beyond its own belief with probability ``residual``, evenly."""
        given = np.full((_SYMBOLS, _SYMBOLS), residual / (_SYMBOLS - 1))
        np.fill_diagonal(given, 1.0 - residual)
        return cls(given, missing, np.full(BLANK, 1.0 / BLANK), np.full(_SYMBOLS, extra))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What ``to_json`` made. Raises ``ValueError`` naming what is wrong."""
        try:
            if record["alphabet"] != ALPHABET:
                raise ValueError(
                    f"the confusion was learned over {record['alphabet']!r}, not {ALPHABET!r}: learn it anew"
                )
            given, missed = (np.asarray(record[name], dtype=np.float64) for name in ("given", "missed"))
            return cls(
                given / given.sum(axis=-1, keepdims=True),
                float(record["missing"]),
                missed / missed.sum(),
                np.asarray(record["extra"], dtype=np.float64),
                *(float(record[name]) for name in _FACTORS),
            )
        except KeyError as error:
            raise ValueError(f"the confusion record lacks {error.args[0]!r}: learn it anew") from error

    def to_json(self) -> dict[str, Any]:
        """A record of plain values."""
        return {
            "alphabet": ALPHABET,
            "given": [_rounded(row) for row in self.given],
            "missing": self.missing,
            "missed": _rounded(self.missed),
            "extra": _rounded(self.extra),
            **{name: getattr(self, name) for name in _FACTORS},
        }

    def evidence(self, log_probs: NDArray[np.floating], legibility: Sequence[float] | Floats | None = None) -> Evidence:
        """What posteriors ``(B, SLOTS, 37)`` (natural logs) say once the reader's faults are allowed for.

        ``legibility (B,)`` is the reader's own, 0-1; without it, or where it is NaN, a read counts as a usual one.
        """
        if log_probs.ndim != 3 or log_probs.shape[1:] != (SLOTS, _SYMBOLS):
            raise ValueError(f"a batch of posteriors is (B, {SLOTS}, {_SYMBOLS}), not {log_probs.shape}")
        belief = log_probs.astype(np.float64) / self.temperature
        belief = np.exp(belief - belief.max(axis=2, keepdims=True))
        belief /= belief.sum(axis=2, keepdims=True)
        if not np.isfinite(belief).all():
            raise ValueError("a posterior holds values that are no logarithms of probabilities")
        short = self._short_of_usual(len(belief), legibility)
        doubt = (LEAST_DOUBT - np.log(belief.max(axis=2))) / USUAL_DOUBT
        factor = np.minimum(doubt**self.by_slot * np.exp(self.by_read * short)[:, None], _MOST_FACTOR)
        odds = self._odds * factor[:, :, None]
        wrong = belief * odds / (1.0 + odds)
        slots = np.maximum(belief - wrong + wrong @ self._instead, 0.0)
        slots /= slots.sum(axis=2, keepdims=True)
        edits_factor = np.minimum(np.exp(self.edits_by_read * short), _MOST_FACTOR)[:, None]
        occupied = 1.0 - slots[:, :, BLANK]
        extra = belief @ self.extra * edits_factor * occupied
        # A blank before a character is a dropped slot: the text closes over it.
        extra[:, :-1] += slots[:, :-1, BLANK] * occupied[:, 1:]
        missing = np.broadcast_to(self.missing * edits_factor, occupied.shape).copy()
        missing[:, 1:] *= occupied[:, :-1]
        edits = extra.sum(axis=1) + missing.sum(axis=1)
        scale = np.minimum(1.0, _CERTAIN_LIMIT / np.maximum(edits, 1e-300))[:, None]
        extra, missing = extra * scale, missing * scale
        return Evidence(slots, 1.0 - extra.sum(axis=1) - missing.sum(axis=1), extra, missing, self.missed)

    def _short_of_usual(self, reads: int, legibility: Sequence[float] | Floats | None) -> Floats:
        if legibility is None:
            return np.zeros(reads)
        given = np.asarray(legibility, dtype=np.float64)
        if given.shape != (reads,):
            raise ValueError(f"{given.shape} legibilities for {reads} reads")
        return np.nan_to_num(self.usual_legibility - log_odds(given))

    @cached_property
    def _odds(self) -> Floats:
        """Odds that a slot which says r is wrong: ``(37,)``."""
        right = self.given.diagonal()
        odds: Floats = (1.0 - right) / np.maximum(right, 1e-9)
        return odds

    @cached_property
    def _instead(self) -> Floats:
        """What a wrong slot's truth is: ``(37, 37)``, rows of sum 1."""
        off = self.given * (1.0 - np.eye(_SYMBOLS))
        total = off.sum(axis=1, keepdims=True)
        return np.where(total > 0, off / np.maximum(total, 1e-300), 1.0 / _SYMBOLS)


_FACTORS: Final = ("temperature", "by_slot", "by_read", "edits_by_read", "usual_legibility")


def log_odds(legibility: Floats) -> Floats:
    """Log-odds of legibilities, held within 7 of even."""
    inside = np.clip(legibility, 1e-3, 1 - 1e-3)
    odds: Floats = np.log(inside / (1 - inside))
    return odds


def _rounded(row: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in row]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A batch of reads as mixtures over how the reading lines up with the true plate.

    ``slots (B, SLOTS, 37)``: probability of each symbol by slot. With probability ``same (B,)`` the slots are the
    plate's own characters; with ``extra[b, j]`` slot j is to be left out; with ``missing[b, j]`` a character that was
    not seen, distributed as ``missed (36,)``, belongs before slot j. These are the ``1 + 2 * SLOTS`` variants of a
    read, in this order.
    """

    slots: Floats
    same: Floats
    extra: Floats
    missing: Floats
    missed: Floats

    @cached_property
    def tables(self) -> Floats:
        """``(B, SLOTS + 2, 37)``: the slots, then one that was not seen, then one that is surely blank."""
        rows = np.zeros((len(self.slots), SLOTS + 2, _SYMBOLS))
        rows[:, :SLOTS] = self.slots
        rows[:, SLOTS, :BLANK] = self.missed
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
        unknown = np.append(self.missed, 0.0)[codes]
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
    ``unknown`` what a place is worth that was not seen, ``ends_blank`` the last place where the blank was
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

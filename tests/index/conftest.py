"""Reads and lists drawn for the index's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from index.alphabet import ALPHABET, SLOTS, encode
from index.confusion import Confusion
from index.entry import Entry
from index.read import Posterior

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When the tests' vehicles pass."""


def make_entry(entry_id: str, plate: str, days: tuple[int, int] = (-1, 30)) -> Entry:
    """An entry valid from and until so many days after ``NOW``."""
    return Entry(entry_id, plate, "stolen", NOW + timedelta(days=days[0]), NOW + timedelta(days=days[1]))


def certain_slots(text: str, certainty: float = 0.99) -> NDArray[np.float64]:
    """Slot probabilities ``(SLOTS, 37)`` of a read that says ``text``."""
    slots = np.full((SLOTS, len(ALPHABET)), (1 - certainty) / (len(ALPHABET) - 1))
    slots[np.arange(SLOTS), encode(text)] = certainty
    return slots


def make_read(text: str, certainty: float = 0.99, **doubts: float) -> Posterior:
    """A read of ``text``; ``doubts`` such as ``s5_O=0.3`` give a slot's other symbol that much of its belief."""
    slots = certain_slots(text, certainty)
    for name, share in doubts.items():
        slot, symbol = name[1:].split("_")
        slots[int(slot)] *= 1 - share
        slots[int(slot), ALPHABET.index(symbol or "_")] += share
    return Posterior(np.log(slots).astype(np.float32))


def any_confusion(seed: int) -> Confusion:
    """A confusion with every parameter set, at random."""
    rng = np.random.default_rng(seed)
    given = np.eye(37) * rng.choice([0.9, 0.99, 0.9999]) + rng.dirichlet(np.full(37, 0.2), 37) * 0.01
    return Confusion(
        given / given.sum(axis=1, keepdims=True),
        missing=float(rng.choice([0.0, 1e-3, 0.05])),
        missed=rng.dirichlet(np.full(36, 0.3)),
        extra=rng.choice([0.0, 1e-3, 0.05], 37),
        temperature=float(rng.uniform(0.8, 1.5)),
        by_slot=float(rng.uniform(0, 1)),
        by_read=float(rng.uniform(0, 1)),
        edits_by_read=float(rng.uniform(0, 1)),
        usual_legibility=float(rng.uniform(0, 3)),
    )


@pytest.fixture
def now() -> datetime:
    return NOW

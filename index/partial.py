"""Partial plates: entries with ``?`` (any one character) and ``*`` (any run), and how likely a read meets one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS
from index.confusion import SOURCES, Evidence
from index.grammar import Patterns
from index.lookalikes import WILDCARDS

Floats = NDArray[np.float64]

FEWEST_KNOWN: Final = 3
"""Characters that a partial plate must name; one that names fewer would match a good part of the traffic."""
_PARTIAL = re.compile(rf"[0-9A-Z{re.escape(WILDCARDS)}]+")


def is_partial(plate: str) -> bool:
    """Whether a plate holds wildcards."""
    return "?" in plate or "*" in plate


@dataclass(frozen=True, eq=False)
class PartialPlate:
    """A partial plate as a machine that reads a text symbol by symbol.

    Symbols that it does not tell apart form groups: ``groups (37,)``. ``steps (G, S, S)``: 1 where a group leads from a
    state to another; ``accepts (S,)``; state 0 is the start. ``patterns``: the grammar's that spell a text it accepts,
    with their classes as ``classes (K,)`` and, by slot, positions in those: ``slots (F, SLOTS)``.
    """

    text: str
    known: tuple[int, ...]
    run: tuple[int, ...]
    """The longest run of known characters."""
    groups: NDArray[np.int64]
    steps: Floats
    accepts: NDArray[np.bool_]
    patterns: NDArray[np.int64]
    classes: NDArray[np.int64]
    slots: NDArray[np.int64]

    def matches(self, plate: str) -> bool:
        """Whether a whole plate is one of those meant."""
        return compile_text(self.text).fullmatch(plate) is not None

    def may_match(self, codes: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each text ``(N, SLOTS)`` holds the longest run: ``(N,)``; what does not is no plate meant."""
        places = SLOTS - len(self.run) + 1
        shown = np.ones((len(codes), places), dtype=bool)
        for offset, symbol in enumerate(self.run):
            shown &= np.equal(codes[:, offset : offset + places], symbol)
        return np.asarray(shown.any(axis=1))

    def at_most(self, evidence: Evidence) -> Floats:
        """An upper bound on the probability that a text is accepted, for each read of a batch: ``(B,)``; cheap.

        As it stands, a read must show the longest run somewhere; with other alignments, each character at least.
        """
        presence = evidence.slots[:, :, list(self.known)].sum(axis=1).min(axis=1)
        presence += evidence.missing.sum(axis=1)
        places = SLOTS - len(self.run) + 1
        shown = np.ones((len(evidence.slots), places))
        for offset, symbol in enumerate(self.run):
            shown *= evidence.slots[:, offset : offset + places, symbol]
        other = evidence.extra.sum(axis=1) + evidence.missing.sum(axis=1)
        bound: Floats = evidence.same * np.minimum(shown.sum(axis=1), 1.0) + other * np.minimum(presence, 1.0)
        return bound

    def likelihood(self, evidence: Evidence, read: int, grammar: Patterns) -> Floats:
        """For each of ``patterns``, the probability that the text is spelled by it and accepted: ``(F,) float64``."""
        count, states = len(self.steps), len(self.accepts)
        table = evidence.tables[read]
        worth = (table[:, None, :] * grammar.masks[self.classes]) @ np.eye(count)[self.groups]
        move = (worth.reshape(-1, count) @ self.steps.reshape(count, -1)).reshape(len(table), -1, states, states)
        used = np.flatnonzero(evidence.weights[read])
        state = np.zeros((len(used), len(self.patterns), states))
        state[:, :, 0] = 1.0
        for slot in range(SLOTS):
            state = np.einsum("vfs,vfst->vft", state, move[SOURCES[used, slot][:, None], self.slots[:, slot]])
        accepted: Floats = evidence.weights[read, used] @ state[:, :, self.accepts].sum(axis=2)
        return accepted


def compile_text(text: str) -> re.Pattern[str]:
    """A partial plate as a regular expression."""
    return re.compile(text.replace("?", ".").replace("*", ".*"))


def compile_partial(text: str, grammar: Patterns) -> PartialPlate:
    """Build the machine of a partial plate. Raises ``ValueError`` when it names too little, or nothing can match it."""
    if not _PARTIAL.fullmatch(text):
        raise ValueError(f"partial plate {text!r} may hold 0-9, A-Z, ? and * only")
    known = tuple(ALPHABET.index(symbol) for symbol in text if symbol not in WILDCARDS)
    if len(known) < FEWEST_KNOWN:
        raise ValueError(
            f"partial plate {text!r} names {len(known)} characters; {FEWEST_KNOWN} are needed to mean a few cars"
        )
    if len(text.replace("*", "")) > SLOTS:
        raise ValueError(f"partial plate {text!r} is longer than the {SLOTS} characters a plate can have")
    steps, accepts = _machine(text)
    moves = np.einsum("cs,sij->cij", grammar.masks, steps) > 0
    reached = np.zeros((len(grammar.classes), len(accepts)), dtype=bool)
    reached[:, 0] = True
    for slot in range(SLOTS):
        reached = (reached[:, :, None] & moves[grammar.classes[:, slot]]).any(axis=1)
    patterns = np.flatnonzero((reached & accepts).any(axis=1))
    classes, slots = np.unique(grammar.classes[patterns], return_inverse=True)
    groups = np.zeros(len(ALPHABET), dtype=np.int64)
    groups[[*sorted(set(known)), BLANK]] = np.arange(len(set(known)) + 1) + 1
    _, representative = np.unique(groups, return_index=True)
    longest = max(re.split(r"[?*]+", text), key=len)
    run = tuple(ALPHABET.index(symbol) for symbol in longest)
    return PartialPlate(
        text,
        known,
        run,
        groups,
        steps[representative].astype(np.float64),
        accepts,
        patterns,
        classes,
        slots.reshape(len(patterns), SLOTS),
    )


def _machine(text: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Determinise: a state is the set of places in ``text`` that what was read so far may have reached."""
    start = _closed(text, {0})
    numbers = {start: 0}
    waiting = [start]
    edges: list[tuple[int, int, int]] = []
    while waiting:
        places = waiting.pop()
        for symbol in range(BLANK):
            onward: set[int] = set()
            for place in places:
                if place < len(text) and text[place] == "*":
                    onward.add(place)
                elif place < len(text) and text[place] in ("?", ALPHABET[symbol]):
                    onward.add(place + 1)
            reached = _closed(text, onward)
            if reached not in numbers:
                numbers[reached] = len(numbers)
                waiting.append(reached)
            edges.append((symbol, numbers[places], numbers[reached]))
    steps = np.zeros((len(ALPHABET), len(numbers), len(numbers)), dtype=bool)
    for symbol, before, after in edges:
        steps[symbol, before, after] = True
    steps[BLANK] = np.eye(len(numbers), dtype=bool)
    return steps, np.array([len(text) in places for places in numbers])


def _closed(text: str, places: set[int]) -> frozenset[int]:
    closed = set(places)
    for place in sorted(places):
        step = place
        while step < len(text) and text[step] == "*":
            step += 1
            closed.add(step)
    return frozenset(closed)

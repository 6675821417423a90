"""The index equals brute force: every plate of a small grammar spelled out, every entry weighed, one by one."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import SOURCES, Confusion, Evidence
from index.entry import Entry, HitKind
from index.formats import Format
from index.grammar import GRAMMAR, Grammar, spell
from index.hotlist import CERTAIN, MOST_TEXTS, HotlistIndex
from index.traffic import FLOOR, Traffic

from .conftest import NOW, any_confusion, make_entry

SMALL = (
    Format("one", "xx", ("[01][AB]{0[12]|1[23]}",), 3),
    Format("two", "xx", ("[01][01][AB]", "A[01]B"), 1),
    Format("three", "yy", ("A[012]B[01]",)),
)
SYMBOLS = "012AB"
TRAFFIC = Traffic(fleet=20, clustering=2)
EDGE = 1e-5
"""Scores this near to the threshold may fall on either side: priors are held as float32."""


@dataclass(frozen=True)
class Expected:
    kind: HitKind
    score: float


def likelihood(evidence: Evidence, read: int, text: str) -> float:
    """The probability of a text by the definition: variant by variant, slot by slot."""
    codes = encode(text)
    total = 0.0
    for weight, sources in zip(evidence.weights[read], SOURCES, strict=True):
        product = float(weight)
        for slot in range(SLOTS):
            product *= float(evidence.tables[read, sources[slot], codes[slot]])
        total += product
    return total


def spelled_out(grammar: Grammar) -> dict[str, float]:
    """Every plate of a small grammar with its prior."""
    texts = {
        "".join(symbols)
        for format in grammar.formats
        for text in format.spellings
        for spelling in spell(text)
        for symbols in itertools.product(*spelling)
    }
    return {text: float(grammar.priors(encode(text)[None])[0]) for text in texts}


def legibilities(reads: int) -> list[float]:
    """From hardly legible to plain."""
    return np.linspace(0.2, 0.99, reads).tolist()


def brute_force(
    index: HotlistIndex, entries: list[Entry], logs: NDArray[np.float64], prior: dict[str, float], threshold: float
) -> list[dict[str, Expected]]:
    evidence = index.confusion.evidence(logs, legibilities(len(logs)))
    met: list[dict[str, Expected]] = []
    valid = [entry for entry in entries if entry.valid_from <= NOW < entry.valid_until]
    for read in range(len(logs)):
        unlisted = {text: likelihood(evidence, read, text) * each for text, each in prior.items()}
        ground = sum(unlisted.values())
        listed: dict[str, float] = {}
        for plate in {entry.plate for entry in valid if not set("?*") & set(entry.plate)}:
            each = float(index.traffic.listed_prior(np.array([prior.get(plate, 0.0)]))[0])
            part = likelihood(evidence, read, plate) * each
            if part >= FLOOR * ground:
                listed[plate] = part
        total = ground + sum(part - unlisted.get(plate, 0.0) for plate, part in listed.items())
        best = "".join(ALPHABET[code] for code in logs[read].argmax(axis=1) if code != BLANK)
        found: dict[str, Expected] = {}
        for entry in valid:
            if set("?*") & set(entry.plate):
                means = re.compile(entry.plate.replace("?", ".").replace("*", ".*"))
                parts = {**unlisted, **listed}
                score = sum(part for text, part in parts.items() if means.fullmatch(text)) / total
                is_best = means.fullmatch(best) is not None
            else:
                score = listed.get(entry.plate, 0.0) / total
                is_best = entry.plate == best
            if score >= threshold - EDGE:
                is_exact = is_best and likelihood(evidence, read, best) >= CERTAIN
                found[entry.entry_id] = Expected(HitKind.EXACT if is_exact else HitKind.PROBABLE, score)
        met.append(found)
    return met


def agree(
    index: HotlistIndex, logs: NDArray[np.float64], expected: list[dict[str, Expected]], threshold: float
) -> None:
    met = index.match(logs, NOW, threshold=threshold, legibility=legibilities(len(logs)))
    for matches, wanted in zip(met, expected, strict=True):
        found = {match.entry.entry_id: match for match in matches}
        assert len(found) == len(matches)
        assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)
        for entry_id in found.keys() | wanted.keys():
            if entry_id in wanted and abs(wanted[entry_id].score - threshold) < EDGE:
                continue
            assert entry_id in found, (entry_id, wanted[entry_id])
            assert entry_id in wanted, found[entry_id]
            assert abs(found[entry_id].score - wanted[entry_id].score) < EDGE
            assert found[entry_id].kind == wanted[entry_id].kind


@st.composite
def posteriors(draw: st.DrawFn, symbols: str = SYMBOLS, longest: int = 5) -> NDArray[np.float64]:
    """Slots that lean to a few symbols each, sharply or not; blanks anywhere, most of them at the end."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, longest))
    sharpness = draw(st.sampled_from([0.5, 2.0, 6.0, 15.0, 40.0]))
    logs = np.full((SLOTS, len(ALPHABET)), -draw(st.sampled_from([5.0, 12.0, 60.0])))
    for slot in range(SLOTS):
        lean = [ALPHABET.index(s) for s in symbols] + [BLANK] if slot < length else [BLANK]
        logs[slot, lean] = generator.normal(0.0, sharpness, len(lean))
        if slot < length:
            logs[slot, BLANK] -= sharpness
    return logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))


CONFUSIONS = st.builds(
    Confusion.even,
    st.sampled_from([1e-6, 1e-3, 0.05]),
    st.sampled_from([0.0, 1e-3, 0.05]),
    st.sampled_from([0.0, 1e-3, 0.05]),
) | st.builds(any_confusion, st.integers(0, 2**32 - 1))
TEXTS = st.text(alphabet=SYMBOLS, min_size=1, max_size=6)
PARTIALS = st.text(alphabet=SYMBOLS + "?*", min_size=3, max_size=8).filter(
    lambda text: sum(symbol in SYMBOLS for symbol in text) >= 3 and set("?*") & set(text)
)
SPELLED = st.sampled_from(sorted(spelled_out(Grammar(SMALL, {"xx": 0.8}, 0.0))))
DAYS = st.sampled_from([(-1, 30), (-1, 30), (-1, 30), (-5, -1), (1, 5), (0, 1), (-1, 0)])


@settings(deadline=None, max_examples=80)
@given(
    plates=st.lists(st.tuples(SPELLED | TEXTS | PARTIALS, DAYS), max_size=25),
    reads=st.lists(posteriors(), min_size=1, max_size=4),
    confusion=CONFUSIONS,
    threshold=st.sampled_from([FLOOR, 0.2, 0.5, 0.9]),
    removed=st.sets(st.integers(0, 24)),
    most_texts=st.sampled_from([1, MOST_TEXTS]),
)
def test_index_equals_brute_force(
    plates: list[tuple[str, tuple[int, int]]],
    reads: list[NDArray[np.float64]],
    confusion: Confusion,
    threshold: float,
    removed: set[int],
    most_texts: int,
) -> None:
    grammar = Grammar(SMALL, {"xx": 0.8}, 0.0)
    entries = [make_entry(str(number), plate, days) for number, (plate, days) in enumerate(plates)]
    half = len(entries) // 2
    index = HotlistIndex.build(
        entries[:half], confusion=confusion, grammar=grammar, traffic=TRAFFIC, most_texts=most_texts
    )
    for entry in entries[half:]:
        index.add([entry])
    index.remove(map(str, removed))
    kept = [entry for number, entry in enumerate(entries) if number not in removed]
    assert len(index) == len(kept)
    logs = np.stack(reads)
    expected = brute_force(index, kept, logs, spelled_out(grammar), threshold)
    agree(index, logs, expected, threshold)
    index.compact()
    agree(index, logs, expected, threshold)


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    reads=st.lists(posteriors("0OD1I8B5SZ2", 9), min_size=1, max_size=3),
    confusion=CONFUSIONS,
    threshold=st.sampled_from([FLOOR, 0.5]),
)
def test_every_entry_of_a_large_list_is_weighed(
    seed: int, reads: list[NDArray[np.float64]], confusion: Confusion, threshold: float
) -> None:
    generator = np.random.default_rng(seed)
    logs = np.stack(reads)
    plates = [_near(logs[number % len(logs)], generator) for number in range(200)]
    entries = [make_entry(str(number), plate) for number, plate in enumerate(plates) if plate]
    index = HotlistIndex.build(entries, confusion=confusion)
    evidence = confusion.evidence(logs, legibilities(len(logs)))
    patterns = GRAMMAR.patterns
    ground = evidence.class_likelihood(patterns.masks, patterns.classes) @ patterns.prior
    expected: list[dict[str, Expected]] = []
    for read in range(len(logs)):
        best = "".join(ALPHABET[code] for code in logs[read].argmax(axis=1) if code != BLANK)
        parts: dict[str, tuple[float, float]] = {}
        for entry in entries:
            unlisted = GRAMMAR.priors(encode(entry.plate)[None])
            worth = likelihood(evidence, read, entry.plate)
            listed = float(index.traffic.listed_prior(unlisted)[0])
            if worth * listed >= FLOOR * ground[read]:
                parts[entry.plate] = (worth * listed, worth * float(unlisted[0]))
        total = ground[read] + sum(part - without for part, without in parts.values())
        certain = bool(best) and likelihood(evidence, read, best) >= CERTAIN
        scores = {entry: parts[entry.plate][0] / total for entry in entries if entry.plate in parts}
        expected.append(
            {
                entry.entry_id: Expected(HitKind.EXACT if certain and entry.plate == best else HitKind.PROBABLE, score)
                for entry, score in scores.items()
                if score >= threshold - EDGE
            }
        )
    agree(index, logs, expected, threshold)


def _near(logs: NDArray[np.float64], generator: np.random.Generator) -> str:
    """A text drawn from a read, now and then with a character more or less."""
    text = "".join(ALPHABET[int(generator.choice(len(ALPHABET), p=np.exp(row)))] for row in logs).replace("_", "")
    if text and generator.random() < 0.2:
        cut = int(generator.integers(len(text)))
        text = text[:cut] + text[cut + 1 :] if generator.random() < 0.5 else text[:cut] + "7" + text[cut:]
    return text[:SLOTS]

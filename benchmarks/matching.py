"""Matching against look-up and edit distance: speed, memory, and recall at equal false hits.

``python -m benchmarks.matching [--json]``. The list holds Kazakh plates drawn at random (``benchmarks.plates``); the
reads are a reader's real reads of plates drawn the same way (``benchmarks.reads``), of other plates and pictures than
those that the reader's confusion was learned from. They are drawn on the first run and kept in ``build/``.

Recall is the share of reads that hit their own plate, were it on the list. False hits are counted in expectation over
all lists: a list's plates are drawn one by one, so that a read's false hits are the sum, over all texts that it would
score the threshold or more with, of the probability that the list holds them. No method's threshold rests on a handful
of accidents so, and each takes the best one, with hindsight, that keeps it within the budget. One real list is matched
besides, and its hits are counted at the same thresholds. A hit is false when the entry is not the vehicle's plate.

Opponents: the best text looked up in a dictionary, ranked by the read's score; edit distance 0 and 1 as
``rapidfuzz.process.extract`` finds it (timed and checked on a sample), ranked by the read's score times the best of
several penalties for distance 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from benchmarks.plates import probability, random_plates
from benchmarks.reads import BENCHMARK_SEED, READER, Bank, draw_bank, texts_of
from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import Confusion
from index.entry import Entry
from index.enumeration import likely_texts, pack, unpack
from index.grammar import GRAMMAR
from index.hotlist import MOST_TEXTS, HotlistIndex
from index.traffic import FLOOR, Traffic
from models.confusion import confusion_of
from models.supply.fetching import sha256
from models.supply.manifest import ROOT

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PENALTIES = (1.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-12)
SHAPES = ("###@@@##", "###@@##", "@###@@@")
"""Of the plates on the list: digits and letters."""
LISTED_SHARE = 0.1
"""Of the vehicles that pass, in the world drawn here."""


@dataclass(frozen=True)
class Curve:
    """What one method proposes, sorted by score: true hits and expected false ones at each threshold, a read."""

    scores: NDArray[np.float64]
    true: NDArray[np.float64]
    false: NDArray[np.float64]

    @classmethod
    def of(
        cls, scores: NDArray[np.float64], is_true: NDArray[np.bool_], false: NDArray[np.float64], reads: int
    ) -> Curve:
        order = np.argsort(-scores, kind="stable")
        return cls(scores[order], np.cumsum(is_true[order]) / reads, np.cumsum(false[order]) / reads)

    def at(self, per_1000: float) -> tuple[float, float]:
        """Recall at so many expected false hits per 1,000 reads, and the threshold that it takes."""
        within = int(np.searchsorted(self.false, per_1000 / 1000, side="right"))
        return (float(self.true[within - 1]), float(self.scores[within - 1])) if within else (0.0, 1.0)


def listed(codes: NDArray[np.integer], entries: int) -> NDArray[np.float64]:
    """Probability that a list of so many plates holds each text."""
    result: NDArray[np.float64] = -np.expm1(entries * np.log1p(-probability(codes)))
    return result


def by_likelihood(bank: Bank, confusion: Confusion, traffic: Traffic, entries: int) -> Curve:
    """The index's scores of every plate that could be listed, as if it were the only one near the read."""
    masks = _masks()
    patterns = GRAMMAR.patterns
    parts: list[tuple[NDArray[np.float64], ...]] = []
    for start in range(0, len(bank), 256):
        some = bank.part(slice(start, start + 256))
        evidence = confusion.evidence(some.log_probs, some.legibility)
        ground = evidence.class_likelihood(patterns.masks, patterns.classes) @ patterns.prior
        most = float(traffic.listed_prior(np.array([1e-6]))[0])
        least = np.repeat(FLOOR * ground[:, None] / most, len(masks), axis=1)
        texts = likely_texts(evidence, masks, least, MOST_TEXTS)
        codes = unpack(texts.packed)
        likelihood = evidence.text_likelihood(texts.reads, codes)
        unlisted = GRAMMAR.priors(codes)
        prior = traffic.listed_prior(unlisted)
        score = likelihood * prior / (ground[texts.reads] + likelihood * (prior - unlisted))
        kept = score >= FLOOR
        is_true = texts.packed[kept] == pack(some.codes)[texts.reads[kept]]
        false = np.where(is_true, 0.0, listed(codes[kept], entries))
        parts.append((score[kept], is_true, false))
    score, is_true, false = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Curve.of(score, is_true.astype(bool), false, len(bank))


def by_look_up(bank: Bank, entries: int) -> Curve:
    """The best text, if the list holds it."""
    said, score = _said(bank)
    is_true = (said == bank.codes).all(axis=1)
    return Curve.of(score, is_true, np.where(is_true, 0.0, listed(said, entries)), len(bank))


def by_edit_distance(bank: Bank, entries: int) -> list[Curve]:
    """The best text and every plate at Levenshtein distance 1 of it, for each penalty."""
    said, score = _said(bank)
    is_true = (said == bank.codes).all(axis=1)
    exact_false = np.where(is_true, 0.0, listed(said, entries))
    near_true = np.zeros(len(bank), dtype=bool)
    near_false = np.zeros(len(bank))
    truths = pack(bank.codes)
    for read, codes in enumerate(said):
        around = neighbours(codes)
        chance = listed(around, entries)
        of_it = pack(around) == truths[read]
        near_true[read] = of_it.any()
        near_false[read] = chance[~of_it].sum()
    scores = [np.concatenate([score, score * penalty * (1 - 1e-12)]) for penalty in PENALTIES]
    return [
        Curve.of(each, np.concatenate([is_true, near_true]), np.concatenate([exact_false, near_false]), len(bank))
        for each in scores
    ]


def neighbours(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Every text at Levenshtein distance 1 of one, each once: ``(N, 10)``."""
    text = [int(code) for code in codes if code != BLANK]
    found: set[tuple[int, ...]] = set()
    for place in range(len(text) + 1):
        if place < len(text):
            found.add((*text[:place], *text[place + 1 :]))
            found |= {(*text[:place], code, *text[place + 1 :]) for code in range(BLANK)}
        if len(text) < SLOTS:
            found |= {(*text[:place], code, *text[place:]) for code in range(BLANK)}
    found -= {tuple(text), ()}
    rows = np.full((len(found), SLOTS), BLANK, dtype=np.int64)
    for row, each in enumerate(found):
        rows[row, : len(each)] = each
    return rows


def _said(bank: Bank) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Best texts and the reads' scores."""
    said = np.stack([encode(text) for text in texts_of(bank.log_probs.argmax(axis=2))])
    return said, np.exp(bank.log_probs.max(axis=2).sum(axis=1).astype(np.float64))


def _masks() -> NDArray[np.bool_]:
    digits = np.array([symbol.isdigit() for symbol in ALPHABET])
    letters = np.array([symbol.isalpha() for symbol in ALPHABET])
    blank = np.arange(len(ALPHABET)) == BLANK
    kinds = {"#": digits, "@": letters}
    return np.stack([np.stack([kinds[k] for k in shape] + [blank] * (SLOTS - len(shape))) for shape in SHAPES])


def _entries(plates: list[str]) -> Iterator[Entry]:
    for number, plate in enumerate(plates):
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        yield Entry(name, plate, "stolen", NOW - timedelta(days=1), NOW + timedelta(days=30))


def _speed(index: HotlistIndex, bank: Bank, batch: int = 256) -> tuple[float, float]:
    """Milliseconds a read in batches: of this core's time, and by the wall clock; the best of three."""
    index.match(bank.log_probs[:batch], NOW)
    runs = []
    for _ in range(3):
        cpu, wall = time.process_time(), time.perf_counter()
        for start in range(0, len(bank), batch):
            some = bank.part(slice(start, start + batch))
            index.match(some.log_probs, NOW, legibility=some.legibility.tolist())
        runs.append(((time.process_time() - cpu) / len(bank) * 1e3, (time.perf_counter() - wall) / len(bank) * 1e3))
    return min(run[0] for run in runs), min(run[1] for run in runs)


def _updates(index: HotlistIndex, plates: list[str]) -> tuple[float, float]:
    """Milliseconds to add, replace and remove one entry: mean, and the worst of all."""
    spent = []
    for number, plate in enumerate(plates):
        entry = Entry(f"new-{number % 800}", plate, "stolen", NOW, NOW + timedelta(days=1))
        start = time.perf_counter()
        index.add([entry])
        spent.append(time.perf_counter() - start)
        if number % 3 == 0:
            start = time.perf_counter()
            index.remove([entry.entry_id])
            spent.append(time.perf_counter() - start)
    index.remove(f"new-{number}" for number in range(800))
    index.compact()
    return float(np.mean(spent)) * 1e3, max(spent) * 1e3


def _rapidfuzz(plates: list[str], bank: Bank) -> float:
    """Milliseconds a read of a scan by edit distance; its answers must be those that ``neighbours`` names."""
    texts = texts_of(bank.log_probs.argmax(axis=2))
    start = time.perf_counter()
    found = [process.extract(t, plates, scorer=Levenshtein.distance, score_cutoff=1, limit=None) for t in texts]
    spent = (time.perf_counter() - start) / len(texts) * 1e3
    held = set(plates)
    for text, near in zip(texts, found, strict=True):
        around = set(texts_of(neighbours(encode(text)))) & held
        if {plate for plate, distance, _ in near if distance == 1} != around:
            raise RuntimeError(f"rapidfuzz and the counted neighbours of {text} differ")
    return spent


def _on_a_list(
    index: HotlistIndex, bank: Bank, held: NDArray[np.bool_], thresholds: dict[float, float]
) -> dict[str, object]:
    """One real list: hits at thresholds by false hits expected per 1,000 reads, and how calibrated the scores are."""
    scores: list[tuple[float, bool]] = []
    truths = bank.truths
    for start in range(0, len(bank), 256):
        some = bank.part(slice(start, start + 256))
        met = index.match(some.log_probs, NOW, threshold=FLOOR, legibility=some.legibility.tolist())
        for truth, matches in zip(truths[start : start + 256], met, strict=True):
            scores += [(match.score, match.entry.plate == truth) for match in matches]
    rows = {}
    for per_1000, threshold in thresholds.items():
        false = sum(score >= threshold and not is_true for score, is_true in scores)
        true = sum(score >= threshold and is_true for score, is_true in scores)
        rows[str(per_1000)] = {"false_per_1000": false / len(bank) * 1000, "recall": true / int(held.sum())}
    return {"on_one_list": rows, "calibration": _calibration(scores)}


def _calibration(scores: list[tuple[float, bool]]) -> list[dict[str, float]]:
    edges = [FLOOR, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.99, 0.999, 1.01]
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = [(score, is_true) for score, is_true in scores if low <= score < high]
        if inside:
            said, was = np.mean([score for score, _ in inside]), np.mean([is_true for _, is_true in inside])
            rows.append({"from": low, "matches": len(inside), "said": float(said), "was": float(was)})
    return rows


def _bank(options: argparse.Namespace, say: Callable[..., None]) -> Bank:
    if options.reads:
        return Bank.load(options.reads)
    name = f"reads-{sha256(READER)[:8]}-{BENCHMARK_SEED}-{options.passes}.npz"
    file: Path = ROOT / "build" / name
    if not file.exists():
        say(f"drawing {options.passes} passes, once, into {file}")
        draw_bank(READER, options.passes, BENCHMARK_SEED).save(file)
    return Bank.load(file)


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=Path, help="a bank of benchmarks.reads; one of beket's reader without")
    parser.add_argument("--passes", type=int, default=8000, help="passes drawn where no bank is given")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="only one JSON object, as the last line, on stdout")
    options = parser.parse_args()

    def say(*words: object) -> None:
        print(*words, file=sys.stderr if options.json else sys.stdout, flush=True)

    rng = np.random.default_rng(options.seed)
    bank = _bank(options, say)
    confusion = confusion_of(bank.reader_sha256)
    learned_from = "models/weights"
    if confusion is None:
        import torch

        from models.training.confusion import learn

        torch.set_num_threads(1)
        taught, bank = bank.part(slice(0, None, 2)), bank.part(slice(1, None, 2))
        confusion, learned_from = learn(taught.log_probs, taught.legibility, taught.truths), "half of the bank"
    say(f"{platform.machine()}, {os.cpu_count()} cores, one used; {len(bank)} reads, {bank.exact:.1%} exact")

    # the world drawn here: so many vehicles for each listed one, spread evenly over all plates
    traffic = Traffic(fleet=options.entries / LISTED_SHARE, clustering=1.0)
    is_listed = np.arange(len(bank)) % round(1 / LISTED_SHARE) == 0
    unlisted = {truth for truth, is_one in zip(bank.truths, is_listed, strict=True) if not is_one}
    drawn = dict.fromkeys(truth for truth, is_one in zip(bank.truths, is_listed, strict=True) if is_one)
    drawn |= dict.fromkeys(plate for plate in random_plates(int(options.entries * 1.02), rng) if plate not in unlisted)
    plates = list(drawn)[: options.entries]
    start = time.perf_counter()
    index = HotlistIndex.build(_entries(plates), confusion=confusion, traffic=traffic)
    figures: dict[str, object] = {
        "reader": bank.reader_sha256[:8],
        "reads": len(bank),
        "reader_exact": bank.exact,
        "confusion_from": learned_from,
        "entries": len(index),
        "build_s": time.perf_counter() - start,
        "bytes_per_entry": index.nbytes / len(index),
    }
    sample = bank.part(slice(0, 2048))
    figures["ms_per_read_1m"], figures["ms_per_read_1m_wall"] = _speed(index, sample)
    small = HotlistIndex.build(_entries(plates[: options.entries // 10]), confusion=confusion, traffic=traffic)
    figures["ms_per_read_100k"], figures["ms_per_read_100k_wall"] = _speed(small, sample)
    del small
    figures["update_ms"], figures["update_ms_worst"] = _updates(index, random_plates(300, rng))
    figures["ms_per_read_rapidfuzz"] = _rapidfuzz(plates, bank.part(slice(0, 8)))

    say("recall")
    ours = by_likelihood(bank, confusion, traffic, options.entries)
    lookup = by_look_up(bank, options.entries)
    edits = by_edit_distance(bank, options.entries)
    table = {}
    for per_1000 in (0.01, 0.1, 1.0):
        row = {
            "recall": ours.at(per_1000)[0],
            "recall_lookup": lookup.at(per_1000)[0],
            "recall_edit_distance": max(edit.at(per_1000)[0] for edit in edits),
        }
        best = max(row["recall_lookup"], row["recall_edit_distance"])
        row["misses_to_best_opponent"] = (1 - row["recall"]) / (1 - best) if best < 1 else 0.0
        table[per_1000] = row
    figures |= table[0.01]
    figures |= {f"at_{per_1000}_false_per_1000": table[per_1000] for per_1000 in (0.1, 1.0)}
    figures["lookup_all_false_per_1000"] = float(lookup.false[-1]) * 1000
    thresholds = {per_1000: ours.at(per_1000)[1] for per_1000 in table}
    figures |= _on_a_list(index, bank, is_listed, thresholds)
    if not options.json:
        print()
        for name, value in figures.items():
            print(f"{name:26} {value:.4g}" if isinstance(value, float) else f"{name:26} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

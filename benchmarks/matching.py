"""Matching against look-up and edit distance: speed, memory, and recall at equal false hits.

``python -m benchmarks.matching [--reads BANK.npz] [--json]``. The list holds Kazakh plates drawn at random; the reads
are made from a bank of a reader's real reads (``benchmarks.reads``), half of which teach the confusion and half of
which are read, or else from a stated synthetic reader. Every method may set its own threshold, with hindsight, so that
its false hits are just within the budget. A hit is false when the entry is not the vehicle's plate.

Opponents: the best text looked up in a dictionary, ranked by the read's score; edit distance 0 and 1 as
``rapidfuzz.process.extract`` finds it (timed and checked on a sample; counted by an index of deletions that gives the
same answer), ranked by the read's score times the best of several penalties for distance 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from benchmarks.reads import Bank, ReadMaker, random_plates
from index.alphabet import ALPHABET, BLANK, encode
from index.confusion import learn
from index.entry import Entry
from index.enumeration import BITS, pack
from index.hotlist import HotlistIndex
from index.segment import encode_plates
from index.traffic import FLOOR, Traffic

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PENALTIES = (1.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-12)


@dataclass
class Proposals:
    """What one method proposed: scores of hits on the vehicle's own plate, one a listed read, and of all others."""

    true: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)

    def recall(self, listed: int, budget: int) -> float:
        """Share of listed vehicles hit, at the lowest threshold that lets at most ``budget`` false hits through."""
        false = sorted(self.false, reverse=True)
        threshold = false[budget] if len(false) > budget else 0.0
        return sum(score > threshold for score in self.true) / listed


class Deletions:
    """Counts entries at Levenshtein distance 1 of a text, as a scan with rapidfuzz would."""

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        packed = pack(codes)
        self.packed = np.sort(packed)
        self.masked = [np.sort(packed & ~self._mask(slot)) for slot in range(10)]
        lengths = (codes != BLANK).sum(axis=1)
        shorter = [pack(_without(codes[lengths > slot], slot)) for slot in range(10)]
        owners = [np.flatnonzero(lengths > slot) for slot in range(10)]
        pairs = np.unique(np.stack([np.concatenate(shorter), np.concatenate(owners).astype(np.uint64)], axis=1), axis=0)
        self.shorter = pairs[:, 0].copy()

    @staticmethod
    def _mask(slot: int) -> np.uint64:
        return np.uint64((2**BITS - 1) << (BITS * (9 - slot)))

    @staticmethod
    def _count(column: NDArray[np.uint64], asked: NDArray[np.uint64]) -> NDArray[np.int64]:
        counts: NDArray[np.int64] = np.searchsorted(column, asked, side="right") - np.searchsorted(column, asked)
        return counts

    def at_one(self, codes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Entries at distance 1 of each text ``(N, 10)`` of codes."""
        packed = pack(codes)
        same = self._count(self.packed, packed)
        total = self._count(self.shorter, packed)
        lengths = (codes != BLANK).sum(axis=1)
        for slot in range(10):
            inside = lengths > slot
            total[inside] += self._count(self.masked[slot], packed[inside] & ~self._mask(slot)) - same[inside]
            shorter = pack(_without(codes[inside], slot))
            repeated = (codes[inside, slot] == codes[inside, slot - 1]) if slot else np.zeros(inside.sum(), dtype=bool)
            total[inside] += np.where(repeated, 0, self._count(self.packed, shorter))
        return total


def _without(codes: NDArray[np.integer], slot: int) -> NDArray[np.integer]:
    rest = np.delete(codes, slot, axis=1)
    return np.concatenate([rest, np.full((len(codes), 1), BLANK, dtype=codes.dtype)], axis=1)


def _entries(plates: list[str]) -> Iterator[Entry]:
    for number, plate in enumerate(plates):
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        yield Entry(name, plate, "stolen", NOW - timedelta(days=1), NOW + timedelta(days=30))


def _texts(logs: NDArray[np.float32]) -> list[str]:
    return ["".join(ALPHABET[code] for code in row if code != BLANK) for row in logs.argmax(axis=2)]


def _speed(index: HotlistIndex, logs: NDArray[np.float32], batch: int = 256) -> tuple[float, float]:
    """Milliseconds a read in batches: of this core's time, and by the wall clock; the best of three."""
    index.match(logs[:batch], NOW)
    runs = []
    for _ in range(3):
        cpu, wall = time.process_time(), time.perf_counter()
        for start in range(0, len(logs), batch):
            index.match(logs[start : start + batch], NOW)
        runs.append(((time.process_time() - cpu) / len(logs) * 1e3, (time.perf_counter() - wall) / len(logs) * 1e3))
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


@dataclass
class Recall:
    """Proposals of all methods, gathered chunk by chunk."""

    ours: Proposals = field(default_factory=Proposals)
    lookup: Proposals = field(default_factory=Proposals)
    edit: dict[float, Proposals] = field(default_factory=lambda: {penalty: Proposals() for penalty in PENALTIES})
    scores: list[tuple[float, bool]] = field(default_factory=list)
    exact_texts: int = 0

    def take(
        self, index: HotlistIndex, held: set[str], deletions: Deletions, truths: list[str], logs: NDArray[np.float32]
    ) -> None:
        for truth, matches in zip(truths, index.match(logs, NOW, threshold=FLOOR), strict=True):
            for match in matches:
                is_true = match.entry.plate == truth
                self.scores.append((match.score, is_true))
                (self.ours.true if is_true else self.ours.false).append(match.score)
        texts = _texts(logs)
        confidence = np.exp(logs.max(axis=2).sum(axis=1)).astype(float)
        self.exact_texts += sum(text == truth for text, truth in zip(texts, truths, strict=True))
        near = deletions.at_one(np.stack([encode(text) for text in texts]))
        for text, truth, score, count in zip(texts, truths, confidence, near, strict=True):
            if text in held:
                (self.lookup.true if text == truth else self.lookup.false).append(score)
            distance = Levenshtein.distance(text, truth, score_cutoff=1) if truth in held else 2
            for penalty, edit in self.edit.items():
                if text in held:
                    (edit.true if text == truth else edit.false).append(score)
                if distance == 1:
                    edit.true.append(score * penalty)
                if count > (distance == 1):
                    edit.false.append(score * penalty)


def _calibration(scores: list[tuple[float, bool]]) -> list[dict[str, float]]:
    edges = [FLOOR, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.99, 0.999, 1.01]
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = [(score, is_true) for score, is_true in scores if low <= score < high]
        if inside:
            said, was = np.mean([score for score, _ in inside]), np.mean([is_true for _, is_true in inside])
            rows.append({"from": low, "matches": len(inside), "said": float(said), "was": float(was)})
    return rows


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reads", type=Path, help="bank of a reader's reads; synthetic without")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--unlisted", type=int, default=200_000, help="reads of vehicles not on the list")
    parser.add_argument("--listed", type=int, default=20_000, help="reads of vehicles on the list")
    parser.add_argument("--false-per-1000", type=float, default=0.01)
    parser.add_argument("--least-score", type=float, default=0.3, help="reads of the bank below this count as unread")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="only one JSON object, as the last line, on stdout")
    options = parser.parse_args()
    say = (lambda *_: None) if options.json else print
    rng = np.random.default_rng(options.seed)
    bank = Bank.load(options.reads, options.least_score) if options.reads else Bank.synthetic(6000, 11)
    teaching, reading = bank.part(slice(0, None, 2)), bank.part(slice(1, None, 2))
    confusion = learn(teaching.log_probs, teaching.truths)
    maker = ReadMaker(reading, options.seed)
    plates = sorted(set(random_plates(int(options.entries * 1.01), rng)))
    plates = [plates[row] for row in rng.permutation(len(plates))[: options.entries]]
    held = set(plates)
    say(f"{platform.machine()}, {os.cpu_count()} cores, one used; reads from {reading.name}, {reading.exact:.1%} exact")

    # The world that is drawn here: so many vehicles for each listed one, spread evenly over all plates.
    traffic = Traffic(fleet=options.entries * (options.listed + options.unlisted) / options.listed, clustering=1.0)
    start = time.perf_counter()
    index = HotlistIndex.build(_entries(plates), confusion=confusion, traffic=traffic)
    figures: dict[str, object] = {
        "reads_from": reading.name,
        "entries": len(index),
        "build_s": time.perf_counter() - start,
    }
    figures["bytes_per_entry"] = index.nbytes / len(index)
    outside = [plate for plate in random_plates(2560, rng) if plate not in held]
    sample = np.stack([maker.read(plates[n] if n % 10 == 0 else plate) for n, plate in enumerate(outside[:2048])])
    figures["ms_per_read_1m"], figures["ms_per_read_1m_wall"] = _speed(index, sample)
    small = HotlistIndex.build(_entries(plates[:100_000]), confusion=confusion, traffic=traffic)
    figures["ms_per_read_100k"], figures["ms_per_read_100k_wall"] = _speed(small, sample)
    figures["update_ms"], figures["update_ms_worst"] = _updates(index, random_plates(300, rng))

    deletions = Deletions(encode_plates(plates))
    texts = _texts(sample[:8])
    start = time.perf_counter()
    found = [process.extract(t, plates, scorer=Levenshtein.distance, score_cutoff=1, limit=None) for t in texts]
    figures["ms_per_read_rapidfuzz"] = (time.perf_counter() - start) / len(texts) * 1e3
    counted = deletions.at_one(np.stack([encode(text) for text in texts]))
    assert [sum(distance == 1 for _, distance, _ in near) for near in found] == counted.tolist()

    recall = Recall()
    for start_at in range(0, options.listed + options.unlisted, 5000):
        count = min(5000, options.listed + options.unlisted - start_at)
        listed = max(0, min(count, options.listed - start_at))
        truths = [plates[row] for row in rng.integers(0, len(plates), listed)]
        while len(truths) < count:
            truths += [plate for plate in random_plates(count, rng) if plate not in held][: count - len(truths)]
        recall.take(index, held, deletions, truths, np.stack([maker.read(plate) for plate in truths]))
        say(f"\r{start_at + count} reads", end="", flush=True)
    reads = options.listed + options.unlisted
    budget = int(options.false_per_1000 * reads / 1000)
    figures |= {
        "reads": reads,
        "false_hits_allowed": budget,
        "reader_exact": recall.exact_texts / reads,
        "recall": recall.ours.recall(options.listed, budget),
        "recall_lookup": recall.lookup.recall(options.listed, budget),
        "recall_edit_distance": max(edit.recall(options.listed, budget) for edit in recall.edit.values()),
    }
    for per_1000 in (0.1, 1.0):
        allowed = int(per_1000 * reads / 1000)
        figures[f"at_{per_1000}_false_per_1000"] = {
            "recall": recall.ours.recall(options.listed, allowed),
            "recall_lookup": recall.lookup.recall(options.listed, allowed),
            "recall_edit_distance": max(edit.recall(options.listed, allowed) for edit in recall.edit.values()),
        }
    figures["lookup_all_false_per_1000"] = len(recall.lookup.false) / reads * 1000
    figures["calibration"] = _calibration(recall.scores)
    ours, best = (
        1 - float(str(figures["recall"])),
        max(float(str(figures[k])) for k in ("recall_lookup", "recall_edit_distance")),
    )
    figures["misses_to_best_opponent"] = ours / (1 - best) if best < 1 else None
    if not options.json:
        print()
        for name, value in figures.items():
            print(f"{name:26} {value:.4g}" if isinstance(value, float) else f"{name:26} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

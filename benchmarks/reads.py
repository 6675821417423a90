"""Reads for the matching benchmark: a bank of a reader's reads of known plates, and reads of any plate made from it.

``python -m benchmarks.reads MODEL.onnx OUT.npz [--fonts FOLDER] [--confusion OUT.json]`` draws Kazakh plates, a few
frames of each, reads and fuses them, and keeps ``log_probs (N, 10, 37) float16`` and ``truths (N,)``. Without a bank a
stated synthetic reader serves.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, encode
from index.confusion import learn
from models.ports import PlateReader
from models.reader import NetworkReader
from models.slots import SlotReader
from models.training import crops
from models.training.crops import CropMaker
from models.training.faces import font_faces
from models.training.layouts import random_design
from passes.fuse import Evidence, fuse

LOOKALIKES = ("0OQD", "1IL", "8B3", "5S6", "2Z", "6GC", "4A", "7TY", "UV", "MN", "EF", "KX", "PR", "HW")


@dataclass(frozen=True, eq=False)
class Bank:
    """Reads of known plates; only those with as many characters as the truth lend their slots."""

    name: str
    log_probs: NDArray[np.float32]
    codes: NDArray[np.int64]

    @classmethod
    def load(cls, file: Path, least_score: float = 0.0) -> Bank:
        """A stored bank's reads with a score of ``least_score`` or more: others are unread, and never matched."""
        with np.load(file) as stored:
            codes = np.stack([encode(str(text)) for text in stored["truths"]])
            logs = stored["log_probs"].astype(np.float32)
        read = np.exp(logs.max(axis=2).sum(axis=1)) >= least_score
        return cls(file.name, logs[read], codes[read])

    def part(self, which: slice) -> Bank:
        """Some of the reads: one part to learn the reader's confusion from, another to test on."""
        return Bank(self.name, self.log_probs[which], self.codes[which])

    @classmethod
    def synthetic(cls, reads: int, seed: int) -> Bank:
        """A reader that sees each character as a point in noise, look-alikes near each other, and is a bit too certain.

        The noise is drawn a read (a far or dirty plate is bad throughout); belief is its exact posterior, sharpened by
        a tenth; one character in 10,000 is missed, one in 10,000 invented.
        """
        rng = np.random.default_rng(seed)
        points = rng.normal(0, 1, (len(ALPHABET), 24))
        for group in LOOKALIKES:
            centre = rng.normal(0, 1, 24)
            for symbol in group:
                points[ALPHABET.index(symbol)] = centre + rng.normal(0, 0.42, 24)
        points[BLANK] += 3.0
        codes = np.stack([encode(text) for text in random_plates(reads, rng)])
        noise = np.exp(rng.normal(-1.0, 0.42, reads))[:, None, None]
        seen = points[codes] + noise * rng.normal(0, 1, (reads, SLOTS, 24))
        for read, slot in np.argwhere(rng.random((reads, SLOTS)) < 1e-4):
            row = np.delete(seen[read], slot, axis=0)
            seen[read] = np.append(row, points[BLANK : BLANK + 1], axis=0)
        for read, slot in np.argwhere(rng.random((reads, SLOTS)) < 1e-4):
            seen[read] = np.insert(seen[read], slot, points[rng.integers(BLANK)], axis=0)[:SLOTS]
        distance = ((seen[:, :, None] - points) ** 2).sum(axis=3)
        logs = -1.1 * distance / (2 * noise**2)
        logs -= logs.max(axis=2, keepdims=True)
        logs = np.maximum(logs - np.log(np.exp(logs).sum(axis=2, keepdims=True)), np.log(1e-6))
        return cls("synthetic", logs.astype(np.float32), codes)

    @property
    def truths(self) -> list[str]:
        """Texts of the plates that were read."""
        return ["".join(ALPHABET[code] for code in row if code != BLANK) for row in self.codes]

    @property
    def exact(self) -> float:
        """Share of reads whose best text is the truth."""
        best = self.log_probs.argmax(axis=2)
        texts = ["".join(ALPHABET[code] for code in row if code != BLANK) for row in best]
        return float(np.mean([text == truth for text, truth in zip(texts, self.truths, strict=True)]))


class ReadMaker:
    """Makes reads of any plate from a bank: each character lends the belief of a like one in a read of like quality."""

    def __init__(self, bank: Bank, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._bank = bank
        belief = bank.log_probs
        read_as = (belief.argmax(axis=2) != BLANK).sum(axis=1)
        self._true_length = (bank.codes != BLANK).sum(axis=1)
        self._is_aligned = read_as == self._true_length
        order = np.argsort(belief.max(axis=2).sum(axis=1))
        self._rank = np.empty(len(order), dtype=np.int64)
        self._rank[order] = np.arange(len(order))
        self._shift = read_as - self._true_length
        # By symbol, the slots that show it, ordered by the rank of their read.
        self._shown: list[NDArray[np.int64]] = []
        for symbol in range(len(ALPHABET)):
            reads, slots = np.nonzero((bank.codes == symbol) & self._is_aligned[:, None])
            by_rank = np.argsort(self._rank[reads], kind="stable")
            self._shown.append(np.stack([reads[by_rank], slots[by_rank]], axis=1))

    def read(self, plate: str) -> NDArray[np.float32]:
        """One read of ``plate``: log-probabilities ``(SLOTS, 37)``."""
        source = int(self._rng.integers(len(self._rank)))
        rank = self._rank[source]
        rows = [self._slot(int(code), int(rank)) for code in encode(plate)]
        shift = int(np.clip(self._shift[source], -1, 1))
        slot = int(self._rng.integers(len(plate)))
        if shift < 0:
            rows = [*rows[:slot], *rows[slot + 1 :], self._slot(BLANK, int(rank))]
        elif shift > 0:
            rows = [*rows[:slot], rows[int(self._rng.integers(len(plate)))], *rows[slot:]][:SLOTS]
        return np.stack(rows)

    def _slot(self, code: int, rank: int) -> NDArray[np.float32]:
        shown = self._shown[code]
        if not len(shown):
            raise ValueError(f"the bank never shows {ALPHABET[code]!r}: draw more plates")
        at = int(np.searchsorted(self._rank[shown[:, 0]], rank))
        at = int(np.clip(at + self._rng.integers(-12, 13), 0, len(shown) - 1))
        read, slot = shown[at]
        row: NDArray[np.float32] = self._bank.log_probs[read, slot]
        return row


def random_plates(count: int, rng: np.random.Generator) -> list[str]:
    """Kazakh plates: four in five private of 2012, the rest of legal entities and of 1993."""
    letters = np.array(list(ALPHABET[10:36]))
    region = rng.choice(20, count, p=_REGION_SHARES) + 1
    number = rng.integers(1, 1000, count)
    triple = letters[rng.integers(0, 26, (count, 3))]
    first = np.array(list("ZACDBVELHKMPWNRXSOTFU"))[rng.integers(0, 21, count)]
    kind = rng.random(count)
    return [
        f"{n:03d}{a}{b}{c}{r:02d}" if k < 0.8 else f"{n:03d}{a}{b}{r:02d}" if k < 0.92 else f"{f}{n:03d}{a}{b}{c}"
        for n, (a, b, c), r, f, k in zip(number, triple, region, first, kind, strict=True)
    ]


_REGION_SHARES = np.array([8, 16, 4, 5, 9, 4, 4, 5, 7, 5, 4, 4, 7, 4, 3, 4, 6, 2, 3, 1]) / 105


def _draw(reader: PlateReader, out: Path, plates: int, frames: int, fonts: list[Path], seed: int) -> None:
    """Read plates as passes show them: some frames of one plate each, fused."""
    cv2.setNumThreads(1)
    maker = CropMaker(seed, font_faces(fonts))
    rng = np.random.default_rng(seed)
    logs, truths = [], []
    while len(truths) < plates:
        design, face = random_design(rng, "kz"), maker.face(rng)
        if design.lines > 1 and isinstance(reader, SlotReader):
            continue
        with (
            mock.patch.object(crops, "random_design", lambda *_, design=design: design),
            mock.patch.object(maker, "face", lambda *_, face=face: face),
        ):
            seen = list(itertools.islice(filter(_is_seen, (maker.crop(rng) for _ in range(frames * 3))), frames))
        if not seen:
            continue
        readings = reader.read([cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR) for crop in seen])
        logs.append(fuse([Evidence(reading.posterior, reading.legibility) for reading in readings]).log_probs)
        truths.append(seen[0].text)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, log_probs=np.stack(logs).astype(np.float16), truths=np.array(truths))


def _is_seen(crop: crops.Crop) -> bool:
    """Wide enough to be read, and not cut."""
    return crop.is_whole and crop.image.shape[1] >= 70


def main() -> None:
    """Draw a bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plates", type=int, default=4000)
    parser.add_argument("--fonts", type=Path, nargs="*", default=[])
    parser.add_argument("--slots", action="store_true", help="the model is one of fast-plate-ocr's, not beket's own")
    parser.add_argument("--frames", type=int, default=4, help="frames fused into a pass")
    parser.add_argument("--least-score", type=float, default=0.5)
    parser.add_argument("--confusion", type=Path, help="learn the reader's confusion from the bank into this JSON file")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    reader = SlotReader(options.model) if options.slots else NetworkReader(options.model)
    _draw(reader, options.out, options.plates, options.frames, options.fonts, options.seed)
    bank = Bank.load(options.out)
    print(f"{len(bank.codes)} passes, {bank.exact:.1%} with the right text, in {options.out}")
    read = Bank.load(options.out, options.least_score)
    print(f"{len(read.codes)} of them read (score {options.least_score} and up), {read.exact:.1%} with the right text")
    if options.confusion:
        learned = learn(read.log_probs, read.truths)
        options.confusion.write_text(json.dumps(learned.to_json()))
        print(f"confusion in {options.confusion}: missing {learned.missing:.2g}, extra {learned.extra:.2g}")


if __name__ == "__main__":
    main()

"""Reads for the matching benchmark: a bank of a reader's reads of known plates, and reads of any plate made from it.

``python -m benchmarks.reads MODEL.onnx OUT.npz --plates 3000 [--fonts FOLDER]`` draws Kazakh plates, reads them
with the model, and keeps ``log_probs (N, 10, 37) float16`` and ``truths (N,)``. Without a bank a stated synthetic
reader serves.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, encode

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
        a quarter; one character in 1,000 is missed, one in 1,000 invented.
        """
        rng = np.random.default_rng(seed)
        points = rng.normal(0, 1, (len(ALPHABET), 24))
        for group in LOOKALIKES:
            centre = rng.normal(0, 1, 24)
            for symbol in group:
                points[ALPHABET.index(symbol)] = centre + rng.normal(0, 0.42, 24)
        points[BLANK] += 3.0
        codes = np.stack([encode(text) for text in random_plates(reads, rng)])
        noise = np.exp(rng.normal(-0.82, 0.42, reads))[:, None, None]
        seen = points[codes] + noise * rng.normal(0, 1, (reads, SLOTS, 24))
        for read, slot in np.argwhere(rng.random((reads, SLOTS)) < 1e-3):
            row = np.delete(seen[read], slot, axis=0)
            seen[read] = np.append(row, points[BLANK : BLANK + 1], axis=0)
        for read, slot in np.argwhere(rng.random((reads, SLOTS)) < 1e-3):
            seen[read] = np.insert(seen[read], slot, points[rng.integers(BLANK)], axis=0)[:SLOTS]
        distance = ((seen[:, :, None] - points) ** 2).sum(axis=3)
        logs = -1.25 * distance / (2 * noise**2)
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
        quality = np.where(self._is_aligned, belief.max(axis=2).sum(axis=1), -np.inf)
        order = np.argsort(quality)
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
        if not self._is_aligned[source]:
            rank = self._rank[self._rng.choice(np.flatnonzero(self._is_aligned))]
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


def _draw(model: Path, out: Path, plates: int, fonts: list[Path], seed: int) -> None:
    import cv2

    from models.slots import SlotReader
    from models.training.crops import CropMaker
    from models.training.faces import font_faces

    cv2.setNumThreads(1)
    maker = CropMaker(seed, font_faces(fonts))
    rng = np.random.default_rng(seed)
    reader = SlotReader(model)
    logs, truths = [], []
    while len(truths) < plates:
        crop = maker.crop(rng, "kz")
        if crop.lines > 1 or not crop.is_whole or crop.image.shape[1] < 70:
            continue
        (reading,) = reader.read([cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR)])
        logs.append(reading.posterior.log_probs)
        truths.append(crop.text)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, log_probs=np.stack(logs).astype(np.float16), truths=np.array(truths))
    bank = Bank.load(out)
    print(f"{len(truths)} reads, {bank.exact:.1%} with the right text, in {out}")


def main() -> None:
    """Draw a bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plates", type=int, default=3000)
    parser.add_argument("--fonts", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    _draw(options.model, options.out, options.plates, options.fonts, options.seed)


if __name__ == "__main__":
    main()

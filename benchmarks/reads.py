"""A bank of a reader's reads of known plates, drawn by the training's renderer; and what is learned from it.

``python -m benchmarks.reads`` draws Kazakh plates by the shares of ``benchmarks.plates``, four frames of each in one
face, reads and fuses them as ``passes`` does, and keeps the passes that it would call read. With ``--learn`` the
reader's confusion is learned from them and put beside the weights, where matching finds it:

    python -m benchmarks.reads --learn
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.plates import FORMAT_SHARES, probability
from index.alphabet import ALPHABET, BLANK, encode
from index.formats import KZ_REGION_SHARES
from models.confusion import WEIGHTS
from models.ports import PlateReader, Reading
from models.reader import NetworkReader
from models.slots import SlotReader
from models.supply.fetching import sha256
from models.supply.manifest import ROOT
from models.training import crops, kazakhstan
from models.training.crops import CropMaker
from models.training.design import Design
from models.training.faces import Face, font_faces
from passes.fuse import Evidence, fuse
from passes.options import ReadOptions

READER = WEIGHTS / "reader.onnx"
TRAINING = ROOT / "configs" / "training" / "reader.yaml"
FRAMES = 4
LEARN_SEED, BENCHMARK_SEED = 7, 8
_NARROWEST_PX = 60


@dataclass(frozen=True, eq=False)
class Bank:
    """Fused reads of known plates: ``log_probs (N, 10, 37) float32``, ``legibility (N,)``, ``codes (N, 10)``."""

    reader_sha256: str
    log_probs: NDArray[np.float32]
    legibility: NDArray[np.float32]
    codes: NDArray[np.int64]

    @classmethod
    def load(cls, file: Path) -> Bank:
        """A stored bank."""
        with np.load(file) as stored:
            codes = np.stack([encode(str(text)) for text in stored["truths"]])
            logs = stored["log_probs"].astype(np.float32)
            return cls(str(stored["reader_sha256"]), logs, stored["legibility"], codes)

    def save(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            file,
            reader_sha256=self.reader_sha256,
            log_probs=self.log_probs.astype(np.float16),
            legibility=self.legibility,
            truths=np.array(self.truths),
        )

    def __len__(self) -> int:
        return len(self.codes)

    def part(self, which: slice) -> Bank:
        """Some of the reads: one part to learn from, another to test on."""
        return Bank(self.reader_sha256, self.log_probs[which], self.legibility[which], self.codes[which])

    @property
    def truths(self) -> list[str]:
        """Texts of the plates that were read."""
        return texts_of(self.codes)

    @property
    def exact(self) -> float:
        """Share of reads whose best text is the truth."""
        said = texts_of(self.log_probs.argmax(axis=2))
        return float(np.mean([text == truth for text, truth in zip(said, self.truths, strict=True)]))


def texts_of(codes: NDArray[np.integer]) -> list[str]:
    """Texts of codes ``(N, 10)``, blanks closed over."""
    return ["".join(ALPHABET[code] for code in row if code != BLANK) for row in codes]


def draw_bank(
    model: Path, passes: int, seed: int, *, slots: bool = False, told: Callable[[int], None] = lambda _: None
) -> Bank:
    """Draw, read and fuse ``passes`` plates; those that the pipeline would call unread are left out."""
    cv2.setNumThreads(1)
    reader: PlateReader = SlotReader(model) if slots else NetworkReader(model)
    logs, legibility, truths = [], [], []
    for number, (text, seen) in enumerate(itertools.islice(_passes(seed, one_line=slots), passes), 1):
        readings = reader.read([cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR) for crop in seen])
        widths = [crop.image.shape[1] for crop in seen]
        posterior = fuse([Evidence(r.posterior, r.legibility, w) for r, w in zip(readings, widths, strict=True)])
        legible = _legibility(readings)
        told(number)
        if _is_read(posterior.log_probs, legible):
            logs.append(posterior.log_probs)
            legibility.append(legible)
            truths.append(encode(text))
    return Bank(sha256(model), np.stack(logs), np.array(legibility, dtype=np.float32), np.stack(truths))


def _passes(seed: int, *, one_line: bool) -> Iterator[tuple[str, list[crops.Crop]]]:
    """Plates with a few crops of each: in one face, otherwise as different as the renderer makes them."""
    maker = CropMaker(seed, font_faces(_fonts()))
    rng = np.random.default_rng(seed)
    regions, shares = list(KZ_REGION_SHARES), np.array(list(KZ_REGION_SHARES.values()))
    with mock.patch.object(kazakhstan, "_region", lambda rng: str(rng.choice(regions, p=shares / shares.sum()))):
        while True:
            design, face = _design(rng), maker.face(rng)
            if one_line and design.lines > 1:
                continue
            seen = _crops(maker, rng, design, face)
            if seen:
                yield design.text, seen


def _design(rng: np.random.Generator) -> Design:
    """A plate by the shares of ``benchmarks.plates``: what the renderer draws too often is thrown back."""
    drawn = {"kz2012": 0.66, "kz2012-legal": 0.12, "kz1993": 0.11 * 0.7 * 21 / 26}
    rarest = max(FORMAT_SHARES[name] / share for name, share in drawn.items())
    while True:
        design = kazakhstan.kazakh(rng)
        if design.format not in drawn or not probability(encode(design.text)[None])[0]:
            continue
        if rng.random() < FORMAT_SHARES[design.format] / drawn[design.format] / rarest:
            return design


def _crops(maker: CropMaker, rng: np.random.Generator, design: Design, face: Face) -> list[crops.Crop]:
    """``FRAMES`` crops that are whole and wide enough; fewer where they do not come."""
    seen: list[crops.Crop] = []
    with (
        mock.patch.object(crops, "random_design", return_value=design),
        mock.patch.object(maker, "face", return_value=face),
    ):
        for _ in range(FRAMES * 3):
            crop = maker.crop(rng)
            if crop.is_whole and crop.image.shape[1] >= _NARROWEST_PX:
                seen.append(crop)
            if len(seen) == FRAMES:
                break
    return seen


def _fonts() -> list[Path]:
    """The training's font files, of those that this machine has."""
    settings = yaml.safe_load(TRAINING.read_text())
    folders = [Path(folder) if Path(folder).is_absolute() else ROOT / folder for folder in settings["fonts"]]
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.rglob("*.[ot]tf"))
    return [file for file in files if not any(part in file.name for part in settings["left_out"])]


def _legibility(readings: list[Reading]) -> float:
    """As ``passes.track.Track.legibility``: weighted over the three heaviest."""
    heaviest = sorted((reading.legibility for reading in readings), reverse=True)[:3]
    return sum(value * value for value in heaviest) / max(sum(heaviest), 1e-9)


def _is_read(log_probs: NDArray[np.float32], legibility: float) -> bool:
    """As ``passes.track.Track.legible``."""
    options = ReadOptions()
    filled = log_probs.argmax(axis=1) != BLANK
    certainty = float(np.exp(log_probs.max(axis=1))[filled].mean()) if filled.any() else 0.0
    return bool(
        legibility >= options.min_legibility
        and filled.sum() >= options.min_characters
        and certainty >= options.min_certainty
    )


def main() -> None:
    """Draw a bank; learn from it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=READER)
    parser.add_argument("--slots", action="store_true", help="the model is one of fast-plate-ocr's, not beket's own")
    parser.add_argument("--passes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=LEARN_SEED)
    parser.add_argument("--bank", type=Path, help="keep the reads there; taken from there when the file exists")
    parser.add_argument("--learn", action="store_true", help="learn the reader's confusion")
    parser.add_argument("--out", type=Path, help="the confusion's file; beside the weights by default")
    options = parser.parse_args()
    if options.bank and options.bank.exists():
        bank = Bank.load(options.bank)
    else:
        bank = draw_bank(options.model, options.passes, options.seed, slots=options.slots, told=_tell)
        print(file=sys.stderr)
        if options.bank:
            bank.save(options.bank)
    print(f"{len(bank)} passes read, {bank.exact:.1%} with the right text")
    if options.learn:
        import torch

        from models.training.confusion import learn

        torch.set_num_threads(1)
        learned = learn(bank.log_probs, bank.legibility, bank.truths)
        out = options.out or options.model.with_name(f"{options.model.stem}_confusion.json")
        source = f"{len(bank)} passes of {FRAMES} frames drawn by models/training, seed {options.seed}"
        record = {"reader_sha256": bank.reader_sha256, "learned_from": source, **learned.to_json()}
        out.write_text(json.dumps(record, separators=(",", ":")) + "\n")
        print(f"confusion in {out}")


def _tell(done: int) -> None:
    if done % 100 == 0:
        print(f"\r{done} passes", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

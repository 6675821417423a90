"""What the shipped reader makes of rendered plates it never saw: how far its probabilities hold, and where it fails.

    python benchmarks/reader_report.py [--crops 4000] [--out docs] [--json]

Renders crops in faces held out of training (those that this machine has; the drawn ones else), reads them, and writes
``reader-reliability.svg`` (of readings given with probability p, the share that is right) and ``reader-failures.png``
(what was sure and wrong, worst first). Only pictures that the project draws are shown.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader import NetworkReader
from models.training.crops import Crop, CropMaker
from models.training.faces import font_faces
from models.training.reader import load_settings, split_fonts

ROOT = Path(__file__).resolve().parents[1]
EDGES = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0])
SURE = 0.99
SEED = 5_000_003


@dataclass(frozen=True, slots=True)
class Read:
    """A crop, what was read of it, and the probability it was given."""

    crop: Crop
    text: str
    score: float
    legibility: float

    @property
    def is_right(self) -> bool:
        return self.text == self.crop.text


def read_crops(model: Path, recipe: Path, count: int) -> list[Read]:
    """Reads of ``count`` rendered crops."""
    _, kept = split_fonts(load_settings(recipe))
    faces = font_faces(kept)
    maker = CropMaker(SEED, faces, font_share=1.0 if faces else 0.0, junk_share=0.0)
    rng = np.random.default_rng(SEED)
    reader = NetworkReader(model)
    reads: list[Read] = []
    while len(reads) < count:
        crops = [crop for crop in (maker.crop(rng) for _ in range(64)) if crop.is_whole]
        readings = reader.read([cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR) for crop in crops])
        reads += [
            Read(c, r.posterior.text, r.posterior.score, r.legibility) for c, r in zip(crops, readings, strict=True)
        ]
    return reads[:count]


def bins(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """By bin of probability: how many, the mean probability, the share that is right."""
    rows = []
    for low, high in itertools.pairwise(EDGES):
        inside = (scores >= low) & ((scores < high) if high < 1 else (scores <= 1))
        if inside.any():
            rows.append(
                {
                    "from": float(low),
                    "n": int(inside.sum()),
                    "said": round(float(scores[inside].mean()), 4),
                    "right": round(float(right[inside].mean()), 4),
                }
            )
    return rows


def diagram(lines: dict[str, list[dict[str, float]]]) -> str:
    """The reliability diagram as SVG."""
    size, edge = 360, 48
    colours = {"text": "#1d5fa8", "legibility": "#c2571a"}

    def at(said: float, right: float) -> tuple[float, float]:
        return edge + said * size, edge / 2 + (1 - right) * size

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 2 * edge}" height="{size + 1.6 * edge:.0f}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = at(tick, tick)
        parts.append(f'<path d="M{x:.0f} {edge / 2}V{edge / 2 + size}M{edge} {y:.0f}H{edge + size}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.0f}" y="{edge / 2 + size + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{edge - 6}" y="{y + 4:.0f}" text-anchor="end">{tick:g}</text>')
    x0, y0 = at(0, 0)
    x1, y1 = at(1, 1)
    parts.append(f'<path d="M{x0} {y0}L{x1} {y1}" stroke="#888" stroke-dasharray="4"/>')
    for number, (name, rows) in enumerate(lines.items()):
        points = [at(row["said"], row["right"]) for row in rows]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        for (x, y), row in zip(points, rows, strict=True):
            radius = 2 + min(row["n"] ** 0.5 / 8, 6)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colours[name]}"/>')
        label = {"text": "the text's probability", "legibility": "legibility"}[name]
        parts.append(f'<text x="{edge + 12}" y="{edge / 2 + 20 + 18 * number}" fill="{colours[name]}">{label}</text>')
    parts.append(
        f'<text x="{edge + size / 2}" y="{edge / 2 + size + 34}" text-anchor="middle">probability given</text>'
        f'<text transform="translate(14 {edge / 2 + size / 2}) rotate(-90)" text-anchor="middle">share right</text>'
        "</svg>"
    )
    return "\n".join(parts) + "\n"


def contact_sheet(reads: list[Read], columns: int = 6, rows: int = 6) -> NDArray[np.uint8]:
    """Wrong readings, the surest first: the crop, the truth, and what was read with its probability."""
    wrong = sorted((r for r in reads if not r.is_right), key=lambda r: -r.score)[: columns * rows]
    width, height = 200, 128
    sheet = np.full((rows * height, columns * width), 255, np.uint8)
    for index, read in enumerate(wrong):
        y, x = divmod(index, columns)
        image = read.crop.image
        scale = min((width - 8) / image.shape[1], 84 / image.shape[0])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        tile = sheet[y * height : (y + 1) * height, x * width : (x + 1) * width]
        tile[2 : 2 + size[1], 4 : 4 + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        for line, text in enumerate((f"is   {read.crop.text}", f"read {read.text}  {read.score:.3f}")):
            cv2.putText(tile, text, (4, 102 + 18 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 1, cv2.LINE_AA)
    return sheet


def main() -> int:
    """Print the table, or JSON, and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "weights" / "reader.onnx")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "training" / "reader.yaml")
    parser.add_argument("--crops", type=int, default=4000)
    parser.add_argument("--out", type=Path, help="folder for the two pictures; none are written without it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reads = read_crops(options.model, options.config, options.crops)
    right = np.array([read.is_right for read in reads])
    scores = np.array([read.score for read in reads])
    legible = np.array([read.legibility for read in reads])
    lines = {"text": bins(scores, right), "legibility": bins(legible, right)}
    error = {
        name: round(sum(row["n"] * abs(row["said"] - row["right"]) for row in rows) / len(reads), 4)
        for name, rows in lines.items()
    }
    sure = scores > SURE
    report = {
        "crops": len(reads),
        "exact": round(float(right.mean()), 4),
        "calibration_error": error,
        "sure": int(sure.sum()),
        "sure_wrong": int((sure & ~right).sum()),
        "bins": lines,
    }
    if options.out:
        (options.out / "reader-reliability.svg").write_text(diagram(lines))
        cv2.imwrite(str(options.out / "reader-failures.png"), contact_sheet(reads))
    if options.json:
        print(json.dumps(report))
        return 0
    print(
        f"{len(reads)} rendered crops in unseen faces: {report['exact']:.3f} exact; expected calibration error {error}"
    )
    print(f"given with p > {SURE}: {report['sure']}, wrong of these {report['sure_wrong']}")
    for name, rows in lines.items():
        print(f"\n{name:<11} from     n   said  right")
        for row in rows:
            print(f"            {row['from']:.3f} {row['n']:5} {row['said']:6.3f} {row['right']:6.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

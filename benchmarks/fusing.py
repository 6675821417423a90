"""What fusing a pass's frames gains over its best single frame, on rendered passes in faces held out of training.

    python benchmarks/fusing.py [--passes 400] [--frames 8] [--json]

A pass is one plate with its dirt and its frame, seen ``--frames`` times as it comes nearer, each time in another view,
light and noise: frames of a real pass are more alike than that, so real passes gain less. The best single frame is the
most legible one. Frames are weighed, aligned and tempered as the pipeline does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from index.alphabet import encode
from index.read import Posterior
from models.reader import NetworkReader
from models.training.crops import CropMaker
from models.training.faces import font_faces
from models.training.reader import load_settings, split_fonts
from passes.fuse import Evidence, fuse

ROOT = Path(__file__).resolve().parents[1]
SEED = 5_000_004
_NEAREST_PX = (60.0, 150.0)
"""A plate's width at the end of its pass is drawn from between these."""
_FARTHEST = 0.6
"""Its width at the start, as a share of that at the end."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=400)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "weights" / "reader.onnx")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "training" / "reader.yaml")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout, and nothing else there")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    reader = NetworkReader(given.model)
    _, kept = split_fonts(load_settings(given.config))
    faces = font_faces(kept)
    maker = CropMaker(SEED, faces, font_share=1.0 if faces else 0.0)
    rng = np.random.default_rng(SEED)
    best: list[tuple[str, Posterior]] = []
    fused: list[tuple[str, Posterior]] = []
    frames: list[tuple[str, Posterior]] = []
    for _ in range(given.passes):
        subject = maker.subject(rng)
        wide = rng.uniform(*_NEAREST_PX)
        crops = [maker.seen(rng, subject, wide * share) for share in np.linspace(_FARTHEST, 1, given.frames)]
        readings = reader.read([cv2.cvtColor(crop.image, cv2.COLOR_GRAY2BGR) for crop in crops])
        text = crops[0].text
        frames += [(text, reading.posterior) for reading in readings]
        best.append((text, max(readings, key=lambda reading: reading.legibility).posterior))
        fused.append((text, fuse([Evidence(r.posterior, r.legibility) for r in readings])))
    results = {"every_frame": figures(frames), "best_frame": figures(best), "fused": figures(fused)}
    if given.json:
        print(json.dumps({"passes": given.passes, "frames": given.frames, **results}))
        return 0
    table = Table("", "exact", "log loss", "wrong with p > .99", title=f"{given.passes} rendered passes")
    for name, row in results.items():
        table.add_row(name.replace("_", " "), *map(str, row.values()))
    Console().print(table)
    return 0


def figures(read: list[tuple[str, Posterior]]) -> dict[str, float]:
    """Share read exactly, mean negative log-probability of the true text, share wrong among all given with p > .99."""
    exact = [posterior.text == text for text, posterior in read]
    slots = np.arange(read[0][1].log_probs.shape[0])
    loss = [-float(posterior.log_probs[slots, encode(text)].sum()) for text, posterior in read]
    sure = [is_right for is_right, (_, posterior) in zip(exact, read, strict=True) if posterior.score > 0.99]
    return {
        "exact": round(float(np.mean(exact)), 4),
        "log_loss": round(float(np.mean(loss)), 4),
        "sure_wrong": round(1 - float(np.mean(sure)), 5) if sure else 0.0,
    }


if __name__ == "__main__":
    sys.exit(main())

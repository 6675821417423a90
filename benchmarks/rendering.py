"""Training crops a second that one core renders, of CPU time.

    python benchmarks/rendering.py [--crops 4096] [--rounds 4] [--json]

The faces are those of a training recipe, as far as this machine has them. ``first`` is the first round, in which glyphs
are drawn that later rounds find drawn; ``steady`` the median of the others.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path

import cv2

from models.training.crops import CropMaker
from models.training.faces import font_faces
from models.training.reader import load_settings, split_fonts

ROOT = Path(__file__).resolve().parents[1]
BATCH = 256


def main() -> int:
    """Print the figures, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "training" / "reader-gpu.yaml")
    parser.add_argument("--crops", type=int, default=4096, help="crops a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    settings = load_settings(options.config)
    fonts = font_faces(split_fonts(settings)[0])
    maker = CropMaker(settings.seed, fonts)
    batches = max(1, options.crops // BATCH)
    rates = []
    for turn in range(options.rounds):
        started = time.process_time()
        for number in range(batches):
            maker.batch(turn * batches + number, BATCH)
        rates.append(batches * BATCH / (time.process_time() - started))
    report = {
        "machine": platform.machine(),
        "fonts": len(fonts),
        "crops": batches * BATCH,
        "first": round(rates[0]),
        "steady": round(statistics.median(rates[1:] or rates)),
    }
    if options.json:
        print(json.dumps(report))
        return 0
    print(f"{report['crops']} crops a round, {report['fonts']} font files: crops a second of one core")
    print(f"first round {report['first']}, later ones {report['steady']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

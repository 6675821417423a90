"""How well plates are found, by our own detector and the registry's, side by side on the same pictures in one run.

    python benchmarks/detectors.py --data DIR [--models NAME,NAME] [--weights FILE.onnx] [--every N] [--json]

DIR holds folders ``stills`` and ``kz_stills``: pictures and a table of the folder's name (file, country, x, y, w, h,
text, lines). ``--weights`` measures a file of our own detector in place of the store's. Times are CPU time of one
thread, every picture through each detector in turn. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from index.read import Box
from models.catalogue import open_plate_detector
from models.corners import CornerPlateDetector
from models.errors import ModelError
from models.ports import PlateDetector
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from models.yolo import DetectorOptions
from passes.tracker import boxes_overlap
from video.picture import read_picture

FOUND_AT = 0.3
"""Least overlap (IoU) of a box that has found a plate."""


@dataclass
class Tally:
    """Figures of one detector. Tables also hold one plate a picture, so other boxes may be true plates unlisted."""

    plates: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    found: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    overlaps: list[float] = field(default_factory=list)
    others: int = 0
    pictures: int = 0
    cpu_s: float = 0.0
    misses: list[str] = field(default_factory=list)

    def report(self) -> dict[str, object]:
        return {
            "recall": {group: round(self.found[group] / n, 4) for group, n in sorted(self.plates.items())},
            "plates": dict(sorted(self.plates.items())),
            "other_boxes_per_picture": round(self.others / max(self.pictures, 1), 4),
            "mean_iou_of_found": round(sum(self.overlaps) / max(len(self.overlaps), 1), 4),
            "cpu_ms_per_picture": round(1e3 * self.cpu_s / max(self.pictures, 1), 2),
        }


def measure(
    folder: Path, detectors: dict[str, PlateDetector], tallies: dict[str, Tally], size: int, every: int
) -> None:
    """Run every detector over each ``every``-th picture of a folder."""
    with (folder / f"{folder.name}.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])[::every]
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for row in bar.track(rows, description=folder.name):
            picture = read_picture(folder / row["file"])
            box = Box(float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
            kind = f"{row['country']} two-line" if int(row.get("lines") or 1) == 2 else row["country"]
            for name, detector in detectors.items():
                tally = tallies[name]
                began = time.process_time()
                (plates,) = detector.detect([picture], size)
                tally.cpu_s += time.process_time() - began
                overlap = max((boxes_overlap(p.box, box) for p in plates), default=0.0)
                is_found = overlap >= FOUND_AT
                tally.pictures += 1
                tally.others += len(plates) - is_found
                for group in ("all", kind):
                    tally.plates[group] += 1
                    tally.found[group] += is_found
                if is_found:
                    tally.overlaps.append(overlap)
                else:
                    tally.misses.append(row["file"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", default="beket-plates,yolov8n-plates", help="plate detectors of the manifest")
    parser.add_argument("--weights", type=Path, help="a file of our own detector, measured as `weights`")
    parser.add_argument("--score", type=float, help="least score, for --weights")
    parser.add_argument("--sets", default="stills,kz_stills")
    parser.add_argument("--size", type=int, default=640, help="long side of the picture before the network")
    parser.add_argument("--every", type=int, default=1, help="measure each N-th picture alone")
    parser.add_argument("--misses", action="store_true", help="name the pictures whose plate was not found")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on the last line")
    given = parser.parse_args()
    folders = [given.data / name for name in given.sets.split(",") if (given.data / name).is_dir()]
    if not folders:
        print(
            f"{given.data}: no evaluation data ({given.sets}) is there; it is not part of the project", file=sys.stderr
        )
        return 2
    cv2.setNumThreads(1)
    session, store = SessionOptions(threads=1), ModelStore()
    detectors: dict[str, PlateDetector] = {}
    try:
        if given.weights:
            options = DetectorOptions(score=given.score) if given.score else DetectorOptions()
            detectors["weights"] = CornerPlateDetector(given.weights, options, session)
        for name in filter(None, given.models.split(",")):
            detectors[name] = open_plate_detector(store, session, name=name)
    except ModelError as error:
        print(f"detectors: {error}", file=sys.stderr)
        return 2
    tallies = {name: Tally() for name in detectors}
    for folder in folders:
        measure(folder, detectors, tallies, given.size, given.every)
    report = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "size": given.size,
        "every": given.every,
        "found_at_iou": FOUND_AT,
        "detectors": {name: tally.report() for name, tally in tallies.items()},
    }
    show(tallies, given.misses)
    if given.json:
        print(json.dumps(report))
    return 0


def show(tallies: dict[str, Tally], with_misses: bool) -> None:
    """A table for people, the detectors side by side."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("figure", *tallies, title="recall at IoU .3 by set, and what it costs", title_justify="left")
    for group, count in sorted(next(iter(tallies.values())).plates.items()):
        table.add_row(f"{group} ({count})", *(f"{t.found[group] / t.plates[group]:.3f}" for t in tallies.values()))
    for figure in ("other_boxes_per_picture", "mean_iou_of_found", "cpu_ms_per_picture"):
        table.add_row(figure, *(str(t.report()[figure]) for t in tallies.values()))
    console.print(table)
    for name, tally in tallies.items():
        if with_misses and tally.misses:
            console.print(f"{name} missed:", *tally.misses, highlight=False)


if __name__ == "__main__":
    sys.exit(main())

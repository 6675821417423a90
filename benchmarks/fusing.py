"""What fusing a pass's readings gains over its best single frame, on drawn passes in faces held out of training.

    python -m benchmarks.fusing [--passes 2000] [--model FILE] [--tune] [--json]

A pass is drawn as a camera sees it (``benchmarks/drawn_passes.py``); ``passes.track.Track`` says which of its frames
are read and kept, each is read in two views, and passes that it would call unread are left out. The best single frame
is the most legible view of them all. ``--tune`` fits ``passes.fuse.Tempering`` to as many other passes first (log loss
of the true text, one parameter at a time) and judges it beside the shipped one: do so for a new reader.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.drawn_passes import DrawnFrame, drawn_passes
from index.alphabet import SLOTS, encode
from index.read import Box, Posterior
from models.ports import PlateDetection, PlateReader
from models.reader import NetworkReader
from models.training.crops import CropMaker
from models.training.faces import font_faces
from models.training.reader import load_settings, split_fonts
from passes.crops import cut
from passes.fuse import TEMPERING, Evidence, Tempering, fuse
from passes.options import ReadOptions, TrackOptions
from passes.track import Read, Track, weight_of
from passes.views import read_views

ROOT = Path(__file__).resolve().parents[1]
JUDGE_SEED, TUNE_SEED = 13, 11
_SIZE: Final = (1920, 1080)
_SPEED_PX_S: Final = 200.0
_LOST: Final = 15.0
"""Most that one pass adds to the log loss: a text of another length is lost, by however much."""
_GRID: Final = {
    "legibility": (0.25, 0.35, 0.5, 0.7, 1.0),
    "width": (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    "correlation": (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0),
    "floor": (1e-4, 3e-4, 1e-3, 3e-3),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pass that was read: its true text, and all views of its kept frames."""

    text: str
    evidence: list[Evidence]

    @property
    def best(self) -> Posterior:
        return max(self.evidence, key=lambda e: e.legibility).posterior


@dataclass(frozen=True, slots=True)
class Figures:
    """By read: whether exact, the negative log-probability of the true text (15 at most), whether p > .99."""

    exact: NDArray[np.bool_]
    loss: NDArray[np.float64]
    sure: NDArray[np.bool_]

    def row(self) -> dict[str, float]:
        wrong = float((~self.exact[self.sure]).mean()) if self.sure.any() else 0.0
        return {
            "exact": round(float(self.exact.mean()), 4),
            "log_loss": round(float(self.loss.mean()), 4),
            "sure": round(float(self.sure.mean()), 4),
            "sure_wrong": round(wrong, 5),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=2000)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "weights" / "reader.onnx")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "training" / "reader.yaml")
    parser.add_argument("--tune", action="store_true", help="fit the tempering to other passes first")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout, and nothing else there")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    reader = NetworkReader(given.model)
    _, kept = split_fonts(load_settings(given.config))
    temperings = {"fused": TEMPERING}
    if given.tune:
        drawn = draw(reader, kept, TUNE_SEED, given.passes)
        temperings["fused, as fitted"] = tuned(drawn)
        print(temperings["fused, as fitted"], file=sys.stderr)
    drawn = draw(reader, kept, JUDGE_SEED, given.passes)
    best = figures([(d.text, d.best) for d in drawn])
    rows = {"every view": figures([(d.text, e.posterior) for d in drawn for e in d.evidence]), "best frame": best}
    rows |= {name: fused(drawn, tempering) for name, tempering in temperings.items()}
    saved = {name: saves(best, rows[name]) for name in temperings}
    seen = float(np.mean([any(e.posterior.text == d.text for e in d.evidence) for d in drawn]))
    if given.json:
        results = {name.replace(", ", "_").replace(" ", "_"): figure.row() for name, figure in rows.items()}
        settings = {name: asdict(tempering) for name, tempering in temperings.items()}
        print(
            json.dumps(
                {"passes": len(drawn), **results, "saves": saved, "read_in_some_view": seen, "temperings": settings}
            )
        )
        return 0
    title = f"{len(drawn)} passes read of {given.passes} drawn"
    table = Table("", "exact", "log loss", "given with p > .99", "wrong of these", title=title)
    for name, figure in rows.items():
        table.add_row(name, *map(str, figure.row().values()))
    console = Console()
    console.print(table)
    for name, shares in saved.items():
        for what, (least, middle, most) in shares.items():
            console.print(f"{name}: saves {middle:.0%} of the best frame's {what} (90 %: {least:.0%} to {most:.0%})")
    console.print(f"read right in some view: {seen:.4f}")
    return 0


def draw(reader: PlateReader, fonts: Sequence[Path], seed: int, passes: int) -> list[Drawn]:
    """``passes`` drawn and read; those that were read."""
    faces = font_faces(list(fonts))
    maker = CropMaker(seed, faces, font_share=1.0 if faces else 0.0)
    seen = itertools.islice(drawn_passes(maker, np.random.default_rng(seed)), passes)
    return list(_read(reader, seen))


def _read(reader: PlateReader, passes: Iterator[tuple[str, list[DrawnFrame]]]) -> Iterator[Drawn]:
    for text, frames in passes:
        track = follow(reader, frames)
        if track.legible:
            yield Drawn(text, [evidence for read in track.reads for evidence in read.evidence])


def follow(reader: PlateReader, frames: Sequence[DrawnFrame]) -> Track:
    """The track of a drawn pass, with the frames read that the pipeline would read."""
    options = ReadOptions()
    track: Track | None = None
    for frame in frames:
        box = Box(frame.box.x, frame.box.y + _SPEED_PX_S * frame.t, frame.box.w, frame.box.h)
        plate = PlateDetection(box, 0.9, frame.corners)
        crop = cut(frame.picture, frame.box, frame.corners, options.margin)
        wanted = box.w >= options.min_width_px and (track is None or track.wants(replace(crop, box=box), frame.t))
        if track is None:
            track = Track(plate, frame.t, None, _SIZE, TrackOptions(), options)
        else:
            track.see(plate, frame.t)
        if wanted:
            (seen,) = read_views(reader, frame.picture, [plate], [crop], options.margin)
            weight = weight_of(seen.reading, crop.quality)
            track.weigh(Read(frame.t, None, box, seen.reading, weight, 1.0, None, seen.others), plate)
    if track is None:
        raise ValueError("a pass without frames")
    return track


def fused(drawn: Sequence[Drawn], tempering: Tempering) -> Figures:
    """How well the passes are read when fused."""
    return figures([(d.text, fuse(d.evidence, tempering)) for d in drawn])


def figures(read: Sequence[tuple[str, Posterior]]) -> Figures:
    """Of posteriors with their true texts."""
    slots = np.arange(SLOTS)
    return Figures(
        np.array([posterior.text == text for text, posterior in read]),
        np.array([min(-float(posterior.log_probs[slots, encode(text)].sum()), _LOST) for text, posterior in read]),
        np.array([posterior.score > 0.99 for _, posterior in read]),
    )


def tuned(drawn: Sequence[Drawn]) -> Tempering:
    """The tempering of the least log loss, found by going through the parameters until none gets better."""
    best, least = TEMPERING, float(fused(drawn, TEMPERING).loss.mean())
    while True:
        before = least
        for name, values in _GRID.items():
            for value in values:
                tried = replace(best, **{name: value})
                loss = float(fused(drawn, tried).loss.mean())
                if loss < least:
                    best, least = tried, loss
        if before - least < 1e-4:
            return best


def saves(best: Figures, fused: Figures) -> dict[str, tuple[float, float, float]]:
    """Share of the best frame's errors and log loss that fusing saves: 5 %, mean and 95 %, by bootstrap over passes."""
    drawn = np.random.default_rng(0).integers(len(best.loss), size=(1000, len(best.loss)))
    shares = {}
    for what, one, other in (("errors", ~best.exact, ~fused.exact), ("log loss", best.loss, fused.loss)):
        again = 1 - other[drawn].sum(axis=1) / np.maximum(one[drawn].sum(axis=1), 1e-9)
        least, most = np.quantile(again, (0.05, 0.95))
        middle = 1 - float(other.sum()) / max(float(one.sum()), 1e-9)
        if one.any():
            shares[what] = (round(float(least), 3), round(middle, 3), round(float(most), 3))
    return shares


if __name__ == "__main__":
    sys.exit(main())

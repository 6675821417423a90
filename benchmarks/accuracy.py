"""How well plates are found and read, on pictures and clips with known truth.

    python benchmarks/accuracy.py --data DIR [--reader ours|peer|both] [--peer-weights FILE.onnx] [--json]

Without --peer-weights the opponent is looked for as ``cct*.onnx`` in a folder ``peers`` beside DIR.

DIR holds folders ``stills`` and ``kz_stills`` (pictures, with a table of the folder's name: file, country, x, y, w, h,
text, lines) and ``passes`` (clips, with ``passes.json``: each clip's passes with text, times, and boxes over time).
With two readers, both see the same detections of the stills in the same run. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from accuracy_tally import Tally, clean
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from index.read import Box
from models.catalogue import open_plate_corners, open_plate_detector, open_plate_reader, open_vehicle_detector
from models.errors import ModelError
from models.ports import PlateReader
from models.runtime.session import SessionOptions
from models.slots import SlotReader
from models.supply.manifest import Role
from models.supply.store import ModelStore
from passes.crops import cut
from passes.options import PassOptions
from passes.pipeline import Detectors, PassPipeline
from passes.record import Pass
from passes.stills import find_plates
from passes.tracker import boxes_overlap
from passes.views import read_views
from video.picture import read_picture
from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.decoded import DecodedFrame
from video.watch.watcher import WatchSettings


@dataclass(frozen=True)
class Truth:
    """One plate of a picture or one pass of a clip."""

    text: str
    country: str
    lines: int
    name: str
    style: str = ""

    def groups(self, folder: str) -> Iterator[str]:
        yield f"{folder} all"
        yield f"{folder} {self.country}"
        yield f"{folder} {self.country} {self.lines}-line"
        if self.style:
            yield f"{folder} style {self.style}"


def stills(
    folder: Path, detectors: Detectors, readers: dict[str, PlateReader], tallies: dict[str, Tally], options: PassOptions
) -> None:
    """Read each picture of a folder: detect once, read with every reader."""
    table = folder / f"{folder.name}.csv"
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    extra = 0
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for row in bar.track(rows, description=folder.name):
            picture = read_picture(folder / row["file"])
            box = Box(float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
            plates = find_plates(picture, detectors, options)
            best = max(plates, key=lambda p: boxes_overlap(p.box, box), default=None)
            is_found = best is not None and boxes_overlap(best.box, box) >= 0.3
            extra += len(plates) - is_found
            truth = Truth(row["text"], row["country"], int(row.get("lines") or 1), row["file"], row.get("style") or "")
            for name, reader in readers.items():
                posterior = None
                if is_found and best is not None:
                    crop = cut(picture, best.box, best.corners, options.read.margin)
                    views = read_views(reader, picture, [best], [crop], options.read.margin, detectors.corners)
                    posterior = views[0].reading.posterior
                tallies[name].add(truth.groups(folder.name), truth.name, truth.text, posterior)
    for tally in tallies.values():
        tally.figures[f"{folder.name} extra_per_picture"] = round(extra / max(len(rows), 1), 4)


def clips(
    folder: Path, detectors: Detectors, name: str, reader: PlateReader, tally: Tally, options: PassOptions
) -> None:
    """Run the pipeline on each clip of a folder; match its passes with the truth by time and place."""
    listed = json.loads((folder / "passes.json").read_text(encoding="utf-8"))
    listed = listed["clips"] if isinstance(listed, dict) else listed
    false = seconds = cpu = unread = 0.0
    with Progress(console=Console(stderr=True), transient=True) as bar:
        for clip in bar.track(listed, description=f"{folder.name}, {name}"):
            started = time.process_time()
            found, length, not_read = run_clip(folder / clip["file"], detectors, reader, options)
            cpu += time.process_time() - started
            seconds += length
            unread += not_read
            used: set[int] = set()
            for true in clip["passes"]:
                hits = [i for i, one in enumerate(found) if i not in used and is_of(one, true)]
                used.update(hits)
                truth = Truth(true["text"], true["country"], int(true.get("lines") or 1), clip["file"])
                groups = [*truth.groups(folder.name), f"{folder.name} {clip['file']}"]
                right = [i for i in hits if clean(found[i].read.text) == clean(truth.text)]
                shown = found[(right or hits)[0]] if hits else None
                tally.add(
                    groups,
                    f"{clip['file']} {true['t_in']:.1f} s",
                    truth.text,
                    shown.read.posterior if shown else None,
                    is_once=len(hits) == 1,
                    single=shown.single if shown else None,
                )
            false += len(found) - len(used)
    tally.figures[f"{folder.name} false_passes_per_hour"] = round(false / max(seconds, 1e-9) * 3600, 2)
    tally.figures[f"{folder.name} cpu_s_per_camera_s"] = round(cpu / max(seconds, 1e-9), 4)
    tally.figures[f"{folder.name} unread"] = unread


def run_clip(
    path: Path, detectors: Detectors, reader: PlateReader, options: PassOptions
) -> tuple[list[Pass], float, int]:
    """The closed passes of a clip, its length in seconds, and how many plates were seen but not read."""
    pipeline = PassPipeline(path.name, detectors, reader, options)
    settings = ReadSettings(watch=WatchSettings(fps=options.detect_fps, gate=None))
    found: list[Pass] = []
    with FrameReader(sources_of(str(path))[0], settings) as frames:
        for frame in frames:
            if isinstance(frame, DecodedFrame):
                found += pipeline.process(frame)
        found += pipeline.flush()
        length = frames.duration_s or frames.t
    return [one for one in found if one.read.closed], length, pipeline.counts.unread


def is_of(one: Pass, true: dict) -> bool:  # type: ignore[type-arg]
    """Whether a pass is of a true one: their times meet, and its plate lies on the vehicle at its best time."""
    read = one.read
    t_in, t_out, best_t = read.t_in or 0.0, read.t_out or 0.0, read.best_t or 0.0
    if t_out < true["t_in"] - 0.5 or t_in > true["t_out"] + 0.5:
        return False
    _, _, _, width, height, x, y, w, h = min(true["boxes"], key=lambda b: abs(b[0] - best_t))
    box = read.plate_box
    dx, dy = abs(box.x + box.w / 2 - x - w / 2), abs(box.y + box.h / 2 - y - h / 2)
    return bool(dx < max(box.w, width / 2) and dy < max(4 * box.h, height / 2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reader", choices=("ours", "peer", "both"), default="ours")
    parser.add_argument("--peer-weights", type=Path, help="a model of fast-plate-ocr (ONNX), the opponent")
    parser.add_argument("--sets", default="stills,kz_stills,passes")
    parser.add_argument("--one-view", action="store_true", help="read plates as they stand, not rectified too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="list every wrong text")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout, and nothing else there")
    given = parser.parse_args()
    folders = [given.data / name for name in given.sets.split(",")]
    there = [f for f in folders if f.is_dir()]
    if not there:
        print(
            f"{given.data}: no evaluation data ({given.sets}) is there; it is not part of the project", file=sys.stderr
        )
        return 2
    if given.reader != "ours" and given.peer_weights is None:
        given.peer_weights = next(iter(sorted(given.data.resolve().parent.glob("peers/cct*.onnx"))), None)
    if given.reader != "ours" and given.peer_weights is None:
        print("--reader peer and both need --peer-weights: the project ships no opponent", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    session = SessionOptions(threads=given.threads)
    store = ModelStore()
    readers: dict[str, PlateReader] = {}
    try:
        corners = None if given.one_view else open_plate_corners(store, session)
        plates, vehicles = open_plate_detector(store, session), open_vehicle_detector(store, session)
        detectors = Detectors(plates, vehicles, corners=corners)
        if given.reader != "peer":
            readers["ours"] = open_plate_reader(store, session)
        if given.reader != "ours":
            readers["peer"] = SlotReader(given.peer_weights, session)
    except ModelError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    options = PassOptions()
    tallies = {name: Tally() for name in readers}
    for folder in there:
        if (folder / "passes.json").is_file():
            for name, reader in readers.items():
                clips(folder, detectors, name, reader, tallies[name], options)
        else:
            stills(folder, detectors, readers, tallies, options)
    absent = [f.name for f in folders if f not in there]
    roles: tuple[Role, ...] = ("plate_detector", "vehicle_detector", "plate_reader")
    report = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "models": {role: stored.source.name for role in roles if (stored := store.find(role))},
        "absent": absent,
        "readers": {name: tally.report() for name, tally in tallies.items()},
    }
    if given.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        show(report, tallies, given.misses)
    return 0


def show(report: dict, tallies: dict[str, Tally], with_misses: bool) -> None:  # type: ignore[type-arg]
    """Tables for people, the readers side by side."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"{report['machine']}; models {report['models']}", highlight=False)
    for name in report["absent"]:
        console.print(f"{name}: not there, not measured")
    table = Table()
    for column in (
        "group",
        "n",
        *(f"{name} {what}" for name in tallies for what in ("found", "once", "exact", "folded")),
    ):
        table.add_column(column, justify="left" if column == "group" else "right")
    groups = sorted({g for tally in tallies.values() for g in tally.groups})
    for group in groups:
        cells: list[str] = []
        count = 0
        for tally in tallies.values():
            got = tally.groups[group]
            count = got.n
            once = f"{got.share('once'):.3f}" if group.startswith("passes") else ""
            cells += [f"{got.share('found'):.3f}", once, f"{got.share('exact'):.3f}", f"{got.share('folded'):.3f}"]
        table.add_row(group, str(count), *cells)
    console.print(table)
    for name, tally in tallies.items():
        console.print(f"[bold]{name}[/]", {**tally.figures, **tally.report()["calibration"]}, highlight=False)
        if tally.singles:
            console.print(f"  passes, best single frame: {tally.report()['single_frame']}", highlight=False)
        if with_misses:
            for miss in tally.misses:
                console.print("  ", *miss, highlight=False)
    if len(tallies) == 2:
        for group in (g for g in groups if g.endswith(" all")):
            wrong = {name: tally.groups[group].n - tally.groups[group].exact for name, tally in tallies.items()}
            console.print(f"{group}: errors ours {wrong['ours']}, peer {wrong['peer']}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())

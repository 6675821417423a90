"""What the gate keeps and what it saves, on clips with known passes; the ungated reader runs beside it.

    python benchmarks/gate.py --data DIR [--json]

DIR holds ``passes.json`` and its clips: passes with the times at which the plate is in view. A pass is *whole*
when every such time has a frame given within 0.17 s, *seen* when one has. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.gate import GateSettings
from video.watch.watcher import WatchSettings

_NEAR_S = 0.17


@dataclass(frozen=True)
class Row:
    """One clip, read once."""

    clip: str
    gated: bool
    passes: int
    passes_whole: int
    passes_seen: int
    active_share: float
    """Share of the clip in which a vehicle is in view."""
    awake_share: float
    frames_decoded: int
    looks: int
    frames_of_vehicles: int
    cpu_ms_per_s: float
    """CPU milliseconds for each second of the camera."""
    woken_by: dict[str, int]


def read(folder: Path, clip: dict[str, object], *, gated: bool) -> Row:
    path = folder / str(clip["file"])
    settings = ReadSettings(watch=WatchSettings(gate=GateSettings() if gated else None))
    began = time.process_time()
    with FrameReader(sources_of(str(path))[0], settings) as reader:
        times = np.array([frame.t for frame in reader])
    cpu_s = time.process_time() - began
    shares = [_covered(times, one) for one in clip["passes"]]  # type: ignore[attr-defined]
    seconds, active = float(clip["seconds"]), float(clip["active_share"])  # type: ignore[arg-type]
    count = reader.count
    return Row(
        clip=path.name,
        gated=gated,
        passes=len(shares),
        passes_whole=sum(share >= 0.999 for share in shares),
        passes_seen=sum(share > 0 for share in shares),
        active_share=active,
        awake_share=round(count.awake_s / count.watched_s, 3),
        frames_decoded=count.frames_decoded,
        looks=count.looks,
        frames_of_vehicles=round(active * seconds * float(clip["fps"])),  # type: ignore[arg-type]
        cpu_ms_per_s=round(1000 * cpu_s / seconds, 1),
        woken_by={reason.value: n for reason, n in count.wakes.items()},
    )


def _covered(times: np.ndarray, one: dict[str, list[list[float]]]) -> float:
    """Share of the times at which the plate is in view that have a frame."""
    in_view = [box[0] for box in one["boxes"] if box[7] > 0]
    return float(np.mean([np.abs(times - t).min() <= _NEAR_S for t in in_view])) if in_view else 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        clips = json.loads((options.data / "passes.json").read_text())["clips"]
    except OSError as error:
        print(f"{options.data}: no passes.json ({error.strerror}); give the folder of the clips", file=sys.stderr)
        return 2
    rows = [read(options.data, clip, gated=gated) for clip in clips for gated in (False, True)]
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    if options.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        gated = [row for row in rows if row.gated]
        passes = sum(row.passes for row in gated)
        summary = {
            "machine": machine,
            "passes": passes,
            "whole_share": round(sum(row.passes_whole for row in gated) / passes, 4),
            "seen_share": round(sum(row.passes_seen for row in gated) / passes, 4),
            "decoded_per_vehicle_frame": round(
                sum(row.frames_decoded for row in gated) / sum(row.frames_of_vehicles for row in gated), 3
            ),
            "cpu_ratio": round(
                sum(row.cpu_ms_per_s for row in rows if not row.gated) / sum(row.cpu_ms_per_s for row in gated), 3
            ),
        }
        print(json.dumps(summary))
        return 0
    table = Table(title=f"the gate, {machine}")
    for name in ("clip", "gate", "whole", "seen", "vehicles", "awake", "decoded", "looks", "CPU ms/s", "woken by"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            row.clip,
            "gated" if row.gated else "none",
            f"{row.passes_whole}/{row.passes}",
            f"{row.passes_seen}/{row.passes}",
            f"{row.active_share:.2f}",
            f"{row.awake_share:.2f}",
            str(row.frames_decoded),
            str(row.looks),
            f"{row.cpu_ms_per_s:.1f}",
            " ".join(f"{reason} {n}" for reason, n in row.woken_by.items()),
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

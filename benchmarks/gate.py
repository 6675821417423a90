"""What the gate keeps and what it saves, on clips with known passes; the ungated reader runs beside it.

    python benchmarks/gate.py --data DIR [--json] [--two-streams]

DIR holds ``passes.json`` and its clips: passes with the times at which the plate is in view. A pass is *whole*
when every such time has a frame given within 0.17 s, *seen* when one has. With ``--two-streams`` each clip is watched a
third time, by a second stream of it made here, 640 wide, as cameras offer one. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from rich.console import Console
from rich.table import Table

from video.packets.demux import Demuxer
from video.packets.ring import PacketRing
from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.gate import GateSettings
from video.watch.paired_watcher import PairedWatcher
from video.watch.watcher import WatchCount, Watcher, WatchSettings

_NEAR_S = 0.17


@dataclass(frozen=True)
class Row:
    """One clip, read once."""

    clip: str
    watched: str
    """``ungated``, ``gated``, or by ``two streams``."""
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
        times = [frame.t for frame in reader]
    return _row(clip, "gated" if gated else "ungated", times, reader.count, time.process_time() - began)


def read_paired(folder: Path, clip: dict[str, object], scratch: Path) -> Row:
    """The clip by two streams: the small one wakes the large one."""
    paths = folder / str(clip["file"]), scratch / str(clip["file"])
    _shrink(*paths)
    sources = [sources_of(str(path))[0] for path in paths]
    rings = [PacketRing() for _ in sources]
    reader, sentry = (Watcher(source, ring) for source, ring in zip(sources, rings, strict=True))
    watcher = PairedWatcher(reader, sentry, lambda: True)
    times: list[float] = []
    began = time.process_time()
    with Demuxer(sources[0]) as large, Demuxer(sources[1]) as small:
        for packet, its in heapq.merge(
            ((packet, 0) for packet in large.packets()),
            ((packet, 1) for packet in small.packets()),
            key=lambda one: one[0].t,
        ):
            rings[its].append(packet)
            while watcher.is_behind and (frames := watcher.step()):
                times += [frame.t for frame in frames]
    cpu_s = time.process_time() - began
    count = replace(watcher.count, awake_s=reader.count.awake_s, watched_s=max(reader.count.watched_s, 1.0))
    return _row(clip, "two streams", times, count, cpu_s)


def _shrink(path: Path, to: Path) -> None:
    """The clip 640 pixels wide, of the same frames and keyframes, at some 500 kbit/s."""
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        stream = source.streams.video[0]
        height = 640 * stream.height // stream.width // 2 * 2
        small = target.add_stream("libx264", rate=stream.average_rate)
        small.width, small.height, small.pix_fmt, small.bit_rate = 640, height, "yuv420p", 500_000
        small.codec_context.thread_count = 1
        small.options = {"preset": "veryfast", "x264-params": "scenecut=0:bframes=0:keyint=1000"}
        for frame in source.decode(stream):
            shown = frame.reformat(640, height, format="yuv420p", threads=1)
            shown.pict_type = PictureType.I if frame.key_frame else PictureType.NONE
            shown.pts, shown.time_base = frame.pts, frame.time_base
            target.mux(small.encode(shown))
        target.mux(small.encode(None))


def _row(clip: dict[str, object], watched: str, given: Sequence[float], count: WatchCount, cpu_s: float) -> Row:
    times = np.array(given)
    shares = [_covered(times, one) for one in clip["passes"]]  # type: ignore[attr-defined]
    seconds, active = float(clip["seconds"]), float(clip["active_share"])  # type: ignore[arg-type]
    return Row(
        clip=str(clip["file"]),
        watched=watched,
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


def _cpu(rows: Sequence[Row], watched: str) -> float:
    return sum(row.cpu_ms_per_s for row in rows if row.watched == watched)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--two-streams", action="store_true", help="watch by a second, smaller stream too")
    options = parser.parse_args()
    try:
        clips = json.loads((options.data / "passes.json").read_text())["clips"]
    except OSError as error:
        print(f"{options.data}: no passes.json ({error.strerror}); give the folder of the clips", file=sys.stderr)
        return 2
    rows = [read(options.data, clip, gated=gated) for clip in clips for gated in (False, True)]
    if options.two_streams:
        with tempfile.TemporaryDirectory(prefix="gate-") as scratch:
            rows += [read_paired(options.data, clip, Path(scratch)) for clip in clips]
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    if options.json:
        for row in rows:
            print(json.dumps(asdict(row)))
        gated = [row for row in rows if row.watched == "gated"]
        passes = sum(row.passes for row in gated)
        summary = {
            "machine": machine,
            "passes": passes,
            "whole_share": round(sum(row.passes_whole for row in gated) / passes, 4),
            "seen_share": round(sum(row.passes_seen for row in gated) / passes, 4),
            "decoded_per_vehicle_frame": round(
                sum(row.frames_decoded for row in gated) / sum(row.frames_of_vehicles for row in gated), 3
            ),
            "cpu_ratio": round(_cpu(rows, "ungated") / _cpu(rows, "gated"), 3),
            "cpu_ratio_two_streams": round(_cpu(rows, "ungated") / _cpu(rows, "two streams"), 3)
            if options.two_streams
            else None,
        }
        print(json.dumps(summary))
        return 0
    table = Table(title=f"the gate, {machine}")
    for name in ("clip", "gate", "whole", "seen", "vehicles", "awake", "decoded", "looks", "CPU ms/s", "woken by"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            row.clip,
            row.watched,
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

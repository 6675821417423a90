"""What a camera costs: the gated pipeline beside the ungated one and a plain per-frame loop, in one run.

    python benchmarks/ingest.py --data DIR [--json]

DIR holds ``passes.json`` and its clips. Costs are CPU seconds for each second of the camera, decoding included, in one
thread. The three contestants:

- *gated*: ours, as an ingest of a region runs it, with all its networks;
- *ungated*: ours, every frame decoded;
- *loop*: what one writes first, and what fast-alpr's ``ALPR.predict`` does with each frame given to it: look for plates
  in the whole frame, read each one found. Written here after its README, with our weights at their own size (640), so
  that only the way of working differs. Every frame of the first half is decoded and timed; every 20th is detected and
  read, timed, and counted 20 times.

Costs of 20% duty are taken in the second round of clips played twice, when the gate knows its road; those of an empty
road over the clips' empty GOPs. Passes are counted over everything. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import av
import cv2
from ingest_streams import Stream, clips, empty, twice
from rich.console import Console
from rich.table import Table

from actors.networks import ModelChoice
from index.read import PlateRead
from models.catalogue import corner_detector
from models.errors import ModelError
from models.ports import PlateReader
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from passes.fuse import agreement
from passes.options import PassOptions
from passes.pipeline import Detectors, PassPipeline
from passes.track import SAME
from video.packets.demux import Demuxer
from video.packets.ring import PacketRing
from video.reader import sources_of
from video.watch.decoded import DecodedFrame
from video.watch.gate import GateSettings
from video.watch.watcher import WatchCount, Watcher, WatchSettings

_SAMPLED = 20
_LOOP_SIDE_PX = 640


@dataclass
class Run:
    """One contestant on one stream, from the time on at which figures are taken."""

    stream: str
    contestant: str
    duty: float
    cpu_ms_per_s: float
    """CPU milliseconds for each second of the camera."""
    frames_decoded: int = 0
    looks: int = 0
    vehicle_frames: int = 0
    keyframes: int = 0
    reads: list[PlateRead] = field(default_factory=list, repr=False)
    """Passes of the whole stream."""

    def row(self) -> dict[str, object]:
        shown = asdict(self) | {"passes": len(self.reads)}
        del shown["reads"]
        return shown


@dataclass(frozen=True)
class Models:
    detectors: Detectors
    reader: PlateReader


def ours(stream: Stream, models: Models, *, gated: bool) -> Run:
    """The pipeline over a stream, fed as an ingest feeds it."""
    options = PassOptions()
    pipeline = PassPipeline(stream.name, models.detectors, models.reader, options)
    source, ring = sources_of(str(stream.path))[0], PacketRing()
    watcher = Watcher(source, ring, WatchSettings(options.detect_fps, GateSettings() if gated else None))
    reads: list[PlateRead] = []

    def take(frames: Sequence[DecodedFrame]) -> None:
        for frame in frames:
            reads.extend(done.read for done in pipeline.process(frame))
            if pipeline.in_view:
                watcher.note_activity(frame.t)
            if pipeline.all_known:
                watcher.note_known(frame.t)

    cpu, before = time.process_time(), WatchCount()
    with Demuxer(source) as demuxer:
        is_steady = False
        for packet in demuxer.packets():
            if not is_steady and packet.t >= stream.steady_from_s:
                is_steady, cpu, before = True, time.process_time(), replace(watcher.count)
            ring.append(packet)
            while watcher.is_behind:
                take(watcher.step())
        take(watcher.flush())
    reads += [done.read for done in pipeline.flush()]
    spent = time.process_time() - cpu
    return Run(
        stream.name,
        "gated" if gated else "ungated",
        round(stream.duty, 3),
        round(1000 * spent / (stream.seconds - stream.steady_from_s), 2),
        watcher.count.frames_decoded - before.frames_decoded,
        watcher.count.looks - before.looks,
        round(stream.vehicle_frames),
        stream.keyframes,
        reads=[read for read in reads if read.closed],
    )


def loop(stream: Stream, models: Models, seconds: float) -> Run:
    """The per-frame loop over the first ``seconds`` of a stream."""
    spent = sampled = 0.0
    frames = 0
    with av.open(str(stream.path)) as container:
        container.streams.video[0].thread_count = 1
        began = time.process_time()
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= seconds:
                break
            frames += 1
            if frames % _SAMPLED == 0:
                spent += time.process_time() - began
                began = time.process_time()
                picture = frame.to_ndarray(format="bgr24", threads=1)
                found = models.detectors.plates.detect([picture], _LOOP_SIDE_PX)[0]
                for plate in found:
                    x, y, w, h = (max(round(v), 0) for v in plate.box)
                    models.reader.read([picture[y : y + max(h, 1), x : x + max(w, 1)]])
                sampled += (time.process_time() - began) * _SAMPLED
                began = time.process_time()
        spent += time.process_time() - began
    cost = (spent + sampled) / (frames / stream.fps)
    return Run(stream.name, "loop", round(stream.duty, 3), round(1000 * cost, 2), frames)


def kept(gated: Run, ungated: Run) -> tuple[int, int]:
    """How many passes of the ungated pipeline the gated one has too, and how many of those with the very same text."""
    left = list(gated.reads)
    found = same = 0
    for read in ungated.reads:
        match = max(
            (
                other
                for other in left
                if other.t_in < read.t_out + 1.0
                and other.t_out > read.t_in - 1.0
                and agreement(other.posterior, read.posterior) >= SAME
            ),
            key=lambda other: (other.text == read.text, -abs(other.t_in - read.t_in)),
            default=None,
        )
        if match is not None:
            left.remove(match)
            found += 1
            same += match.text == read.text
    return found, same


def measure(folder: Path, scratch: Path, models: Models) -> tuple[list[Run], dict[str, object]]:
    """All runs, and the object that stands in the last line of ``--json``."""
    sources = clips(folder)
    quiet = [clip for clip in sources if clip.duty < 0.5]
    runs: list[Run] = []
    passes = passes_kept = texts_same = 0
    for clip in sources:
        stream = twice(clip, scratch) if clip in quiet else clip
        gated, ungated = ours(stream, models, gated=True), ours(clip, models, gated=False)
        if clip in quiet:  # the ungated pipeline has the same to say of either round
            later = [_later(read, stream.steady_from_s) for read in ungated.reads]
            ungated.reads = [*ungated.reads, *later]
        found, same = kept(gated, ungated)
        passes, passes_kept, texts_same = passes + len(ungated.reads), passes_kept + found, texts_same + same
        runs += [gated, ungated, loop(stream, models, clip.seconds / 2)]
    for clip in quiet:
        runs.append(ours(empty(clip, scratch), models, gated=True))
    costs: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        kind = next(_kind(clip) for clip in sources if run.stream.split()[0] == clip.name)
        what = "empty" if run.stream.endswith("empty") else "busy" if run.duty > 0.5 else "duty"
        costs.setdefault((f"{kind} {what}", run.contestant), []).append(run.cpu_ms_per_s)
    duty = [run for run in runs if run.contestant == "gated" and 0 < run.duty < 0.5]

    def cost(kind: str, contestant: str) -> float:
        values = costs.get((kind, contestant), [])
        return sum(values) / len(values) if values else float("nan")

    def ratio(kind: str, contestant: str) -> float:
        return round(cost(kind, contestant) / cost(kind, "gated"), 2)

    vehicle_frames = sum(run.vehicle_frames for run in duty)
    allowed = vehicle_frames + sum(run.keyframes for run in duty)
    decoded = sum(run.frames_decoded for run in duty)
    looks = sum(run.looks for run in duty)
    summary: dict[str, object] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "ratio_to_loop": ratio("h264 1080p25 duty", "loop"),
        "ratio_to_loop_720p15": ratio("h264 720p15 duty", "loop"),
        "ratio_to_loop_hevc": ratio("hevc 1080p25 duty", "loop"),
        "ratio_to_loop_busy": ratio("h264 1080p25 busy", "loop"),
        "ratio_to_ungated": ratio("h264 1080p25 duty", "ungated"),
        "cameras_per_core_1080p25": round(1000 / cost("h264 1080p25 duty", "gated"), 1),
        "cameras_per_core_720p15": round(1000 / cost("h264 720p15 duty", "gated"), 1),
        "cameras_per_core_hevc": round(1000 / cost("hevc 1080p25 duty", "gated"), 1),
        "idle_cameras_per_core_720p15": round(1000 / cost("h264 720p15 empty", "gated"), 1),
        "idle_cameras_per_core_1080p25": round(1000 / cost("h264 1080p25 empty", "gated"), 1),
        "idle_cameras_per_core_hevc": round(1000 / cost("hevc 1080p25 empty", "gated"), 1),
        "passes": passes,
        "passes_kept": round(passes_kept / passes, 4) if passes else None,
        "texts_same": round(texts_same / passes, 4) if passes else None,
        "decoded_per_vehicle_frame": round(decoded / vehicle_frames, 3) if vehicle_frames else None,
        "looks_per_vehicle_frame": round(looks / vehicle_frames, 3) if vehicle_frames else None,
        "decoded_per_vehicle_frame_and_keyframe": round((decoded + looks) / allowed, 3) if allowed else None,
    }
    return runs, summary


def _later(read: PlateRead, by_s: float) -> PlateRead:
    return replace(read, t_in=read.t_in + by_s, t_out=read.t_out + by_s, best_t=read.best_t + by_s)


def _kind(clip: Stream) -> str:
    return f"{clip.codec} {clip.height}p{clip.fps:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    store = ModelStore()
    try:
        if not (options.data / "passes.json").is_file():
            raise FileNotFoundError(options.data / "passes.json")
        for role in ("plate_detector", "vehicle_detector", "plate_reader", "appearance"):
            store.ensure(role)
        store.ensure("plate_detector", corner_detector(store))
        choice = ModelChoice(store.folder, session=SessionOptions(threads=1, provider="cpu"))
        models = Models(choice.open_detectors(), choice.open_reader())
    except (OSError, ModelError) as error:
        print(f"{error}; --data is the folder of passes.json and its clips", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="ingest-") as scratch:
        runs, summary = measure(options.data, Path(scratch), models)
    if options.json:
        for run in runs:
            print(json.dumps(run.row()))
        print(json.dumps(summary))
        return 0
    table = Table(title=f"CPU of a camera, {summary['machine']}")
    for name in ("stream", "pipeline", "duty", "CPU ms/s", "decoded", "looks", "vehicle frames", "passes"):
        table.add_column(name)
    for run in runs:
        table.add_row(
            run.stream,
            run.contestant,
            f"{run.duty:.2f}",
            f"{run.cpu_ms_per_s:.1f}",
            str(run.frames_decoded),
            str(run.looks),
            str(run.vehicle_frames),
            str(len(run.reads)),
        )
    console = Console()
    console.print(table)
    for key, value in summary.items():
        console.print(f"{key:32} {value}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

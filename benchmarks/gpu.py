"""Cameras that a GPU (or a machine without one) keeps up with, and what batches across them give.

    python -m benchmarks.gpu [--provider auto] [--decoder auto] [--callers 16] [--processes 1] [--rows gated-alone]

- *networks*: milliseconds a picture of each network, by the clock and of CPU, for one caller and for many at once, each
  going alone and batched.
- *cameras*: so many cameras at once play a road through decoder, gate, detection and reading as an ingest runs them,
  as fast as they can: their seconds by the clock's. *awake* is without the gate, every frame decoded. The gate's first
  seconds, in which it learns, are in it; loading, and what first plays to warm the networks, are not. With
  ``--processes`` the cameras are spread over so many, each with its own networks, as by several ingests of a node; they
  load once for all rows.

Without ``--clip`` the road is drawn: 1080p25, a vehicle in view a fifth of the time. Every line names the provider and
the decoder that really ran. With ``--json`` the last line is one object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from actors.read import BatchReader
from models.catalogue import open_plate_corners, open_plate_detector, open_plate_reader, open_vehicle_detector
from models.runtime.session import Session, SessionOptions
from models.supply.manifest import ROOT
from models.supply.store import ModelStore
from passes.options import PassOptions
from passes.pipeline import Detectors, PassPipeline
from simulation.clip import write_clip
from simulation.road import RoadCamera
from simulation.traffic import Drive, build
from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.decoded import DecodedFrame
from video.watch.gate import GateSettings
from video.watch.hardware import DecodeSettings, nvdec_device
from video.watch.watcher import WatchSettings

ALONE, BATCHED = 0.0, 0.04
ROWS = {
    f"{name}-{how}": (gated, wait_s)
    for name, gated in (("gated", True), ("awake", False))
    for how, wait_s in (("alone", ALONE), ("batched", BATCHED))
}
SIDES_PX = (96, 320, 640)
MEET_S = 120.0
"""Within which all processes must have loaded their networks."""

_together: Barrier


class Timed(NamedTuple):
    """Milliseconds a picture: by the clock, and of CPU."""

    wall_ms: float
    cpu_ms: float


def timed(calls: int, callers: int, call: Callable[..., object], *arguments: object) -> Timed:
    """``calls`` calls by ``callers`` threads, after one by each: threads, and sizes of batches, are new to a GPU."""
    with ThreadPoolExecutor(callers) as pool:
        for count in (callers, calls):
            began, cpu = time.perf_counter(), time.process_time()
            for answer in [pool.submit(call, *arguments) for _ in range(count)]:
                answer.result()
        took, spent = time.perf_counter() - began, time.process_time() - cpu
    return Timed(round(1000 * took / calls, 3), round(1000 * spent / calls, 3))


def networks(session: SessionOptions, callers: int, calls: int) -> dict[str, dict[str, Timed]]:
    """What a picture costs by network, and by how it was asked."""
    store, noise = ModelStore(), np.random.default_rng(0)
    crop = noise.integers(0, 255, (30, 100, 3), np.uint8)
    found: dict[str, dict[str, Timed]] = {}
    ways = {"one": (1, ALONE), "many, alone": (callers, ALONE), "many, batched": (callers, BATCHED)}
    for way, (threads, wait_s) in ways.items():
        options = replace(session, batch_wait_s=wait_s)
        plates, reader = open_plate_detector(store, options), open_plate_reader(store, options)
        for side in SIDES_PX:
            picture = noise.integers(0, 255, (side * 9 // 16, side, 3), np.uint8)
            found.setdefault(f"plates at {side}", {})[way] = timed(calls, threads, plates.detect, [picture], side)
        found.setdefault("reader", {})[way] = timed(calls, threads, reader.read, [crop])
    return found


class Played(NamedTuple):
    """What the cameras of one process, or of several, came to: sums, but for the clock's."""

    wall_s: float
    cpu_s: float
    camera_s: float
    frames: int
    frames_on_gpu: int
    passes: int
    crops: int
    batches: int

    def row(self, count: int) -> dict[str, Any]:
        return {
            "cameras": round(self.camera_s / self.wall_s, 1),
            "cpu_ms_a_camera_s": round(1000 * self.cpu_s / self.camera_s, 1),
            "passes_each": round(self.passes / count, 2),
            "decoded_on_gpu": round(self.frames_on_gpu / max(self.frames, 1), 3),
            "crops_a_batch": round(self.crops / max(self.batches, 1), 2),
        }


class Camera(NamedTuple):
    """What one camera came to."""

    seconds: float
    frames: int
    frames_on_gpu: int
    passes: int


class Plan(NamedTuple):
    """What is played, and how."""

    clip: Path
    session: SessionOptions
    decoding: DecodeSettings
    gated: bool


def play(plan: Plan, detectors: Detectors, reader: BatchReader) -> Camera:
    watch = WatchSettings(PassOptions().detect_fps, GateSettings() if plan.gated else None, decoding=plan.decoding)
    pipeline, passes = PassPipeline("camera", detectors, reader), 0
    with FrameReader(sources_of(str(plan.clip))[0], ReadSettings(watch=watch)) as frames:
        for frame in frames:
            if isinstance(frame, DecodedFrame):
                passes += sum(one.read.closed for one in pipeline.process(frame))
            if pipeline.in_view:
                frames.note_activity(frame.t)
            if pipeline.all_known:
                frames.note_known(frame.t)
        passes += sum(one.read.closed for one in pipeline.flush())
        return Camera(frames.t, frames.count.frames_decoded, frames.count.frames_on_gpu, passes)


def play_at_once(plan: Plan, count: int, detectors: Detectors, reader: BatchReader) -> list[Camera]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: play(plan, detectors, reader), range(count)))


@cache
def warm(plan: Plan, count: int) -> tuple[Detectors, BatchReader]:
    """Loaded, and played by ``count`` cameras."""
    store, session = ModelStore(), plan.session
    detectors = Detectors(
        open_plate_detector(store, session),
        open_vehicle_detector(store, session),
        corners=open_plate_corners(store, session),
    )
    reader = BatchReader(open_plate_reader(store, replace(session, batch_wait_s=ALONE)))
    play_at_once(plan, count, detectors, reader)
    return detectors, reader


def cameras(plan: Plan, count: int, begin: Callable[[], object]) -> Played:
    """``count`` cameras at once, once all is warm and ``begin`` returns."""
    detectors, reader = warm(plan._replace(gated=True), count if plan.session.batch_wait_s else 1)
    before = replace(reader.counts)
    begin()
    began, cpu = time.perf_counter(), time.process_time()
    done = play_at_once(plan, count, detectors, reader)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    seconds, frames, on_gpu, passes = (sum(column) for column in zip(*done, strict=True))
    crops, batches = reader.counts.size - before.size, reader.counts.batches - before.batches
    return Played(wall_s, cpu_s, seconds, int(frames), int(on_gpu), int(passes), crops, batches)


@contextmanager
def spread(count: int, processes: int) -> Iterator[Callable[[Plan], Played]]:
    """Plays ``count`` cameras over ``processes`` that begin each row together; the clock's is the slowest's."""
    if processes == 1:
        yield lambda plan: cameras(plan, count, lambda: None)
        return
    context = multiprocessing.get_context("spawn")
    shares = [count // processes + (number < count % processes) for number in range(processes)]
    together = context.Barrier(processes)

    def play_shares(plan: Plan) -> Played:
        rows = list(pool.map(partial(_share, plan), shares))
        wall_s, *_ = (max(column) for column in zip(*rows, strict=True))
        _, *sums = (sum(column) for column in zip(*rows, strict=True))
        return Played(wall_s, *sums)

    with ProcessPoolExecutor(processes, context, _meet_at, (together,)) as pool:
        yield play_shares


def _meet_at(together: Barrier) -> None:
    global _together
    _together = together
    cv2.setNumThreads(1)


def _share(plan: Plan, count: int) -> Played:
    return cameras(plan, count, partial(_together.wait, MEET_S))  # so that each process plays one share


def drawn(folder: Path, seconds: float) -> Path:
    """A 1080p25 road with a vehicle in view a fifth of the time."""
    drives = [Drive("417KTA02", "kz2012", "car", "silver", 0, seconds * 0.6, 50.0)]
    camera = RoadCamera(width=1920, height=1080)
    return write_clip(build("road", drives, camera=camera, duration_s=seconds, fps=25), folder / "road.mp4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", choices=("auto", "cpu", "cuda", "tensorrt"), default="auto")
    parser.add_argument("--decoder", choices=("auto", "cpu", "nvdec"), default="auto")
    parser.add_argument("--callers", type=int, default=16, help="cameras, and threads that ask a network, at once")
    parser.add_argument("--processes", type=int, default=1, help="over which the cameras are spread")
    parser.add_argument("--calls", type=int, default=256, help="pictures by which each network is timed; 0: not")
    parser.add_argument("--clip", type=Path, help="a road to play instead of the drawn one")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the drawn road")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="which of the cameras' are played")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    session = SessionOptions(provider=options.provider)
    decoding = DecodeSettings(options.decoder)
    ran = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "provider": Session(ROOT / "models" / "weights" / "reader.onnx", session).runs_on,
        "decoder": "cpu" if nvdec_device(options.decoder, 0) is None else "nvdec",
        "callers": options.callers,
        "processes": options.processes,
    }
    print(", ".join(f"{name} {value}" for name, value in ran.items()), flush=True)
    costs = networks(session, options.callers, options.calls) if options.calls else {}
    for number, (name, row) in enumerate(costs.items()):
        if not number:
            print(f"\n{'ms a picture, of CPU':22}" + "".join(f"{way:>20}" for way in row))
        print(f"{name:22}" + "".join(f"{t.wall_ms:11.2f} {t.cpu_ms:8.2f}" for t in row.values()), flush=True)
    kept: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, spread(options.callers, options.processes) as played:
        clip = options.clip or drawn(Path(folder), options.seconds)
        for name in options.rows:
            gated, wait_s = ROWS[name]
            plan = Plan(clip, replace(session, batch_wait_s=wait_s), decoding, gated)
            kept[name] = row = played(plan).row(options.callers)
            print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if options.json:
        print(json.dumps(ran | {"networks_ms": costs, "kept": kept}))


if __name__ == "__main__":
    main()

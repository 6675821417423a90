"""What many sleeping cameras hold in one ingest: memory of the process, its packet rings apart.

    python -m benchmarks.idle_memory [--cameras 200] [--mbit 4] [--pre 10] [--ring-mb 24] [--json]

Every camera plays an empty road of 1080p, encoded here at the bitrate asked for, in real time; gate, decoders and
networks are those of a region's ingest. Measured once every gate has learned its road and sleeps, or after
``--patience`` seconds. With ``--json`` the last line is one object. A region's processes have
``MALLOC_MMAP_THRESHOLD_=1048576`` in their environment: give it, to measure what they hold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil

from actors.camera import CameraSpec
from actors.ingest import Ingest, IngestOptions
from actors.networks import ModelChoice
from actors.peers import ClipDelivery, Peers, Recorded, Sighting
from actors.report import PassReport
from index.entry import Match
from index.read import PlateRead
from models.catalogue import corner_detector
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from storage.camera_health import HealthRecord
from video.connect.source import SourceRules
from video.packets.ring import RingSettings
from video.session import SessionSettings

_SIZE = (1920, 1080)
_FPS = 10
_GOP_S = 2
_LENGTH_S = 20


class Nobody:
    """A peer that takes everything and keeps nothing."""

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        return [[] for _ in sightings]

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        return Recorded(wants_clip=False)

    def write_reads(self, reads: Sequence[PlateRead]) -> None: ...

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None: ...

    def camera_health(self, records: Sequence[HealthRecord]) -> None: ...

    def take(self, clip: ClipDelivery) -> None: ...

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None: ...


def encode(path: Path, mbit: float) -> None:
    """An empty road with a sensor's noise, at a constant bitrate."""
    width, height = _SIZE
    rng = np.random.default_rng(7)
    road = np.repeat(np.repeat(rng.integers(60, 140, (height // 8, width // 8)), 8, 0), 8, 1)
    bits = round(mbit * 1e6)
    rate = f"nal-hrd=cbr:bitrate={bits // 1000}:vbv-maxrate={bits // 1000}:vbv-bufsize={bits // 1000}"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bits
        stream.codec_context.thread_count = 1
        keyframes = f"keyint={_FPS * _GOP_S}:scenecut=0:bframes=0:force-cfr=1:filler=1"
        stream.options = {"preset": "ultrafast", "x264-params": f"{keyframes}:{rate}"}
        for n in range(_LENGTH_S * _FPS):
            grey = np.clip(road + rng.normal(0, 2.0, road.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.stack([grey] * 3, axis=2), format="bgr24")
            frame.pts, frame.time_base = n, Fraction(1, _FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    road, store = folder / "road.mp4", ModelStore()
    encode(road, options.mbit)
    for role in ("plate_detector", "vehicle_detector", "plate_reader", "appearance"):
        store.ensure(role)
    store.ensure("plate_detector", corner_detector(store))
    choice = ModelChoice(store.folder, session=SessionOptions(threads=1, provider="cpu"))
    nobody = Nobody()
    ingest = Ingest(
        IngestOptions(
            folder=folder / "ingest",
            rules=SourceRules(allow_files=True),
            session=SessionSettings(ring=RingSettings(seconds=options.pre, bytes=options.ring_mb * 2**20)),
        ),
        choice.open_detectors(),
        Peers(choice.open_reader(), nobody, nobody, nobody),
    )
    process = psutil.Process()
    alone = process.memory_info().rss
    ingest.assign([CameraSpec(f"camera-{n}", str(road)) for n in range(options.cameras)])
    peak, began = alone, time.monotonic()
    pause = threading.Event()
    while time.monotonic() - began < options.patience:
        pause.wait(1.0)
        peak = max(peak, process.memory_info().rss)
        sessions = [camera.session for camera in ingest._cameras.values()]
        counts = [session.count for session in sessions]
        asleep = sum(not session.is_awake for session in sessions)
        print(f"{asleep} of {len(sessions)} asleep, {process.memory_info().rss / 1e6:.0f} MB", file=sys.stderr)
        if asleep == len(sessions) and all(one.ring_s >= options.pre for one in counts):
            break
    rss = process.memory_info().rss
    rings = sum(one.ring_bytes for one in counts)
    result: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "cameras": len(sessions),
        "asleep": asleep,
        "rss_mb": round(rss / 1e6),
        "peak_mb": round(peak / 1e6),
        "without_cameras_mb": round(alone / 1e6),
        "rings_mb": round(rings / 1e6),
        "ring_s": round(float(np.mean([one.ring_s for one in counts])), 1),
        "ring_mb_each": round(rings / len(sessions) / 1e6, 2),
        "else_mb_each": round((rss - alone - rings) / len(sessions) / 1e6, 2),
    }
    ingest.close()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=200)
    parser.add_argument("--mbit", type=float, default=4.0, help="Mbit/s of each camera")
    parser.add_argument("--pre", type=float, default=10.0, help="seconds that a ring keeps")
    parser.add_argument("--ring-mb", type=int, default=24, help="MB that a ring may hold")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to wait for all to sleep")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="idle-") as folder:
        result = run(options, Path(folder))
    for key, value in result.items():
        print(f"{key:20} {value}")
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Do reconnects leak? Thousands of them on loopback, and how threads, sockets and memory go on the way.

    python -m benchmarks.reconnects [--reconnects 10000] [--json]

Cameras of one process connect to a server in another that sends a second of video and hangs up, refuses their login,
knows no such path, or isn't there; each failure is followed by the next attempt at once. What is open is counted all
the way, and a line laid through it from the first fifth on (before, Python's and libav's own pools fill). With
``--json`` the last line is one object.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from tests.fixtures.streams import encode_road
from video.connect.source import parse_source
from video.packets.demux import OpenSettings
from video.packets.ring import RingSettings
from video.session import CameraSession, SessionSettings
from video.state import Health, State
from video.watch.watcher import WatchSettings

PLAYING = 4
"""Cameras that get video; one each gets nothing in one of the other ways."""


def settings(wait_s: float) -> SessionSettings:
    return SessionSettings(
        opening=OpenSettings(open_timeout_s=30.0, read_timeout_s=30.0),
        watch=WatchSettings(fps=None, gate=None),
        ring=RingSettings(seconds=2.0),
        backoff_first_s=wait_s,
        backoff_most_s=wait_s,
        backoff_login_s=wait_s,
    )


SAMPLES = 200


class Worker:
    """Polls the cameras as an ingest does, so that decoders come and go too."""

    def __init__(self, sessions: list[CameraSession]) -> None:
        self.frames = 0
        self._sessions = sessions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for session in self._sessions:
                self.frames += len(session.poll())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reconnects", type=int, default=10_000, help="how many in all; 10000 take some minutes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        road = Path(folder) / "road.mp4"
        encode_road(road, seconds=1.0, fps=5, gop=5, size=(160, 96))
        server = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.fixtures.wire_rtsp", "--once", "--login", "admin:right", f"road={road}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            result = run(int(server.stdout.readline()), options.reconnects)
        finally:
            server.terminate()
            server.wait()
    show(result)
    if options.json:
        print(json.dumps(result))


def run(port: int, reconnects: int) -> dict[str, object]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = unused.getsockname()[1]
        urls = [
            *[f"rtsp://admin:right@127.0.0.1:{port}/road"] * PLAYING,
            f"rtsp://admin:wrong@127.0.0.1:{port}/road",
            f"rtsp://admin:right@127.0.0.1:{port}/nothing",
            f"rtsp://127.0.0.1:{nobody}/road",
        ]
        reasons: Counter[str] = Counter()

        def tell(health: Health) -> None:
            if health.state is State.BACKING_OFF:
                reasons[str(health.reason)] += 1

        sessions = [
            CameraSession(f"c{n}", parse_source(url), settings(0.001 if n < PLAYING else 0.05), on_state=tell)
            for n, url in enumerate(urls)
        ]
        process, began, cpu = psutil.Process(), time.monotonic(), time.process_time()
        before = (process.num_threads(), open_sockets())
        worker = Worker(sessions)
        for session in sessions:
            session.start()
        samples: list[tuple[int, int, int, float]] = []
        due = reconnects / SAMPLES
        while (done := sum(session.count.failures for session in sessions)) < reconnects:
            if done >= due:
                due += reconnects / SAMPLES
                gc.collect()
                memory_kb = process.memory_info().rss / 1024
                samples.append((done, process.num_threads(), open_sockets(), memory_kb))
            time.sleep(0.05)
        took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
        for session in sessions:
            session.close(timeout_s=30.0)
        worker.close()
        after = (process.num_threads(), open_sockets())
    counts = np.array(samples, dtype=np.float64)
    settled = counts[len(counts) // 5 :]

    def per_1000(column: int) -> float:
        return round(float(np.polyfit(settled[:, 0], settled[:, column], 1)[0]) * 1000, 3)

    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "reconnects": sum(session.count.failures for session in sessions),
        "connects": sum(session.count.connects for session in sessions),
        "seconds": round(took_s, 1),
        "cpu_ms_a_reconnect": round(1000 * cpu_s / reconnects, 2),
        "frames": worker.frames,
        "threads_per_1000": per_1000(1),
        "sockets_per_1000": per_1000(2),
        "rss_kb_per_1000": per_1000(3),
        "threads_before_after": [before[0], after[0]],
        "sockets_before_after": [before[1], after[1]],
        "rss_mb_first_last": [round(float(settled[at, 3]) / 1024, 1) for at in (0, -1)],
        "reasons": dict(reasons.most_common()),
    }


def open_sockets() -> int:
    """Descriptors of this process that are sockets."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


def show(result: dict[str, object]) -> None:
    print(f"reconnects on {result['machine']}\n")
    for name, value in result.items():
        print(f"{name:>22}  {value}")
    print()


if __name__ == "__main__":
    main()

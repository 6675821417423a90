"""``beket cameras probe`` on thousands of cameras: how fast, and what it costs.

    python -m benchmarks.probing [--cameras 1000] [--at-once 50 200] [--seconds 2] [--json]

The command itself, as a process of its own, tries so many addresses of a server on loopback (another process): seven
of ten send video of 320x192, one refuses the login, one knows no such path, and one has nobody at its port. With
``--json`` the last line is one object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fixtures.streams import encode_road


def run(listed: Path, cameras: int, at_once: int, seconds: float) -> dict[str, Any]:
    """One run of the command over the addresses of ``listed``."""
    line = [sys.executable, "-m", "cluster", "cameras", "probe", str(listed), "--json"]
    line += ["--at-once", str(at_once), "--seconds", str(seconds), "--timeout", "20"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    took_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    if len(rows) != cameras:
        raise RuntimeError(f"{len(rows)} of {cameras} cameras were told of; {done.stderr[-500:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "at_once": at_once,
        "took_s": round(took_s, 1),
        "cameras_per_s": round(cameras / took_s, 1),
        "cpu_ms_a_camera": round(1000 * cpu_s / cameras, 1),
        "rss_mb": round(after.ru_maxrss / 1024),
        "found": dict(Counter(row["verdict"] if row["ok"] else row["reason"] for row in rows).most_common()),
    }


def addresses(port: int, cameras: int) -> list[str]:
    """Of every ten, seven that send video, and three that fail in three ways."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = unused.getsockname()[1]
    ways = [
        *[f"rtsp://admin:right@127.0.0.1:{port}/road"] * 7,
        f"rtsp://admin:wrong@127.0.0.1:{port}/road",
        f"rtsp://admin:right@127.0.0.1:{port}/nothing",
        f"rtsp://127.0.0.1:{nobody}/road",
    ]
    return [ways[n % len(ways)] for n in range(cameras)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=1000)
    parser.add_argument("--at-once", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each is looked at")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{options.cameras} cameras, each looked at for {options.seconds:g} s, on {machine}\n", flush=True)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        road, listed = Path(folder) / "road.mp4", Path(folder) / "cameras.txt"
        encode_road(road, seconds=4.0, fps=5, gop=10)
        server = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.fixtures.wire_rtsp", "--login", "admin:right", f"road={road}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # asyncio's complaints of clients that have gone
            text=True,
        )
        try:
            assert server.stdout is not None
            listed.write_text("\n".join(addresses(int(server.stdout.readline()), options.cameras)))
            for at_once in options.at_once:
                runs.append(run(listed, options.cameras, at_once, options.seconds))
                print(", ".join(f"{name} {value}" for name, value in runs[-1].items()), flush=True)
        finally:
            server.terminate()
            server.wait()
    if options.json:
        print(json.dumps({"machine": machine, "cameras": options.cameras, "seconds": options.seconds, "runs": runs}))


if __name__ == "__main__":
    main()

"""Milliseconds a crop of our plate reader by batch size, beside another reader's on the same machine in the same run.

    python benchmarks/reader_speed.py --peer PATH [--threads 1] [--json]

The graphs alone are timed, fed with noise of their own input's shape: cutting and resizing crops is not in it. Rounds
of both alternate, and the best round counts, so that what else the machine does disturbs neither more than the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

OURS = Path(__file__).resolve().parents[1] / "models" / "weights" / "reader.onnx"
BATCHES = (1, 4, 16, 64)


class Timed:
    """A reader's graph that can be timed."""

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self.megabytes = path.stat().st_size / 1e6

    def milliseconds(self, batch: int, crops: int) -> float:
        """Wall time a crop over ``crops`` crops in batches."""
        shape = (batch, *(int(side) for side in self._input.shape[1:]))
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        rounds = max(1, crops // batch)
        start = time.perf_counter()
        for _ in range(rounds):
            self._session.run(None, {self._input.name: noise})
        return (time.perf_counter() - start) / (rounds * batch) * 1e3


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=OURS)
    parser.add_argument("--peer", type=Path, help="another reader's ONNX file with one uint8 input")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--crops", type=int, default=128, help="crops a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    readers = {"ours": Timed(options.model, options.threads)}
    if options.peer:
        readers["peer"] = Timed(options.peer, options.threads)
    best = {name: dict.fromkeys(BATCHES, float("inf")) for name in readers}
    for _ in range(options.rounds + 1):
        for batch in BATCHES:
            for name, reader in readers.items():
                best[name][batch] = min(best[name][batch], reader.milliseconds(batch, options.crops))
    processor = platform.processor() or platform.machine()
    machine = {
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": options.threads,
    }
    if options.json:
        print(json.dumps({"machine": machine, "ms_per_crop": best, "mb": {n: r.megabytes for n, r in readers.items()}}))
        return 0
    print(f"{processor}, {os.cpu_count()} cores, threads {options.threads}; ms a crop, best of {options.rounds + 1}")
    print("batch  " + "".join(f"{name:>9}" for name in readers) + ("    ratio" if "peer" in readers else ""))
    for batch in BATCHES:
        row = [best[name][batch] for name in readers]
        ratio = f"{row[1] / row[0]:>9.2f}" if len(row) == 2 else ""
        print(f"{batch:>5}  " + "".join(f"{value:>9.3f}" for value in row) + ratio)
    return 0


if __name__ == "__main__":
    sys.exit(main())

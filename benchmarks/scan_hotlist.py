"""Whether ``beket scan --hotlist`` tells of the listed vehicles and of no other, on clips with known truth.

    python benchmarks/scan_hotlist.py --data DIR [--every 2] [--first 0] [--decoys 10000] [--json]

DIR holds clips and ``passes.json``, as for ``accuracy.py``, or a folder ``passes`` that does. Each ``--every``-th plate
of the truth, from the ``--first``, is listed among ``--decoys`` plates drawn at random in the Kazakh format; the
command itself is run, at its default threshold. Exit status 2 when DIR is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_tally import clean
from plates import random_plates
from rich.console import Console
from rich.table import Table

SLACK_S = 1.0
"""A pass is the truth's when their times overlap, so much allowed for."""


@dataclass(frozen=True, slots=True)
class Passing:
    """A pass, true or found; times in seconds of its clip."""

    clip: str
    text: str
    t_in: float
    t_out: float

    def is_at(self, other: Passing) -> bool:
        return self.clip == other.clip and self.t_in <= other.t_out + SLACK_S and other.t_in <= self.t_out + SLACK_S


def truth_of(folder: Path) -> list[Passing]:
    """The passes of a folder's clips."""
    listed = json.loads((folder / "passes.json").read_text(encoding="utf-8"))
    clips = listed["clips"] if isinstance(listed, dict) else listed
    return [
        Passing(clip["file"], clean(one["text"]), one["t_in"], one["t_out"]) for clip in clips for one in clip["passes"]
    ]


def draw_decoys(count: int, known: set[str], rng: np.random.Generator) -> list[str]:
    """Kazakh plates that did not pass."""
    found: set[str] = set()
    while len(found) < count:
        found.update(plate for plate in random_plates(count - len(found), rng) if plate not in known)
    return sorted(found)


def scan(folder: Path, hotlist: Path) -> list[dict[str, Any]]:
    """The rows of ``beket scan`` over a folder's clips."""
    clips = sorted(str(path) for path in folder.glob("*.mp4"))
    command = [sys.executable, "-m", "cluster", "scan", *clips, "--hotlist", str(hotlist), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603 - our own command
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--decoys", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one line of JSON only")
    given = parser.parse_args()
    folder = given.data / "passes" if (given.data / "passes").is_dir() else given.data
    if not (folder / "passes.json").exists():
        print(f"{folder} holds no passes.json", file=sys.stderr)
        raise SystemExit(2)
    truth = truth_of(folder)
    listed = {one.text for one in truth[given.first :: given.every]}
    decoys = draw_decoys(given.decoys, {one.text for one in truth}, np.random.default_rng(11))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        hotlist = Path(scratch) / "list.csv"
        hotlist.write_text("plate\n" + "\n".join([*sorted(listed), *decoys]) + "\n")
        rows = scan(folder, hotlist)
    took_s = time.monotonic() - started
    passes = {
        (row["source"], row["pass_id"]): Passing(
            Path(row["source"]).name, clean(row["text"]), row["t_in"] or 0.0, row["t_out"] or 0.0
        )
        for row in rows
        if row["type"] == "pass"
    }
    hits = [(row, passes[row["source"], row["pass_id"]]) for row in rows if row["type"] == "hit"]
    wanted = [one for one in truth if one.text in listed]
    met = {one for one in wanted for row, found in hits if row["plate"] == one.text and found.is_at(one)}
    false = [(row, found) for row, found in hits if not any(row["plate"] == w.text and found.is_at(w) for w in wanted)]
    report = Table(title="hits of listed plates")
    for name in ("clip", "listed", "seen", "read as", "hit", "score"):
        report.add_column(name)
    for one in wanted:
        mine = [row for row, found in hits if row["plate"] == one.text and found.is_at(one)]
        read = ", ".join(found.text for found in passes.values() if found.is_at(one) and _alike(found.text, one.text))
        score = max((row["score"] for row in mine), default=None)
        kind = mine[0]["kind"] if mine else "MISSED"
        report.add_row(one.clip, one.text, f"{one.t_in:.1f} s", read or "-", kind, str(score or ""))
    for row, found in false:
        report.add_row(found.clip, row["plate"], f"{found.t_in:.1f} s", found.text, "FALSE", str(row["score"]))
    if not given.json:
        Console().print(report)
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
                "entries": len(listed) + len(decoys),
                "passes": len(truth),
                "listed_passes": len(wanted),
                "hit": len(met),
                "missed": [f"{one.clip} {one.t_in:.1f} s {one.text}" for one in wanted if one not in met],
                "false": [f"{found.clip} {found.t_in:.1f} s {row['plate']} for {found.text}" for row, found in false],
                "exact": sum(row["kind"] == "exact" for row, _ in hits),
                "wall_s": round(took_s, 1),
            }
        )
    )


def _alike(one: str, other: str) -> bool:
    """Whether two texts share most of their characters in place."""
    return sum(a == b for a, b in zip(one, other, strict=False)) >= len(other) / 2


if __name__ == "__main__":
    main()

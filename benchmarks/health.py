"""What picture checks say of real clips: of healthy ones nothing, of spoilt copies of them what was done to them.

usage: python -m benchmarks.health --data DIR [--json]

DIR holds road clips (*.mp4), none of which has a fault. Each clip is looked at by its keyframes, as a sleeping camera's
stream is, played twice; then again from the middle on with a fault put into the pictures. A fault counts as seen where
at least half of the spoilt looks say so.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from video.health.picture import PictureCheck
from video.watch.decoded import DecodedFrame

Luma = NDArray[np.uint8]
_STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class Spoiler:
    """A fault, and how it is put into a picture."""

    name: str
    code: str
    spoil: Callable[[Luma], Luma]


@dataclass(frozen=True, slots=True)
class Row:
    """What was said of one clip."""

    clip: str
    size: str
    looks: int
    false: dict[str, int]
    """Findings of the clip as it is, by code."""
    cpu_ms: float
    """CPU of a look."""
    seen: dict[str, float]
    """Share of spoilt looks that say so, by fault."""


def _spoilers(first: Luma) -> list[Spoiler]:
    scale = first.shape[1] / 1920

    def turned(share: float) -> Callable[[Luma], Luma]:
        matrix = np.array([[1, 0, share * first.shape[1]], [0, 1, 0]], np.float32)
        return lambda luma: np.asarray(
            cv2.warpAffine(luma, matrix, luma.shape[::-1], borderMode=cv2.BORDER_REFLECT), np.uint8
        )

    def blurred(sigma: float) -> Callable[[Luma], Luma]:
        return lambda luma: np.asarray(cv2.GaussianBlur(luma, (0, 0), sigma * scale), np.uint8)

    shade = np.repeat(np.linspace(40, 90, first.shape[0])[:, None], first.shape[1], axis=1).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 4, first.shape, np.uint8)
    return [
        Spoiler("black", "black", lambda luma: np.full_like(luma, 16)),
        Spoiler("frozen", "frozen", lambda luma: first),
        Spoiler("covered", "covered", lambda luma: shade + np.roll(noise, int(luma[0, 0]), 1)),
        Spoiler("turned by 4%", "moved", turned(0.04)),
        Spoiler("turned by 15%", "moved", turned(0.15)),
        Spoiler("blurred, 4 px", "blurred", blurred(4.0)),
        Spoiler("blurred, 8 px", "blurred", blurred(8.0)),
        Spoiler("overexposed", "overexposed", lambda luma: np.clip(luma.astype(np.int16) * 5, 0, 255).astype(np.uint8)),
    ]


def _keyframes(path: Path) -> Iterator[Luma]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            yield DecodedFrame(frame, 0.0, None).luma(1)


def _measure(path: Path) -> Row:
    pictures = list(_keyframes(path))
    check = PictureCheck()
    false: dict[str, int] = {}
    began = time.thread_time()
    looks = 0
    for _ in range(2):
        for picture in pictures:
            for finding in check.look(picture, looks * _STEP_S):
                false[finding.code.value] = false.get(finding.code.value, 0) + 1
            looks += 1
    cpu_ms = 1000 * (time.thread_time() - began) / looks
    seen: dict[str, float] = {}
    for spoiler in _spoilers(pictures[0]):
        check = PictureCheck()
        for n, picture in enumerate(pictures):
            check.look(picture, n * _STEP_S)
        told = 0
        spoilt = [spoiler.spoil(picture) for picture in pictures[: len(pictures) // 2]]
        for n, picture in enumerate(spoilt, len(pictures)):
            told += spoiler.code in {finding.code.value for finding in check.look(picture, n * _STEP_S)}
        seen[spoiler.name] = round(told / len(spoilt), 3)
    size = f"{pictures[0].shape[1]}x{pictures[0].shape[0]}"
    return Row(path.name, size, looks, false, round(cpu_ms, 2), seen)


def main() -> None:
    parser = argparse.ArgumentParser(description="What picture checks say of real clips.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clips = sorted(options.data.rglob("*.mp4"))
    if not clips:
        print(f"{options.data} holds no *.mp4; give a folder of road clips", file=sys.stderr)
        sys.exit(2)
    rows = [_measure(clip) for clip in clips]
    for row in rows:
        print(f"{row.clip} {row.size}: {row.looks} looks, false: {row.false or 'none'}, {row.cpu_ms} ms of CPU a look")
        print("    seen: " + ", ".join(f"{name} {100 * share:.0f}%" for name, share in row.seen.items()))
    false = sum(sum(row.false.values()) for row in rows)
    shares = [share for row in rows for share in row.seen.values()]
    summed = {
        "clips": len(rows),
        "looks": sum(row.looks for row in rows),
        "false": false,
        "faults": len(shares),
        "faults_seen": sum(share >= 0.5 for share in shares),
    }
    print(
        f"{summed['false']} false of {summed['looks']} looks; {summed['faults_seen']} of {summed['faults']} faults seen"
    )
    if options.json:
        print(json.dumps(summed | {"rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()

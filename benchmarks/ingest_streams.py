"""Streams for ``ingest.py``: clips with known passes, and what is made of their GOPs by remuxing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av


@dataclass(frozen=True)
class Stream:
    """One file to be watched as a camera, with the times at which a vehicle is in view."""

    name: str
    path: Path
    codec: str
    height: int
    fps: float
    seconds: float
    vehicles: tuple[tuple[float, float], ...]
    """When a vehicle is in view: seconds from and to, by order of entering."""
    steady_from_s: float
    """From where on figures are taken: before it the gate learns."""
    gop: int
    """Frames from one keyframe to the next."""

    @property
    def vehicle_frames(self) -> float:
        """Frames from ``steady_from_s`` on in which at least one vehicle is in view."""
        covered, until = 0.0, self.steady_from_s
        for start, end in sorted(self.vehicles):
            covered += max(min(end, self.seconds) - max(start, until), 0.0)
            until = max(until, end)
        return covered * self.fps

    @property
    def keyframes(self) -> int:
        """Keyframes from ``steady_from_s`` on."""
        return round((self.seconds - self.steady_from_s) * self.fps / self.gop)

    @property
    def duty(self) -> float:
        return self.vehicle_frames / self.fps / (self.seconds - self.steady_from_s)


def clips(folder: Path) -> list[Stream]:
    """The clips of ``folder/passes.json`` as they are. Raises OSError where there are none."""
    found = []
    for clip in json.loads((folder / "passes.json").read_text(encoding="utf-8"))["clips"]:
        vehicles = tuple((float(one["t_in"]), float(one["t_out"])) for one in clip["passes"])
        path = folder / clip["file"]
        found.append(
            Stream(
                path.stem,
                path,
                clip["codec"],
                clip["height"],
                float(clip["fps"]),
                float(clip["seconds"]),
                vehicles,
                0.0,
                int(clip["gop"]),
            )
        )
    return found


def twice(clip: Stream, folder: Path) -> Stream:
    """A clip played two times over: what is measured in its second round is a camera that knows its road."""
    gops, frame_s = _gops(clip), 1 / clip.fps
    path, seconds = _write(clip, [*gops, *gops], folder / f"{clip.name}_twice.mp4")
    half = round(seconds / 2 / frame_s) * frame_s
    vehicles = clip.vehicles + tuple((start + half, end + half) for start, end in clip.vehicles)
    return Stream(f"{clip.name} twice", path, clip.codec, clip.height, clip.fps, seconds, vehicles, half, clip.gop)


def empty(clip: Stream, folder: Path, seconds: float = 120.0) -> Stream:
    """The GOPs of a clip in which no vehicle is in view, one after the other and again, to about ``seconds``.

    Raises ValueError where it has none.
    """
    gop_s = 0.0
    kept: list[list[Any]] = []
    for gop in _gops(clip):
        start = float(gop[0].pts * gop[0].time_base)
        gop_s = len(gop) / clip.fps
        if all(t_out < start - 0.5 or t_in > start + gop_s + 0.5 for t_in, t_out in clip.vehicles):
            kept.append(gop)
    if not kept:
        raise ValueError(f"{clip.path} has no GOP without a vehicle")
    rounds = max(1, round(seconds / (len(kept) * gop_s)))
    path, length = _write(clip, kept * rounds, folder / f"{clip.name}_empty.mp4")
    return Stream(
        f"{clip.name} empty", path, clip.codec, clip.height, clip.fps, length, (), min(20.0, length / 4), clip.gop
    )


def _gops(clip: Stream) -> list[list[Any]]:
    gops: list[list[Any]] = []
    with av.open(str(clip.path)) as container:
        for packet in container.demux(video=0):
            if packet.size and packet.is_keyframe:
                gops.append([])
            if packet.size and gops:
                gops[-1].append(packet)
    return gops


def _write(clip: Stream, gops: list[list[Any]], path: Path) -> tuple[Path, float]:
    """GOPs without B pictures to an MP4; its length in seconds."""
    frame = 0
    with av.open(str(clip.path)) as template, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(template.streams.video[0])
        base = template.streams.video[0].time_base
        for gop in gops:
            for packet in gop:
                copy = av.Packet(bytes(packet))
                copy.pts = copy.dts = round(frame / clip.fps / float(base))
                copy.time_base = base
                copy.is_keyframe = packet.is_keyframe
                copy.stream = stream
                container.mux(copy)
                frame += 1
    return path, frame / clip.fps

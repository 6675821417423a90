"""Write a scene as a camera would send it: a video file with its truth beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

from simulation.scene import Scene


@dataclass(frozen=True, slots=True)
class TruePass:
    """What really passed: its text, when its plate was in the picture (s), and the boxes of the plate in time."""

    text: str
    t_in: float
    t_out: float
    boxes: tuple[tuple[float, float, float, float, float], ...]
    """``(t, x, y, w, h)`` of the upright box around the plate, five a second, in pixels."""


def truth(scene: Scene) -> list[TruePass]:
    """The passes of ``scene`` in which the whole plate is in the picture for at least one moment."""
    passes = []
    for crossing in scene.crossings:
        boxes = []
        for k in range(round(scene.duration_s * 5)):
            t = k / 5
            corners = scene.plate_corners(crossing, t)
            if corners is None:
                continue
            (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
            if x0 >= 0 and y0 >= 0 and x1 < scene.camera.width and y1 < scene.camera.height:
                x, y, w, h = (round(float(v), 2) for v in (x0, y0, x1 - x0, y1 - y0))
                boxes.append((t, x, y, w, h))
        if boxes:
            passes.append(TruePass(crossing.text, boxes[0][0], boxes[-1][0], tuple(boxes)))
    return passes


def write_clip(
    scene: Scene,
    path: Path,
    *,
    codec: str = "libx264",
    gop_s: float = 2.0,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Encode ``scene`` to ``path`` (MP4) and its truth to ``path`` with the suffix ``.json``; returns ``path``.

    The file appears when it is whole. ``progress`` is called with the share done, 0-1.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.mp4")
    total = round(scene.duration_s * scene.fps)
    options = {"preset": "veryfast", "crf": "23", "bf": "0"}
    if codec == "libx265":
        options["x265-params"] = "log-level=error:bframes=0"
    with av.open(str(part), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(codec, rate=scene.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = scene.camera.width, scene.camera.height, "yuv420p"
        stream.gop_size = round(gop_s * scene.fps)
        stream.codec_context.thread_count = 1
        stream.time_base = Fraction(1, scene.fps)
        for number, picture in enumerate(scene.frames()):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
            if progress is not None and number % scene.fps == 0:
                progress(number / total)
        container.mux(stream.encode(None))
    path.with_suffix(".json").write_text(json.dumps([asdict(p) for p in truth(scene)], indent=1))
    part.replace(path)
    if progress is not None:
        progress(1.0)
    return path

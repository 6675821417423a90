"""Video files for the tests, encoded here: a grey road on which a bright box passes at known times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

Encode = Callable[..., Path]


def road(t: float, size: tuple[int, int], passes: Sequence[tuple[float, float]]) -> np.ndarray:
    """The picture at ``t``: texture, and a box that crosses from left to right during each of ``passes``."""
    width, height = size
    rng = np.random.default_rng(5)
    picture = np.repeat(np.repeat(rng.integers(60, 140, (height // 8, width // 8), np.uint8), 8, 0), 8, 1)
    picture = np.stack([picture] * 3, axis=2)
    for start, end in passes:
        if start <= t < end:
            side = height // 3
            left = int((t - start) / (end - start) * (width + side)) - side
            picture[height // 3 : height // 3 + side, max(left, 0) : max(left + side, 0)] = (40, 200, 240)
    return picture


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    def make(
        name: str = "road.mp4",
        *,
        seconds: float = 4.0,
        fps: int = 15,
        size: tuple[int, int] = (320, 192),
        gop: int = 15,
        codec: str = "libx264",
        passes: Sequence[tuple[float, float]] = (),
        b_frames: int = 0,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(path, "w") as container:
            stream = container.add_stream(codec, rate=fps)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.gop_size = gop
            stream.time_base = Fraction(1, 12800)
            stream.codec_context.time_base = Fraction(1, 12800)
            if codec == "libx265":
                stream.codec_context.codec_tag = "hvc1"
            quick = {"libx264": {"preset": "ultrafast", "x264-params": f"scenecut=0:keyint={gop}:bframes={b_frames}"}}
            quick["libx265"] = {
                "preset": "ultrafast",
                "x265-params": f"scenecut=0:keyint={gop}:bframes={b_frames}:log-level=none",
            }
            stream.options = quick.get(codec, {}) | (options or {})
            for n in range(round(seconds * fps)):
                frame = av.VideoFrame.from_ndarray(road(n / fps, size, passes), format="bgr24")
                frame.pts = round(n / fps * 12800)
                frame.time_base = Fraction(1, 12800)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make

"""Frames as they come out of a decoder or a picture: they satisfy ``video.frame.Frame``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Part = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

_BLOCK = 16
_CUT_FORMATS = {"yuv420p": (2, 2), "yuvj420p": (2, 2), "yuv422p": (2, 1), "yuvj422p": (2, 1), "nv12": (1, 2)}
"""Formats of which a part can be cut out; bytes of luma to one of a plane of chroma: across, down."""


class DecodedFrame:
    """One decoded picture of a stream. The pixels stay as and where the decoder left them until they are asked for."""

    __slots__ = ("_bgr", "_converted", "_decoded", "_fetched", "camera_at", "seen_at", "size", "t")

    def __init__(self, frame: Any, t: float, seen_at: datetime | None, camera_at: datetime | None = None) -> None:
        self._decoded = frame
        self._fetched: Any = None
        self._bgr: NDArray[np.uint8] | None = None
        self._converted: list[Part] = []
        """Parts of the picture that ``_bgr`` holds."""
        self.t = t
        self.seen_at = seen_at
        self.camera_at = camera_at
        self.size: tuple[int, int] = (frame.width, frame.height)

    @property
    def is_keyframe(self) -> bool:
        """Whether it was coded by itself."""
        return bool(self._decoded.key_frame)

    def fetch(self) -> None:
        """Bring the pixels from the GPU, if they lie there; raises FFmpegError where it has them no more."""
        if self._fetched is None:
            on_gpu = self._decoded.sw_format
            self._fetched = self._decoded.reformat(format=on_gpu.name, threads=1) if on_gpu else self._decoded

    @property
    def _frame(self) -> Any:
        """The picture in memory."""
        self.fetch()
        return self._fetched

    def bgr(self, part: Part | None = None) -> NDArray[np.uint8]:
        width, height = self.size
        left, top, right, bottom = part or (0, 0, width, height)
        # whole blocks of chroma
        left, top = max(left, 0) // _BLOCK * _BLOCK, max(top, 0) // _BLOCK * _BLOCK
        right, bottom = min(-(-right // _BLOCK) * _BLOCK, width), min(-(-bottom // _BLOCK) * _BLOCK, height)
        if self._bgr is not None and (right <= left or bottom <= top or self._holds(left, top, right, bottom)):
            return self._bgr
        if (right - left) * (bottom - top) > width * height / 2 or self._frame.format.name not in _CUT_FORMATS:
            # one thread: with more, swscale starts them anew for each frame, at five times the cost
            self._bgr = np.asarray(self._frame.to_ndarray(format="bgr24", threads=1), np.uint8)
            self._converted = [(0, 0, width, height)]
            return self._bgr
        if self._bgr is None:
            self._bgr = np.zeros((height, width, 3), np.uint8)
        if right > left and bottom > top:
            cut = _cut(self._frame, left, top, right, bottom)
            self._bgr[top:bottom, left:right] = cut.to_ndarray(format="bgr24", threads=1)
            self._converted.append((left, top, right, bottom))
        return self._bgr

    def _holds(self, left: int, top: int, right: int, bottom: int) -> bool:
        return any(p[0] <= left and p[1] <= top and right <= p[2] and bottom <= p[3] for p in self._converted)

    def luma(self, step: int) -> NDArray[np.uint8]:
        """Every ``step``-th pixel and row of the brightness, ``(H/step, W/step) uint8``: about free."""
        planar = self._frame.format.name.startswith(("yuv4", "yuvj4", "nv12", "nv21", "gray")) and (
            self._frame.format.components[0].bits == 8
        )
        frame = self._frame if planar else self._frame.reformat(format="gray", threads=1)
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return rows[: frame.height : step, : frame.width : step].copy()


class Still:
    """A picture from a file."""

    __slots__ = ("_bgr", "camera_at", "seen_at", "size", "t")

    def __init__(self, bgr: NDArray[np.uint8]) -> None:
        self._bgr = bgr
        self.t = 0.0
        self.seen_at: datetime | None = None
        self.camera_at: datetime | None = None
        self.size: tuple[int, int] = (bgr.shape[1], bgr.shape[0])

    def bgr(self, part: Part | None = None) -> NDArray[np.uint8]:
        return self._bgr

    def luma(self, step: int) -> NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(self._bgr[::step, ::step], cv2.COLOR_BGR2GRAY), np.uint8)


def _cut(frame: Any, left: int, top: int, right: int, bottom: int) -> av.VideoFrame:
    """A frame of the same format and colours that is a part of ``frame``."""
    part = av.VideoFrame(right - left, bottom - top, frame.format.name)
    part.colorspace, part.color_range = frame.colorspace, frame.color_range
    across, down = _CUT_FORMATS[frame.format.name]
    for number, (whole, plane) in enumerate(zip(frame.planes, part.planes, strict=True)):
        dx, dy = (across, down) if number else (1, 1)
        pixels = np.frombuffer(whole, np.uint8).reshape(-1, whole.line_size)
        target = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        shown = pixels[top // dy : -(-bottom // dy), left // dx : -(-right // dx)]
        target[: shown.shape[0], : shown.shape[1]] = shown
    return part

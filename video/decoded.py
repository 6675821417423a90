"""Frames as they come out of a decoder or a picture: they satisfy ``video.frame.Frame``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class DecodedFrame:
    """One decoded picture of a stream. The pixels stay as the decoder left them until ``bgr`` is asked."""

    __slots__ = ("_bgr", "_frame", "camera_at", "seen_at", "size", "t")

    def __init__(self, frame: Any, t: float, seen_at: datetime | None, camera_at: datetime | None = None) -> None:
        self._frame = frame
        self._bgr: NDArray[np.uint8] | None = None
        self.t = t
        self.seen_at = seen_at
        self.camera_at = camera_at
        self.size: tuple[int, int] = (frame.width, frame.height)

    @property
    def is_keyframe(self) -> bool:
        """Whether it was coded by itself."""
        return bool(self._frame.key_frame)

    def bgr(self) -> NDArray[np.uint8]:
        if self._bgr is None:
            # one thread: with more, swscale starts them anew for each frame, at five times the cost
            self._bgr = np.asarray(self._frame.to_ndarray(format="bgr24", threads=1), np.uint8)
        return self._bgr

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

    def bgr(self) -> NDArray[np.uint8]:
        return self._bgr

    def luma(self, step: int) -> NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(self._bgr[::step, ::step], cv2.COLOR_BGR2GRAY), np.uint8)

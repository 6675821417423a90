"""A decoded frame, as the passes see it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Frame(Protocol):
    """One decoded frame of a woken stream. Stays in the process that decoded it."""

    @property
    def t(self) -> float:
        """Seconds of the stream's own time (unwrapped PTS), comparable with the packet ring's times."""

    @property
    def seen_at(self) -> datetime | None:
        """UTC arrival; None for files and pictures."""

    @property
    def camera_at(self) -> datetime | None:
        """UTC by the camera's own clock; None where it tells no time."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    def bgr(self) -> NDArray[np.uint8]:
        """The picture, ``(H, W, 3) uint8`` BGR, converted on first use and kept."""

    def luma(self, step: int) -> NDArray[np.uint8]:
        """Brightness of every ``step``-th pixel of every ``step``-th row, ``(H/step, W/step) uint8``: nearly free."""

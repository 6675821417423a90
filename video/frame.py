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

    def bgr(self, part: tuple[int, int, int, int] | None = None) -> NDArray[np.uint8]:
        """The picture, ``(H, W, 3) uint8`` BGR, converted on first use and kept.

        With ``part`` (left, top, right, bottom, pixels) only that much of it need be true: what no call has asked for
        may be black. A whole 1080p frame takes 3 ms to convert, a vehicle of it a tenth.
        """

    def luma(self, step: int) -> NDArray[np.uint8]:
        """Brightness of every ``step``-th pixel of every ``step``-th row, ``(H/step, W/step) uint8``: nearly free."""

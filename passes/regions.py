"""Where to look: the parts of the frame that move, so that far plates are searched finely for little work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH: Final = 320
"""Width to which brightness is thinned before differences are taken, pixels."""
_LEAST_STEP: Final = 6.0
"""Least change of brightness (0-255) that is motion, where the picture has no noise."""
_NOISE_FACTOR: Final = 6.0
_LEARN: Final = 0.06
"""Share of a new frame in the background, where nothing moves; a standing vehicle sinks in within about ten seconds."""
_LEARN_MOVING: Final = 0.004
"""The same where the picture changes from one frame to the next: vehicles that pass must leave no ghosts."""
_REACH: Final = 7
_JOIN: Final = np.ones((_REACH, _REACH), np.uint8)
_LEAST_AREA: Final = 24
"""Least area of a moving blob, thinned pixels."""


class Region(NamedTuple):
    """A part of the frame in whole pixels: left, top, right, bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def holds_middle(self, other: Region) -> bool:
        """Whether the middle of ``other`` lies within."""
        return self.holds((other.left + other.right) / 2, (other.top + other.bottom) / 2)

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    @property
    def area(self) -> int:
        return max(self.width, 0) * max(self.height, 0)


class Followed(NamedTuple):
    """What a lookout needs to know of a tracked plate."""

    place: Region
    """Where the plate may be."""
    near: Region | None
    """Where it nearly surely is; None while its motion is not known well."""
    vehicle: Region | None
    """The part of the frame whose motion its vehicle explains; None while its extent is not known."""
    extent: Region
    """The same, at least; all that lies around the plate while it is not known."""
    width: float
    """Of the plate, pixels."""
    is_due: bool
    """Whether it is to be looked for in this frame."""
    is_hard: bool
    """Whether it was seen for a while and could not be read yet: worth the finest look."""


def around(x: float, y: float, across: float, up: float, size: tuple[int, int]) -> Region:
    """The part of a frame of ``size`` within ``across`` and ``up`` pixels of a point."""
    return Region(
        int(max(x - across, 0)), int(max(y - up, 0)), int(min(x + across, size[0])), int(min(y + up, size[1]))
    )


def margin(width: int) -> int:
    """Pixels by which a moving region of a frame ``width`` wide is wider and higher than what moves."""
    return _REACH * thinning(width)


def thinning(width: int) -> int:
    """Every how-manieth pixel of a frame ``width`` wide ``Background`` wants."""
    return max(1, width // _WIDTH)


class Background:
    """A running picture of what stands still."""

    def __init__(self) -> None:
        self._still: NDArray[np.float32] | None = None
        self._last: NDArray[np.float32] | None = None

    def forget(self) -> None:
        """Start anew: after a gap the light is another."""
        self._still = self._last = None

    def moving(self, luma: NDArray[np.uint8], step: int) -> list[Region] | None:
        """Parts of the full frame that differ from the background, given its thinned brightness ``(h, w) uint8``.

        None for the first picture, and when most of the picture differs (the camera moved, the light was switched).
        """
        seen = np.asarray(cv2.blur(luma, (3, 3)), np.uint8).astype(np.float32)
        last, self._last = self._last, seen
        if self._still is None or self._still.shape != seen.shape:
            self._still = seen.copy()
            return None
        change = seen - self._still
        sample = change[::4, ::4]
        exposure = _median(sample)  # it follows the light
        noise = _median(np.abs(sample - exposure))
        size = cv2.absdiff(change, exposure)
        mask = (size > max(_LEAST_STEP, _NOISE_FACTOR * noise)).astype(np.uint8)
        if cv2.countNonZero(mask) > 0.6 * mask.size:
            self._still = seen.copy()
            return None
        changing = mask
        if last is not None:
            changing = cv2.bitwise_and(mask, (cv2.absdiff(seen, last) > _LEAST_STEP / 2).astype(np.uint8))
        cv2.accumulateWeighted(seen, self._still, _LEARN, 1 - changing)
        cv2.accumulateWeighted(seen, self._still, _LEARN_MOVING, changing)
        joined = cv2.dilate(mask, _JOIN)
        height, width = luma.shape
        regions = []
        for edge in cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
            if cv2.contourArea(edge) + len(edge) / 2 + 1 < _LEAST_AREA + 48:  # dilating alone makes 49 of one pixel
                continue  # the number of pixels by Pick's theorem
            left, top, w, h = cv2.boundingRect(edge)
            regions.append(
                Region(
                    int(left) * step,
                    int(top) * step,
                    int(min(left + w, width)) * step,
                    int(min(top + h, height)) * step,
                )
            )
        return regions


def _median(values: NDArray[np.float32]) -> float:
    """The upper one, in a third of the time that ``np.median`` takes."""
    middle = values.size // 2
    return float(np.partition(values.ravel(), middle)[middle])


def merged(regions: Sequence[Region], size: tuple[int, int]) -> list[Region]:
    """Regions cut at the frame's edges (``size``: width, height), overlapping ones joined while that wastes little."""
    width, height = size
    left = [
        Region(max(r.left, 0), max(r.top, 0), min(r.right, width), min(r.bottom, height))
        for r in regions
        if r.left < width and r.top < height and r.right > 0 and r.bottom > 0
    ]
    left = [r for r in left if r.width > 7 and r.height > 7]
    joined = True
    while joined:
        joined = False
        for i in range(len(left)):
            for j in range(i):
                both = Region(
                    min(left[i].left, left[j].left),
                    min(left[i].top, left[j].top),
                    max(left[i].right, left[j].right),
                    max(left[i].bottom, left[j].bottom),
                )
                if both.width * both.height <= 1.15 * (left[i].width * left[i].height + left[j].width * left[j].height):
                    left[j] = both
                    del left[i]
                    joined = True
                    break
            if joined:
                break
    return left

"""Plate crops: cut, rectified, loosened, and judged by how well they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.ports import Image

FULL_WIDTH_PX: Final = 130.0
"""Width of a plate from which more pixels tell a reader nothing new."""
_SHARP: Final = 900.0
"""Variance of the Laplacian, at the judged height, of a sharp plate of full contrast; fitted on rendered plates."""
_JUDGED_HEIGHT: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One plate crop. ``quality``: 0-1, by size, sharpness, angle and whether it is whole."""

    picture: Image
    box: Box
    """Of the plate in the full frame, not loosened."""
    quality: float


def cut(frame: Image, box: Box, corners: NDArray[np.float32] | None, margin: float) -> Crop:
    """The crop of a plate in ``frame``, upright, loosened by ``margin`` of its height.

    ``corners``: ``(4, 2)`` pixels, clockwise from the plate's own upper left; where known they tell its slant.
    """
    return Crop(_upright(frame, box, margin), box, quality(frame, box, corners))


def rectified(frame: Image, corners: NDArray[np.float32], margin: float) -> Image:
    """The plate within ``corners``, seen from straight ahead, at its own size."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = max(float(sides[0] + sides[2]) / 2, 8.0), max(float(sides[1] + sides[3]) / 2, 4.0)
    edge = margin * height
    target = np.array(
        [[edge, edge], [edge + width, edge], [edge + width, edge + height], [edge, edge + height]], np.float32
    )
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    shape = (round(width + 2 * edge), round(height + 2 * edge))
    seen = cv2.warpPerspective(frame, turn, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def shrunk(picture: Image, scale: float) -> Image:
    """``picture`` at ``scale`` of its size, 1 at most: halved by area as often as that goes, the rest linearly.

    A fifth of the time that one step by area takes, and no stroke of a plate falls between two pixels.
    """
    shape = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    while shape[0] <= picture.shape[1] // 2 and shape[1] <= picture.shape[0] // 2:
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        whole = picture[: 2 * height, : 2 * width]
        picture = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if shape == (picture.shape[1], picture.shape[0]):
        return picture
    return np.asarray(cv2.resize(picture, shape, interpolation=cv2.INTER_LINEAR), np.uint8)


def quality(frame: Image, box: Box, corners: NDArray[np.float32] | None = None) -> float:
    """How well a plate can be read, 0-1: size times sharpness times angle; less when the frame's edge cuts it."""
    plate = _upright(frame, box, 0.0)
    height = max(1, round(plate.shape[0] * min(1.0, 2 * _JUDGED_HEIGHT / plate.shape[0])))
    width = max(1, round(plate.shape[1] * height / plate.shape[0]))
    grey = cv2.cvtColor(cv2.resize(plate, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    sharp = sharpness(np.asarray(grey, np.uint8))
    # two-line plates are half as wide for the same characters
    wide = box.w * (1.5 if box.w < 2.4 * box.h else 1.0)
    size = min(wide / FULL_WIDTH_PX, 1.0)
    angle = 1.0
    if corners is not None:
        top = corners[1] - corners[0]
        angle = float(np.cos(np.arctan2(top[1], top[0])) ** 2)
    touches = box.x <= 1 or box.y <= 1 or box.x + box.w >= frame.shape[1] - 1 or box.y + box.h >= frame.shape[0] - 1
    return float(size * (0.3 + 0.7 * sharp) * angle * (0.4 if touches else 1.0))


def sharpness(grey: NDArray[np.uint8]) -> float:
    """0-1: the variance of the Laplacian against the plate's contrast, so that a dim one can be sharp."""
    contrast = max(float(grey.std()), 6.0)
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return min(edges / _SHARP * (60.0 / contrast) ** 2, 1.0)


def _upright(frame: Image, box: Box, margin: float) -> Image:
    height, width = frame.shape[:2]
    edge = margin * box.h
    left, top = max(int(np.floor(box.x - edge)), 0), max(int(np.floor(box.y - edge)), 0)
    right, bottom = min(int(np.ceil(box.x + box.w + edge)), width), min(int(np.ceil(box.y + box.h + edge)), height)
    left, top = min(left, width - 1), min(top, height - 1)
    return frame[top : max(bottom, top + 1), left : max(right, left + 1)]

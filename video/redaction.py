"""What must not be seen in a picture is made unseeable; and pictures are packed for the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box

Image = NDArray[np.uint8]
"""A picture, ``(H, W, 3) uint8`` BGR."""

FindFaces = Callable[[Sequence[Image]], list[list[Box]]]
"""Boxes of the faces in each picture: the face detector's ``detect``, for blurring and for nothing else."""

_TILES: Final = 6
_PACKINGS: Final = ((88, 1.0), (80, 1.0), (75, 0.7), (70, 0.5), (60, 0.3))
"""Qualities of JPEG (1-100) and scales, tried in this order."""


def blurred(picture: Image, boxes: Iterable[Box], margin: float = 0.25) -> Image:
    """A copy of ``picture`` in which each box, grown by ``margin`` of its size, keeps no more than 6 by 6 tiles.

    What is lost is lost: the tiles are means, and nothing of the finer picture remains under the smoothing.
    """
    picture = picture.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        left, right = max(int(box.x - margin * box.w), 0), min(int(np.ceil(box.x + (1 + margin) * box.w)), width)
        top, bottom = max(int(box.y - margin * box.h), 0), min(int(np.ceil(box.y + (1 + margin) * box.h)), height)
        if right <= left or bottom <= top:
            continue
        size = (right - left, bottom - top)
        tiles = cv2.resize(
            picture[top:bottom, left:right], (min(_TILES, size[0]), min(_TILES, size[1])), interpolation=cv2.INTER_AREA
        )
        picture[top:bottom, left:right] = cv2.resize(tiles, size, interpolation=cv2.INTER_LINEAR)
    return picture


def pack_jpeg(picture: Image, most_bytes: int) -> bytes:
    """``picture`` as a JPEG of ``most_bytes`` at the most, coarser and smaller where it must; empty where none fits."""
    for quality, scale in _PACKINGS:
        scaled = picture
        if scale < 1:
            scaled = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        done, data = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(data) <= most_bytes:
            return bytes(data)
    return b""

"""What must not be seen in a picture is made unseeable; and pictures are packed for the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box

Image = NDArray[np.uint8]
"""A picture, ``(H, W, 3) uint8`` BGR."""

FindFaces = Callable[[Sequence[Image]], list[list[Box]]]
"""Boxes of the faces in each picture: the face detector's ``detect``, for blurring and for nothing else."""

_TILES = 6


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


def without_faces(picture: Image, find_faces: FindFaces) -> Image:
    """A copy of ``picture`` with every face that ``find_faces`` finds blurred."""
    return blurred(picture, find_faces([picture])[0])


def encode_jpeg(picture: Image, quality: int = 85, longest_side: int | None = None) -> bytes:
    """``picture`` as a JPEG of ``quality`` 1-100, scaled down so that no side is longer than ``longest_side`` pixels.

    Raises ValueError for an empty picture.
    """
    if picture.size == 0:
        raise ValueError("an empty picture can't be encoded")
    side = max(picture.shape[:2])
    if longest_side is not None and side > longest_side:
        size = tuple(max(round(length * longest_side / side), 1) for length in (picture.shape[1], picture.shape[0]))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} can't be encoded as JPEG")
    return bytes(data)

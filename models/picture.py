"""Pictures made ready for a network: fitted into its input, and boxes carried back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.ports import Image

GREY = 114
"""The level with which YOLO networks were padded in training."""

_BY_AREA = 0.4
"""Below this scale pixels are averaged: one plate in a hundred more is found there; above it nothing is gained."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture was put into a network's input: scaled by ``scale``, then moved by ``left``, ``top`` pixels."""

    scale_x: float
    scale_y: float
    left: int
    top: int
    width: int
    """Of the picture, pixels."""
    height: int

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """A box of the input in the picture's own pixels, cut at its edges."""
        left = min(max((x1 - self.left) / self.scale_x, 0.0), float(self.width))
        top = min(max((y1 - self.top) / self.scale_y, 0.0), float(self.height))
        right = min(max((x2 - self.left) / self.scale_x, left), float(self.width))
        bottom = min(max((y2 - self.top) / self.scale_y, top), float(self.height))
        return Box(left, top, right - left, bottom - top)


def check(image: Image) -> Image:
    """``image``, when it is a picture: ``(H, W, 3) uint8`` with at least one pixel. Raises ``ValueError``."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {image.shape} {image.dtype}")
    return image


def input_shape(image: Image, size: int, stride: int) -> tuple[int, int]:
    """Least ``(height, width)``, multiples of ``stride``, that hold ``image`` with its long side scaled to ``size``."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    return (
        max(stride, -(-round(height * scale) // stride) * stride),
        max(stride, -(-round(width * scale) // stride) * stride),
    )


def letterbox(image: Image, height: int, width: int, out: NDArray[np.uint8]) -> Fit:
    """Scale ``image`` to fit ``height x width``, centred on grey in ``out``, which is that large or larger; aspect is
    kept."""
    image_height, image_width = image.shape[:2]
    scale = min(height / image_height, width / image_width)
    inner_height = min(height, max(1, round(image_height * scale)))
    inner_width = min(width, max(1, round(image_width * scale)))
    top, left = (out.shape[0] - inner_height) // 2, (out.shape[1] - inner_width) // 2
    inner = out[top : top + inner_height, left : left + inner_width]
    if (inner_height, inner_width) != out.shape[:2]:
        out[...] = GREY
    if (inner_height, inner_width) == (image_height, image_width):
        inner[...] = image
    else:
        how = cv2.INTER_AREA if scale < _BY_AREA else cv2.INTER_LINEAR
        inner[...] = cv2.resize(image, (inner_width, inner_height), interpolation=how)
    return Fit(inner_width / image_width, inner_height / image_height, left, top, image_width, image_height)


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou: float, most: int = 300) -> NDArray[np.int64]:
    """Indices of the boxes ``(N, 4)`` (x1 y1 x2 y2) that remain, best first, when each removes those it overlaps."""
    order = np.argsort(-scores, kind="stable")[: most * 10]
    areas = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        width = np.minimum(boxes[best, 2], boxes[rest, 2]) - np.maximum(boxes[best, 0], boxes[rest, 0])
        height = np.minimum(boxes[best, 3], boxes[rest, 3]) - np.maximum(boxes[best, 1], boxes[rest, 1])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        order = rest[shared <= iou * (areas[best] + areas[rest] - shared)]
    return np.array(kept, dtype=np.int64)

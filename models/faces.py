"""Faces found, for blurring and for nothing else: boxes only, no landmarks, no embedding, no identity.

CenterFace (Xu et al., 2019; MIT): a heat map of face centres at a quarter of the input's size, with the logarithm of
each face's height and width and the offset of its centre. Our conversion leaves the landmarks' head out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.picture import Fit, check, input_shape, suppress
from models.ports import Image
from models.runtime.session import Session, SessionOptions

_ENLARGED: Final = 2
"""Times that a small picture is enlarged: faces behind a windscreen are smaller than any that the network knows."""


class CenterFace:
    """A ``FaceDetector``. Blurring wants recall: the least score is low. Safe to call from several threads."""

    def __init__(
        self,
        model: Path | bytes,
        session_options: SessionOptions | None = None,
        *,
        size: int = 960,
        score: float = 0.35,
        iou: float = 0.3,
    ) -> None:
        """``size``: most pixels of the long side that the network sees, smaller pictures being enlarged to twice their
        own; ``score``: least score of a face."""
        if not 0 < score < 1 or not 0 < iou <= 1 or size < 32:
            raise ValueError(f"size, score and iou are {size}, {score} and {iou}")
        self._session = Session(model, session_options, name="face detector")
        self._input = next(iter(self._session.inputs))
        self._size, self._score, self._iou = size, score, iou

    def detect(self, images: Sequence[Image]) -> list[list[Box]]:
        """Faces of each picture, best first, in the picture's own pixels."""
        return [self._detect(check(image)) for image in images]

    def _detect(self, image: Image) -> list[Box]:
        height, width = input_shape(image, min(self._size, _ENLARGED * max(image.shape[:2])), 32)
        blob = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)[..., ::-1].transpose(2, 0, 1)
        heat, scale, offset = self._session.run({self._input: np.ascontiguousarray(blob[None], np.float32)})[:3]
        fit = Fit(width / image.shape[1], height / image.shape[0], 0, 0, image.shape[1], image.shape[0])
        boxes, scores = self._decode(heat[0, 0], scale[0], offset[0])
        return [fit.box(*map(float, boxes[i])) for i in suppress(boxes, scores, self._iou)]

    def _decode(
        self, heat: NDArray[np.float32], scale: NDArray[np.float32], offset: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes ``(N, 4)`` (x1 y1 x2 y2, input pixels) and scores ``(N,)`` of the cells above the least score."""
        rows, columns = np.nonzero(heat > self._score)
        half_height, half_width = np.exp(scale[:, rows, columns]) * 2
        y = (rows + offset[0, rows, columns] + 0.5) * 4
        x = (columns + offset[1, rows, columns] + 0.5) * 4
        boxes = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)
        return boxes.astype(np.float32), heat[rows, columns]

"""Plates found with their four corners, by our own detector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.errors import ModelError
from models.picture import Fit, check, input_shape, letterbox
from models.ports import Image, PlateDetection
from models.runtime.session import Session, SessionOptions, chunks
from models.yolo import DetectorOptions

STRIDE: Final = 8
"""Pixels of the input a cell of the network's grid."""
_LOOK_PX: Final = 160
"""Long side at which corners of a known plate are looked for: the plate is 80 px wide, and the look costs 2 ms."""
_SAME: Final = 0.5
"""Overlap (IoU) from which what was found is the plate that was meant."""


class CornerPlateDetector:
    """A ``PlateDetector`` that knows corners. Safe in several threads.

    The model takes ``pictures (N, H, W, 3) uint8`` BGR, H and W multiples of 32, and gives ``scores (N, H/8, W/8)`` and
    ``corners (N, 8, H/8, W/8)``: px from each cell's centre to the corners, clockwise from the plate's own upper left.
    """

    def __init__(
        self, model: Path | bytes, options: DetectorOptions | None = None, session_options: SessionOptions | None = None
    ) -> None:
        """Raises ``ModelError`` when the model can't be loaded or is of another kind."""
        self.options = options or DetectorOptions()
        self._session = Session(model, session_options, name="plate detector")
        self._session.record(squares=1)
        if list(self._session.inputs) != ["pictures"]:
            raise ModelError(f"plate detector: takes {list(self._session.inputs)}, not `pictures`: no corner detector")

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        """Plates of each picture, best first, after suppression; ``size`` overrides the options' long side."""
        fitted = [input_shape(check(image), size or self.options.size, 32) for image in images]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, shape in enumerate(fitted):
            groups[self._session.padded(shape)].append(index)
        found: list[list[PlateDetection]] = [[] for _ in images]
        for shape, members in groups.items():
            for part in chunks(len(members), self._session.max_batch):
                indices = [members[i] for i in part]
                pictures = np.empty((len(indices), *shape, 3), np.uint8)
                fits = [letterbox(images[i], *fitted[i], out=pictures[row]) for row, i in enumerate(indices)]
                outputs = self._session.run_named({"pictures": pictures})
                for row, index in enumerate(indices):
                    found[index] = self._plates(outputs["scores"][row], outputs["corners"][row], fits[row])
        return found

    def _plates(self, scores: NDArray[np.floating], corners: NDArray[np.floating], fit: Fit) -> list[PlateDetection]:
        rows, columns = np.nonzero(scores >= self.options.score)
        chances = scores[rows, columns].astype(np.float32)
        centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * STRIDE
        quads = corners[:, rows, columns].T.reshape(-1, 4, 2).astype(np.float32) + centres[:, None]
        plates = []
        for quad, chance in merge(quads, chances, self.options.iou):
            box = fit.box(*map(float, (*quad.min(axis=0), *quad.max(axis=0))))
            placed = (quad - (fit.left, fit.top)) / (fit.scale_x, fit.scale_y)
            plates.append(PlateDetection(box, chance, placed.astype(np.float32)))
        return plates


class PlateCorners:
    """A ``CornerFinder``: looks around each known box, at a scale of its own, for the plate's corners.

    ``detector`` is what it looks with.
    """

    def __init__(self, detector: CornerPlateDetector) -> None:
        self.detector = detector

    def find(self, frame: Image, boxes: Sequence[Box]) -> list[NDArray[np.float32] | None]:
        """See the port. A plate is known again by its box: half of both must be shared (IoU)."""
        parts, backs = [], []
        for box in boxes:
            part, back = _around(frame, box)
            parts.append(part)
            backs.append(back)
        found: list[NDArray[np.float32] | None] = []
        for box, (left, top, scale_x, scale_y), plates in zip(
            boxes, backs, self.detector.detect(parts, _LOOK_PX), strict=True
        ):
            quads = [
                (plate.corners * (scale_x, scale_y) + (left, top)).astype(np.float32)
                for plate in plates
                if plate.corners is not None
            ]
            found.append(next((quad for quad in quads if _shared(quad, box) > _SAME), None))
        return found


def _around(frame: Image, box: Box) -> tuple[Image, tuple[float, float, float, float]]:
    """The frame about a box, at most ``_LOOK_PX`` long; its left, its top, and its scales back."""
    aside, above = 0.5 * box.w, 0.8 * box.h
    left, top = max(int(box.x - aside), 0), max(int(box.y - above), 0)
    right, bottom = int(box.x + box.w + aside) + 1, int(box.y + box.h + above) + 1
    part = frame[top : max(bottom, top + 1), left : max(right, left + 1)]
    scale = min(_LOOK_PX / max(part.shape[:2]), 1.0)
    shape = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    small = np.asarray(cv2.resize(part, shape, interpolation=cv2.INTER_AREA), np.uint8)
    return small, (left, top, part.shape[1] / shape[0], part.shape[0] / shape[1])


def _shared(quad: NDArray[np.float32], box: Box) -> float:
    """IoU of the box around ``quad`` with ``box``."""
    (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
    width = min(x1, box.x + box.w) - max(x0, box.x)
    height = min(y1, box.y + box.h) - max(y0, box.y)
    shared = max(float(width), 0.0) * max(float(height), 0.0)
    return shared / max(float((x1 - x0) * (y1 - y0)) + box.w * box.h - shared, 1e-6)


def merge(
    quads: NDArray[np.float32], scores: NDArray[np.float32], share: float, most: int = 300
) -> list[tuple[NDArray[np.float32], float]]:
    """Plates ``(4, 2)`` with their scores, best first, from what single cells say: ``(N, 4, 2)`` and ``(N,)``.

    Cells whose boxes share ``share`` of the smaller one speak of one plate; its corners are the mean of theirs,
    weighted by the squared scores (box voting: Gidaris and Komodakis 2015), its score the best of them.
    """
    low, high = quads.min(axis=1), quads.max(axis=1)
    areas = np.maximum(np.prod(high - low, axis=1), 1e-6)
    order = np.argsort(-scores, kind="stable")
    plates: list[tuple[NDArray[np.float32], float]] = []
    while len(order) and len(plates) < most:
        best = order[0]
        sides = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        shared = np.prod(np.maximum(sides, 0), axis=1) / np.minimum(areas[best], areas[order])
        is_same = shared >= share
        is_same[0] = True
        members = order[is_same]
        weights = scores[members] ** 2
        quad = (quads[members] * weights[:, None, None]).sum(axis=0) / weights.sum()
        plates.append((quad.astype(np.float32), float(scores[best])))
        order = order[~is_same]
    return plates

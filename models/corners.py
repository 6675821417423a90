"""Plates found with their four corners, by our own detector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.picture import Fit, check, input_shape, letterbox
from models.ports import Image, PlateDetection
from models.session import Session, SessionOptions, chunks
from models.yolo import DetectorOptions

STRIDE: Final = 8
"""Pixels of the input a cell of the network's grid."""


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
        if list(self._session.inputs) != ["pictures"]:
            raise ModelError(f"plate detector: takes {list(self._session.inputs)}, not `pictures`: no corner detector")

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        """Plates of each picture, best first, after suppression; ``size`` overrides the options' long side."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            groups[input_shape(check(image), size or self.options.size, 32)].append(index)
        found: list[list[PlateDetection]] = [[] for _ in images]
        for shape, members in groups.items():
            for part in chunks(len(members), self._session.options.max_batch):
                indices = [members[i] for i in part]
                pictures = np.empty((len(indices), *shape, 3), np.uint8)
                fits = [letterbox(images[i], *shape, out=pictures[row]) for row, i in enumerate(indices)]
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

"""Two views of a plate for the reader: as it stands in the frame, and seen from straight ahead by its corners.

Which one reads better can't be told beforehand: corners may be a pixel off where a box is not, and a slanted plate
reads badly in its box. So both are read, and the more legible is the plate's reading (docs/models.md has what each
gives); a pass is fused from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.ports import CornerFinder, Image, PlateDetection, PlateReader, Reading
from passes.crops import Crop, rectified

_TIGHT: Final = 0.5
"""Corners lie on the plate's edge, boxes mostly outside it: a rectified view has this share of the margin."""


class Viewed(NamedTuple):
    """A plate's reading, the view it comes from, and what the less legible view was read as, if there is one."""

    reading: Reading
    picture: Image
    others: tuple[Reading, ...]


def read_views(
    reader: PlateReader,
    frame: Image,
    plates: Sequence[PlateDetection],
    crops: Sequence[Crop],
    margin: float,
    finder: CornerFinder | None = None,
) -> list[Viewed]:
    """Read ``plates`` of ``frame``, whose upright crops are ``crops``, all views in one batch.

    ``finder`` looks for the corners in the frame's own pixels; without one those of the detections are taken, if any.
    """
    corners: Sequence[NDArray[np.float32] | None] = [plate.corners for plate in plates]
    if finder is not None:
        seen = finder.find(frame, [plate.box for plate in plates])
        corners = [new if new is not None else known for new, known in zip(seen, corners, strict=True)]
    views = [
        [crop.picture] if quad is None else [crop.picture, rectified(frame, quad, margin * _TIGHT)]
        for crop, quad in zip(crops, corners, strict=True)
    ]
    readings = iter(reader.read([view for some in views for view in some]))
    best = []
    for some in views:
        read = sorted(((next(readings), view) for view in some), key=lambda one: -one[0].legibility)
        best.append(Viewed(*read[0], tuple(reading for reading, _ in read[1:])))
    return best

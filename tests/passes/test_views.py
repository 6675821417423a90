"""A plate is read as it stands and seen from straight ahead; the more legible view counts."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from index.read import Box
from models.ports import Image, PlateDetection, Reading
from passes.crops import cut
from passes.views import read_views
from tests.fixtures.records import posterior_of

SLANTED = np.array([(40, 30), (120, 60), (120, 84), (40, 54)], np.float32)
BOX = Box(40, 30, 80, 54)


def _frame() -> Image:
    """A plate that is white in its upper half and black in its lower, on grey, slanted."""
    plate = np.full((24, 80, 3), 255, np.uint8)
    plate[12:] = 0
    corners = np.array([(0, 0), (80, 0), (80, 24), (0, 24)], np.float32)
    turn = cv2.getPerspectiveTransform(corners, SLANTED)
    frame = np.full((120, 160, 3), 128, np.uint8)
    return np.asarray(
        cv2.warpPerspective(plate, turn, (160, 120), dst=frame, borderMode=cv2.BORDER_TRANSPARENT), np.uint8
    )


class _Level:
    """Reads how level a crop is: legible when its upper half is white and its lower black."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        self.batches.append(len(crops))
        readings = []
        for crop in crops:
            middle = crop.shape[0] // 2
            level = (float(crop[:middle].mean()) - float(crop[middle:].mean())) / 255
            readings.append(Reading(posterior_of("A"), max(level, 0.0), None, None, 1))
        return readings


class _Finder:
    def __init__(self, corners: NDArray[np.float32] | None) -> None:
        self.corners = corners

    def find(self, frame: Image, boxes: Sequence[Box]) -> list[NDArray[np.float32] | None]:
        return [self.corners for _ in boxes]


def test_a_slanted_plate_is_read_upright_by_its_corners() -> None:
    frame, reader = _frame(), _Level()
    plates = [PlateDetection(BOX, 0.9, None)] * 2
    crops = [cut(frame, plate.box, None, 0.1) for plate in plates]
    views = read_views(reader, frame, plates, crops, 0.1, _Finder(SLANTED))
    assert reader.batches == [4], "all views in one batch"
    for reading, picture, (other,) in views:
        assert reading.legibility > 0.8 > other.legibility
        assert picture.shape[1] / picture.shape[0] == pytest.approx(85 / 26, rel=0.15), "as long as the plate itself"


def test_the_view_as_it_stands_counts_where_corners_mislead_or_are_not_known() -> None:
    frame, reader = _frame(), _Level()
    plate = PlateDetection(BOX, 0.9, None)
    crop = cut(frame, BOX, None, 0.1)
    (alone,) = read_views(reader, frame, [plate], [crop], 0.1)
    assert alone.picture is crop.picture
    assert not alone.others
    (unfound,) = read_views(reader, frame, [plate], [crop], 0.1, _Finder(None))
    assert unfound.picture is crop.picture
    upside_down = SLANTED[[2, 3, 0, 1]]
    (misled,) = read_views(reader, frame, [plate], [crop], 0.1, _Finder(upside_down))
    assert misled.picture is crop.picture
    (known,) = read_views(reader, frame, [PlateDetection(BOX, 0.9, SLANTED)], [crop], 0.1)
    assert known.reading.legibility > 0.8, "a detector's own corners serve as well"

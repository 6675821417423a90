"""Finding plates in a frame: moving parts finely, the whole frame now and then."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from index.read import Box
from models.ports import Image, PlateDetection, PlateDetector
from passes.options import LookOptions
from passes.regions import Background, Region, merged, thinning
from video.frame import Frame


class Lookout:
    """Looks for plates in one camera's frames. ``cost_px`` counts the pixels given to the detector so far."""

    def __init__(self, detector: PlateDetector, options: LookOptions) -> None:
        self._detector = detector
        self._options = options
        self._background = Background()
        self._swept_t: float | None = None
        self._seen_t: float | None = None
        self.cost_px = 0
        self._moving: list[Region] = []

    def find(self, frame: Frame, expected: Sequence[Region]) -> list[PlateDetection]:
        """Plates of the frame, best first, each once. ``expected``: where tracked plates should be now."""
        step = thinning(frame.size[0])
        if self._seen_t is not None and not 0 <= frame.t - self._seen_t <= 5.0:
            self._background.forget()
        self._seen_t = frame.t
        moving = self._background.moving(frame.luma(step), step)
        self._moving = moving or []
        options = self._options
        due = self._swept_t is None or not 0 <= frame.t - self._swept_t < options.sweep_every_s
        if moving is None:
            return self._whole(frame, options.crowded_side_px)
        unseen = [e for e in expected if not any(m.holds_middle(e) for m in moving)]
        regions = merged([*moving, *unseen], frame.size)
        sides = [self._side(r) for r in regions]
        cost = sum(_pixels(r.width, r.height, side) for r, side in zip(regions, sides, strict=True))
        if cost > _pixels(*frame.size, options.crowded_side_px):
            return self._whole(frame, options.crowded_side_px)
        found = self._whole(frame, options.whole_side_px) if due else []
        if regions:
            picture = frame.bgr()
            for region, side in zip(regions, sides, strict=True):
                found += self._in_region(picture, region, side)
        return distinct(found)

    def is_moving(self, box: Box) -> bool:
        """Whether something moves where ``box`` lies in the frame looked at last."""
        x, y = box.x + box.w / 2, box.y + box.h / 2
        return any(r.left <= x <= r.right and r.top <= y <= r.bottom for r in self._moving)

    def _whole(self, frame: Frame, side: int) -> list[PlateDetection]:
        self._swept_t = frame.t
        return distinct(self._in_region(frame.bgr(), Region(0, 0, *frame.size), min(side, max(frame.size))))

    def _side(self, region: Region) -> int:
        """Long side of the region's picture as the detector shall see it: a multiple of 32."""
        options = self._options
        side = min(options.region_scale * max(region.width, region.height), options.region_side_px)
        return max(96, round(side / 32) * 32)

    def _in_region(self, picture: Image, region: Region, side: int) -> list[PlateDetection]:
        self.cost_px += _pixels(region.width, region.height, side)
        return find_in(self._detector, picture, region, side, self._options.min_score)


def find_in(
    detector: PlateDetector, picture: Image, region: Region, side: int, min_score: float
) -> list[PlateDetection]:
    """Plates in a part of ``picture`` shown to the detector at ``side`` pixels on its long side; boxes in the whole."""
    part = picture[region.top : region.bottom, region.left : region.right]
    scale = side / max(region.width, region.height)
    if scale < 1:  # by area: the detector's own scaling drops pixels, which blurs no less but loses thin strokes
        shape = (max(1, round(region.width * scale)), max(1, round(region.height * scale)))
        part = np.asarray(cv2.resize(part, shape, interpolation=cv2.INTER_AREA), np.uint8)
    back_x, back_y = region.width / part.shape[1], region.height / part.shape[0]
    found = []
    for plate in detector.detect([np.ascontiguousarray(part)], side)[0]:
        if plate.score < min_score:
            continue
        x, y, w, h = plate.box
        corners = plate.corners
        if corners is not None:
            corners = (corners * (back_x, back_y) + (region.left, region.top)).astype(np.float32)
        box = Box(region.left + x * back_x, region.top + y * back_y, w * back_x, h * back_y)
        found.append(PlateDetection(box, plate.score, corners))
    return found


def distinct(found: Sequence[PlateDetection]) -> list[PlateDetection]:
    """Detections best first, without those that stand on a better one (regions overlap)."""
    kept: list[PlateDetection] = []
    for plate in sorted(found, key=lambda p: -p.score):
        if all(cover(plate.box, other.box) < 0.4 for other in kept):
            kept.append(plate)
    return kept


def cover(one: Box, other: Box) -> float:
    """Share of the smaller box that lies in the other."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(w, 0.0) * max(h, 0.0) / max(min(one.w * one.h, other.w * other.h), 1e-6)


def _pixels(width: int, height: int, side: int) -> int:
    scale = side / max(width, height)
    return int(width * scale) * int(height * scale)

"""Finding plates in a frame: followed ones where they must be, moving parts finely, the whole frame now and then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from index.read import Box
from models.ports import Image, PlateDetection, PlateDetector
from passes.crops import shrunk
from passes.options import LookOptions
from passes.regions import Background, Followed, Region, margin, merged, thinning
from video.frame import Frame

_EXPLAINED = 1.3
"""Times the area of its vehicles that a moving region may have to be explained by them."""
_TWO = 2.0
"""Times the area of its vehicles from which a moving region may hold another: it has light and shadow of theirs too."""
_WIDE, _HIGH = 2.0, 1.0
"""Plate widths that a vehicle's moving part measures at least: less than the half of any vehicle."""
_FLATTEST = 5.0
"""Width of a plate to its height, at most."""
_SOON_S = 0.01
_PAST_S = 2.5
"""How long a search is remembered."""
_SAME_PLACE = 0.45
"""Intersection over union from which two regions are one place: what moves on the road soon leaves it."""
_PASSED_ON = 0.05
"""The same for a region whose vehicles are followed: it has moved on with them."""


class Looked(NamedTuple):
    """What was found in a frame, and where it was looked."""

    plates: list[PlateDetection]
    """Best first, each once."""
    regions: list[Region]


class _Search(NamedTuple):
    region: Region
    side: int
    """Long side of the region's picture as the detector shall see it: a multiple of 32."""
    near_side: int | None = None
    """The same for the detector that looks for plates whose place is known; None where it is not."""


class _PastSearch(NamedTuple):
    region: Region
    t: float
    in_vain: int
    """How many searches of this place in a row have found nothing."""


class Lookout:
    """Looks for plates in one camera's frames. ``cost_px`` counts the pixels given to the detector so far."""

    def __init__(
        self,
        detector: PlateDetector,
        options: LookOptions,
        near: PlateDetector | None = None,
        least_plate_px: float = 0.0,
    ) -> None:
        """``near``: a cheaper detector, asked first for plates whose place is known. ``least_plate_px``: width of the
        smallest plate worth finding."""
        self._detector = detector
        self._near = near
        self._least_plate_px = least_plate_px
        self._options = options
        self._background = Background()
        self._watched_s = 0.0
        self._swept_s: float | None = None
        """Watched time at the last sweep."""
        self._past: list[_PastSearch] = []
        self._seen_t: float | None = None
        self.cost_px = 0
        self.is_explained = False
        """Whether all that moved in the last frame was vehicles followed, or nothing that could carry a plate."""
        self._moving: list[Region] = []

    def find(self, frame: Frame, followed: Sequence[Followed]) -> Looked:
        """Plates of the frame, as far as it is looked at; ``followed``: the plates known already."""
        options = self._options
        step = thinning(frame.size[0])
        gap_s = 0.0 if self._seen_t is None else frame.t - self._seen_t
        if not 0 <= gap_s <= options.forget_s:
            self._background.forget()
        self._watched_s += min(max(gap_s, 0.0), 1.0)
        self._seen_t = frame.t
        moving = self._background.moving(frame.luma(step), step)
        self._moving = moving or []
        self.is_explained = moving is not None
        if moving is None and (self._swept_s is None or self._watched_s - self._swept_s > 1.0):
            return self._whole(frame, options.crowded_side_px)
        searches = self._searches(frame, moving or [], followed)
        cost = sum(_pixels(s.region.width, s.region.height, s.side) for s in searches)
        if cost > _pixels(*frame.size, options.crowded_side_px):
            return self._whole(frame, options.crowded_side_px)
        is_sweep = self._swept_s is None or self._watched_s - self._swept_s >= options.sweep_every_s
        if is_sweep:
            whole = self._whole(frame, options.whole_side_px)
        found, looked = (whole.plates, whole.regions) if is_sweep else ([], [])
        for search in searches:
            plates = self._search(frame.bgr(search.region), search)
            self._note_search(search.region, frame.t, is_vain=not plates)
            found += plates
        return Looked(distinct(found), [*looked, *(search.region for search in searches)])

    def is_moving(self, box: Box) -> bool:
        """Whether something moves where ``box`` lies in the frame looked at last."""
        x, y = box.x + box.w / 2, box.y + box.h / 2
        return any(r.left <= x <= r.right and r.top <= y <= r.bottom for r in self._moving)

    def _searches(self, frame: Frame, moving: Sequence[Region], followed: Sequence[Followed]) -> list[_Search]:
        """What is worth looking at: moving parts when their time has come, and followed plates outside them."""
        options = self._options
        wide: list[Region] = []
        edge = margin(frame.size[0])
        for region in moving:
            inside = [one for one in followed if region.holds_middle(one.place)]
            if not inside and not self._may_carry(region, edge, frame.size):
                continue
            if not (_covers(followed, region, edge) or self._is_bare(region, frame.t)):
                self.is_explained = False
            if any(one.near is None and one.is_due for one in inside):
                wide.append(region)  # a vehicle just come, whose next place nobody knows
                continue
            is_explained = _explains(inside, region, edge)
            past = self._past_search(region, frame.t, _PASSED_ON if is_explained else _SAME_PLACE)
            if past is None:
                wide.append(region)
                continue
            wait_s = options.search_every_s * 2.0 ** min(past.in_vain, 4)
            if is_explained:
                wait_s = options.explained_every_s
            if frame.t - past.t >= min(wait_s, options.explained_every_s) - _SOON_S:
                wide.append(region)
        alone = [one for one in followed if not any(region.holds_middle(one.place) for region in moving)]
        wide = merged([*wide, *(one.place for one in alone if one.near is None and one.is_due)], frame.size)
        hard = [one.place for one in followed if one.is_hard]
        searches = [
            _Search(region, self._side(region, is_fine=any(region.holds_middle(place) for place in hard)))
            for region in wide
        ]
        for one in followed:
            near = one.near if one.is_due else None
            if near is None or min(near.width, near.height) < 8 or any(region.holds_middle(near) for region in wide):
                continue
            sides = [_near_side(near, one.width, px) for px in (options.near_plate_px, options.near_fine_px)]
            searches.append(_Search(near, *sides))
        return searches

    def _may_carry(self, region: Region, edge: int, size: tuple[int, int]) -> bool:
        """Whether what moves in a region, which is ``edge`` px wider and higher than that, may be a vehicle whose plate
        can be read. Of one at the edge of the frame nothing but the plate need be in view."""
        plate = self._least_plate_px
        is_whole = region.left > 0 and region.top > 0 and region.right < size[0] and region.bottom < size[1]
        wide, high = (_WIDE * plate, _HIGH * plate) if is_whole else (plate, plate / _FLATTEST)
        return region.width >= wide + edge and region.height >= high + edge

    def _is_bare(self, region: Region, t: float) -> bool:
        """Whether what moves in a region stays at its place, and was searched in vain more than once."""
        past = self._past_search(region, t)
        return past is not None and past.in_vain > 1

    def _past_search(self, region: Region, t: float, least: float = _SAME_PLACE) -> _PastSearch | None:
        """The last search of the same place, give or take; None where there was none lately."""
        self._past = [past for past in self._past if t - past.t <= _PAST_S]
        alike = [past for past in self._past if _overlap(past.region, region) > least]
        return max(alike, key=lambda past: past.t, default=None)

    def _note_search(self, region: Region, t: float, *, is_vain: bool) -> None:
        past = self._past_search(region, t)
        if past is not None:
            self._past.remove(past)
        in_vain = past.in_vain + 1 if past is not None and is_vain else int(is_vain)
        self._past.append(_PastSearch(region, t, in_vain))

    def _whole(self, frame: Frame, side: int) -> Looked:
        self._swept_s = self._watched_s
        region = Region(0, 0, *frame.size)
        return Looked(distinct(self._in_region(frame.bgr(), region, min(side, max(frame.size)))), [region])

    def _side(self, region: Region, *, is_fine: bool) -> int:
        options = self._options
        longest = options.fine_side_px if is_fine else options.region_side_px
        side = min(options.region_scale * max(region.width, region.height), longest)
        return max(96, round(side / 32) * 32)

    def _search(self, picture: Image, search: _Search) -> list[PlateDetection]:
        region, side = search.region, search.near_side
        if self._near is not None and side is not None:
            self.cost_px += _pixels(region.width, region.height, side)
            plates = find_in(self._near, picture, region, side, self._options.near_score)
            if plates:
                return plates[:1]
        return self._in_region(picture, region, search.side)

    def _in_region(self, picture: Image, region: Region, side: int) -> list[PlateDetection]:
        self.cost_px += _pixels(region.width, region.height, side)
        return find_in(self._detector, picture, region, side, self._options.min_score)


def _near_side(near: Region, width: float, plate_px: int) -> int:
    """Long side at which a plate ``width`` px wide is ``plate_px`` wide in its near region, or as wide as it is."""
    longest = max(near.width, near.height)
    return max(96, round(longest * min(1.0, plate_px / width) / 32 + 0.4) * 32)


def find_in(
    detector: PlateDetector, picture: Image, region: Region, side: int, min_score: float
) -> list[PlateDetection]:
    """Plates in a part of ``picture`` shown to the detector at ``side`` pixels on its long side; boxes in the whole."""
    part = picture[region.top : region.bottom, region.left : region.right]
    scale = side / max(region.width, region.height)
    if scale < 1:
        part = shrunk(part, scale)
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


def _explains(inside: Sequence[Followed], region: Region, edge: int) -> bool:
    """Whether followed vehicles are all that moves in a region, which is ``edge`` px wider and higher than that."""
    extents = [one.vehicle for one in inside if one.near is not None and one.vehicle is not None]
    if not inside or len(extents) < len(inside):
        return False
    return region.area <= _EXPLAINED * sum((extent.width + edge) * (extent.height + edge) for extent in extents)


def _covers(followed: Sequence[Followed], region: Region, edge: int) -> bool:
    """Whether followed vehicles, each with the ``edge`` px of a moving region, take so much of a region that no other
    of their size moves there; their plates may have left the frame."""
    covered = 0
    for extent in (one.extent for one in followed):
        w = min(extent.right + edge, region.right) - max(extent.left - edge, region.left)
        h = min(extent.bottom + edge, region.bottom) - max(extent.top - edge, region.top)
        covered += max(w, 0) * max(h, 0)
    return region.area < _TWO * covered


def _overlap(one: Region, other: Region) -> float:
    """Intersection over union."""
    w = min(one.right, other.right) - max(one.left, other.left)
    h = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(w, 0) * max(h, 0)
    return shared / max(one.area + other.area - shared, 1)


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

"""The vehicle around a plate: where it is looked for, and which of those found it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.read import Box
from models.ports import Image, VehicleDetection, VehicleDetector
from passes.crops import shrunk
from passes.regions import Region

_LOOK_PX = 256
"""Longest side of a plate's surroundings given to the vehicle detector, pixels."""
_ASIDE, _ABOVE, _BELOW = 3.4, 4.4, 1.8
"""Reach of a vehicle from its plate's centre, in half metres: a lorry's cab fits."""
_ONE_LINE = 2.4
"""Plates wider than this times their height have one line and are about half a metre wide; others a third."""


def unit(plate: Box) -> float:
    """Pixels of about half a metre at the plate's distance."""
    return plate.w if plate.w > _ONE_LINE * plate.h else 1.7 * plate.w


def surroundings(plate: Box, size: tuple[int, int]) -> Region:
    """Where the vehicle of a plate can be, in a frame of ``size``: three metres across, more above than below."""
    half_metre = unit(plate)
    x, y = plate.x + plate.w / 2, plate.y + plate.h / 2
    return Region(
        max(int(x - _ASIDE * half_metre), 0),
        max(int(y - _ABOVE * half_metre), 0),
        min(int(x + _ASIDE * half_metre) + 1, size[0]),
        min(int(y + _BELOW * half_metre) + 1, size[1]),
    )


def share_in_view(plate: Box, size: tuple[int, int]) -> float:
    """Share of a plate's surroundings that lies in a frame of ``size``, 0-1."""
    half_metre = unit(plate)
    region = surroundings(plate, size)
    return min(max(region.width, 0) * max(region.height, 0) / (2 * _ASIDE * (_ABOVE + _BELOW) * half_metre**2), 1.0)


def find_vehicles(detector: VehicleDetector, frame: Image, plates: Sequence[Box]) -> list[VehicleDetection | None]:
    """The vehicle of each plate, its box in pixels of ``frame``; None where none was found."""
    size = (frame.shape[1], frame.shape[0])
    regions = [surroundings(plate, size) for plate in plates]
    parts, scales = [], []
    for region in regions:
        part = frame[region.top : region.bottom, region.left : region.right]
        scale = min(_LOOK_PX / max(region.width, region.height), 1.0)
        if scale < 1:
            part = shrunk(part, scale)
        parts.append(np.ascontiguousarray(part))
        scales.append(scale)
    found: list[VehicleDetection | None] = []
    for plate, region, scale, seen in zip(plates, regions, scales, detector.detect(parts), strict=True):
        moved = [
            VehicleDetection(
                Box(region.left + v.box.x / scale, region.top + v.box.y / scale, v.box.w / scale, v.box.h / scale),
                v.score,
                v.kind,
            )
            for v in seen
        ]
        found.append(owner(plate, moved))
    return found


def owner(plate: Box, vehicles: Sequence[VehicleDetection]) -> VehicleDetection | None:
    """The vehicle that carries ``plate``: it holds its centre, not in its top third; the surest, then the smallest."""
    x, y = plate.x + plate.w / 2, plate.y + plate.h / 2
    holding = [
        v
        for v in vehicles
        if v.box.x <= x <= v.box.x + v.box.w
        and v.box.y + v.box.h / 3 <= y <= v.box.y + v.box.h
        and v.box.w > 1.2 * plate.w
    ]
    return max(holding, key=lambda v: (round(v.score, 1), -v.box.w * v.box.h), default=None)


def shown_part(plate: Box, vehicle: Box | None, size: tuple[int, int]) -> Region:
    """The part of a frame of ``size`` that a portrait shows."""
    if vehicle is None:
        return surroundings(plate, size)
    edge = 0.06 * vehicle.w
    return Region(
        max(int(min(vehicle.x - edge, plate.x)), 0),
        max(int(min(vehicle.y - edge, plate.y)), 0),
        min(int(max(vehicle.x + vehicle.w + edge, plate.x + plate.w)) + 1, size[0]),
        min(int(max(vehicle.y + vehicle.h + edge, plate.y + plate.h)) + 1, size[1]),
    )


def portrait(frame: Image, plate: Box, vehicle: Box | None, longest: int) -> tuple[Image, tuple[int, int], float]:
    """A copy of the vehicle's part of ``frame`` (the plate's surroundings without one), at most ``longest`` px long.

    Returns the picture, its origin in the frame, and its scale.
    """
    region = shown_part(plate, vehicle, (frame.shape[1], frame.shape[0]))
    part = frame[region.top : region.bottom, region.left : region.right]
    scale = min(longest / max(part.shape[:2]), 1.0)
    if scale < 1:
        return shrunk(part, scale), (region.left, region.top), scale
    return part.copy(), (region.left, region.top), scale

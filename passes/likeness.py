"""What is kept of a vehicle's looks: its paint's name and, where a describer runs, a vector. Of the vehicle alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from index.appearance import pack_appearance
from index.read import Box, PlateRead
from models.appearance import paint
from models.ports import Image, VehicleDescriber

_LEAST_PX: Final = 48
"""Vehicles smaller than this in the picture are not described."""


def described(
    read: PlateRead, picture: Image, origin: tuple[int, int], scale: float, describer: VehicleDescriber | None
) -> PlateRead:
    """``read`` with the colour and the appearance of its vehicle; as it is where no vehicle was found around the plate.

    ``picture`` shows the vehicle, from ``origin`` in the frame, at ``scale`` pixels to the frame's. What lies outside
    the vehicle's box, people at the roadside too, is cut off before anything looks at it.
    """
    if read.vehicle_box is None:
        return read
    alone, plate = vehicle_alone(picture, origin, scale, read.vehicle_box, read.plate_box)
    colour, appearance = looks_of(alone, plate, describer)
    return replace(read, vehicle_colour=colour, appearance=appearance)


def looks_of(alone: Image, plate: Box | None, describer: VehicleDescriber | None) -> tuple[str | None, bytes | None]:
    """The name of the paint and the packed appearance of a vehicle cut out alone; of one too small, neither."""
    if min(alone.shape[:2]) < _LEAST_PX:
        return None, None
    vector = None if describer is None else describer.describe([alone], [plate])[0]
    return paint(alone, plate), None if vector is None or not np.any(vector) else pack_appearance(vector)


def vehicle_alone(
    picture: Image, origin: tuple[int, int], scale: float, vehicle: Box, plate: Box | None
) -> tuple[Image, Box | None]:
    """The vehicle's box cut out of the picture, and the plate's box in it; boxes are given in pixels of the frame."""
    left = max(int((vehicle.x - origin[0]) * scale), 0)
    top = max(int((vehicle.y - origin[1]) * scale), 0)
    right = max(int(np.ceil((vehicle.x + vehicle.w - origin[0]) * scale)), left)
    bottom = max(int(np.ceil((vehicle.y + vehicle.h - origin[1]) * scale)), top)
    alone = picture[top:bottom, left:right]
    if plate is None:
        return alone, None
    x, y = (plate.x - origin[0]) * scale - left, (plate.y - origin[1]) * scale - top
    return alone, Box(x, y, plate.w * scale, plate.h * scale)

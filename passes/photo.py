"""The vehicles of a photo that someone gives: each with its plate's reading and its looks, as a region's passes have.

Looks are of the vehicle alone: what lies outside its box is cut off, its plate and any face are painted over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from index.read import Box, Posterior
from models.appearance import masked
from models.ports import Image, PlateReader
from passes.crops import shrunk
from passes.likeness import looks_of, vehicle_alone
from passes.look import cover
from passes.options import PassOptions
from passes.pipeline import Detectors
from passes.stills import is_unread, read_still
from passes.surroundings import owner
from video.redaction import FindFaces

_SAME: Final = 0.6
"""Share of the smaller box that two boxes of one vehicle have in common."""
_PLATE_AREA: Final = 40.0
"""Of a vehicle in areas of its plate, where the vehicle around it was not found."""


@dataclass(frozen=True, slots=True)
class PhotoModels:
    """What looks at photos. ``faces`` goes with ``detectors.looks``: nothing is described with a face in it."""

    detectors: Detectors
    reader: PlateReader
    faces: FindFaces | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A vehicle of a photo; boxes in its pixels."""

    vehicle: Box | None
    """None where only its plate was found."""
    kind: str | None = None
    colour: str | None = None
    plate: Box | None = None
    reading: Posterior | None = None
    """None where it shows no plate that can be read."""
    appearance: bytes | None = None

    @property
    def area(self) -> float:
        if self.vehicle is not None:
            return self.vehicle.w * self.vehicle.h
        return 0.0 if self.plate is None else _PLATE_AREA * self.plate.w * self.plate.h


def find_shown(picture: Image, models: PhotoModels, options: PassOptions | None = None) -> list[Shown]:
    """The vehicles of ``picture``, the largest first."""
    options = options or PassOptions()
    detectors = models.detectors
    plain = Detectors(detectors.plates, detectors.vehicles, corners=detectors.corners)
    seen = detectors.vehicles.detect([picture])[0] if detectors.vehicles else []
    found: list[Shown] = []
    for read in (one.read for one in read_still(picture, plain, models.reader, options)):
        around = owner(read.plate_box, seen) if read.vehicle_box is None else None
        vehicle, kind = (around.box, around.kind) if around else (read.vehicle_box, read.vehicle_type)
        reading = None if is_unread(read, options) else read.posterior
        is_known = any(_is_same(vehicle, other.vehicle) for other in found)
        if not is_known and (vehicle is not None or reading is not None):
            found.append(Shown(vehicle, kind, None, read.plate_box, reading))
    for one in seen:
        if not any(_is_same(one.box, other.vehicle) for other in found):
            found.append(Shown(one.box, one.kind))
    described = [_described(picture, one, models, options.picture_side_px) for one in found]
    return sorted(described, key=lambda one: -one.area)


def _is_same(one: Box | None, other: Box | None) -> bool:
    return one is not None and other is not None and max(cover(one, other), cover(other, one)) > _SAME


def _described(picture: Image, shown: Shown, models: PhotoModels, longest_px: int) -> Shown:
    if shown.vehicle is None:
        return shown
    alone, plate = vehicle_alone(picture, (0, 0), 1.0, shown.vehicle, shown.plate)
    if alone.size == 0:
        return shown
    scale = min(longest_px / max(alone.shape[:2]), 1.0)
    if scale < 1:
        alone = shrunk(alone, scale)
        plate = None if plate is None else Box(*(scale * side for side in plate))
    for face in models.faces([alone])[0] if models.faces else []:
        alone = masked(alone, face)
    colour, appearance = looks_of(alone, plate, models.detectors.looks)
    return Shown(shown.vehicle, shown.kind, colour, shown.plate, shown.reading, appearance)

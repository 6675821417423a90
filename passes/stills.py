"""Still pictures: every plate found is a pass of its own, without a time."""

from __future__ import annotations

from index.read import PlateRead
from models.ports import Image, PlateDetection, PlateReader
from passes.crops import cut
from passes.likeness import described
from passes.look import cover, distinct, find_in
from passes.naming import named
from passes.options import PassOptions
from passes.pipeline import Detectors
from passes.record import Pass
from passes.regions import Region
from passes.surroundings import find_vehicles, portrait
from passes.track import place_id
from passes.views import read_views


def read_still(
    picture: Image,
    detectors: Detectors,
    reader: PlateReader,
    options: PassOptions | None = None,
    camera_id: str = "still",
) -> list[Pass]:
    """The plates of ``picture``, the surest detection first."""
    options = options or PassOptions()
    plates = find_plates(picture, detectors, options)
    if not plates:
        return []
    crops = [cut(picture, p.box, p.corners, options.read.margin) for p in plates]
    views = read_views(reader, picture, plates, crops, options.read.margin, detectors.corners)
    boxes = [p.box for p in plates]
    vehicles = find_vehicles(detectors.vehicles, picture, boxes) if detectors.vehicles else [None] * len(plates)
    size = (picture.shape[1], picture.shape[0])
    passes = []
    for plate, (reading, crop, _), vehicle in zip(plates, views, vehicles, strict=True):
        box = vehicle.box if vehicle else None
        country, format_ = named(reading.posterior.text, reading.country, reading.format)
        seen, origin, scale = portrait(picture, plate.box, box, options.picture_side_px)
        read = PlateRead(
            camera_id=camera_id,
            pass_id=place_id(0, plate.box, size),
            posterior=reading.posterior,
            legibility=reading.legibility,
            country=country,
            format=format_,
            lines=reading.lines,
            frames_read=1,
            plate_box=plate.box,
            vehicle_box=box,
            vehicle_type=vehicle.kind if vehicle else None,
            t_in=None,
            t_out=None,
            best_t=None,
            seen_at=None,
        )
        read = described(read, seen, origin, scale, detectors.looks)
        passes.append(Pass(read, crop.copy(), seen, origin, scale, reading.posterior))
    return passes


def find_plates(picture: Image, detectors: Detectors, options: PassOptions) -> list[PlateDetection]:
    """Plates of a picture at the scales of the options; a finer scale is skipped where it shows nothing finer."""
    height, width = picture.shape[:2]
    found: list[PlateDetection] = []
    for number, side in enumerate(options.still_sides_px):
        if number and max(width, height) < 0.8 * side:
            break
        least = options.still_extra_score if number else options.look.min_score
        seen = find_in(detectors.plates, picture, Region(0, 0, width, height), side, least)
        # a near plate's box is best at the first scale, whatever its score
        found += [plate for plate in distinct(seen) if all(cover(plate.box, known.box) < 0.4 for known in found)]
    return sorted(found, key=lambda plate: -plate.score)


def is_unread(read: PlateRead, options: PassOptions) -> bool:
    """Whether a still's plate was found but not read."""
    characters = read.posterior.characters
    return (
        read.legibility < options.read.min_legibility
        or len(characters) < options.read.min_characters
        or sum(characters) / len(characters) < options.read.min_certainty
    )

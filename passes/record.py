"""A pass with the pictures it was read from, and what a pipeline counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from index.read import PlateRead, Posterior
from models.ports import Image


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One vehicle crossing one camera's view: its read, and the pictures of the frame that was read best.

    An early report (``read.closed`` False) and the final one of the same pass share ``read.pass_id``.
    """

    read: PlateRead
    plate_picture: Image
    """The crop that was read best, ``(h, w, 3) uint8`` BGR, loosened; rectified where that view read better."""
    vehicle_picture: Image
    """The vehicle (or the plate's surroundings) in the same frame, ``(h, w, 3) uint8`` BGR."""
    picture_origin: tuple[int, int]
    """Where the vehicle picture's upper left pixel lies in the full frame, in full-frame pixels."""
    picture_scale: float
    """Pixels of the vehicle picture per pixel of the full frame."""
    single: Posterior
    """What that frame alone was read as."""


@dataclass(slots=True)
class PassCounts:
    """What a pipeline has seen so far: nothing seen is left uncounted."""

    frames: int = 0
    """Frames given to the pipeline."""
    frames_detected: int = 0
    """Frames in which plates were looked for."""
    passes: int = 0
    """Passes closed with a reading."""
    unread: int = 0
    """Passes closed whose plate was seen but could not be read."""
    repeated: int = 0
    """Tracks found to be a pass that had been closed shortly before: the same vehicle, not counted again."""
    static: int = 0
    """Tracks that never moved and stood on no vehicle: writing on walls and signs."""
    crops_read: int = 0
    searched_px: int = 0
    """Pixels given to the plate detector."""
    unread_by_reason: dict[str, int] = field(default_factory=dict)
    """Why plates were not read: ``small``, ``illegible``, ``short``."""

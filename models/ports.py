"""The ports behind which neural models stand: batches in, frozen results out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.read import Box, Posterior

Image = NDArray[np.uint8]
"""A picture, ``(H, W, 3) uint8`` BGR."""


@dataclass(frozen=True, slots=True)
class VehicleDetection:
    """A vehicle found in a picture. ``kind``: car, truck, bus, motorcycle."""

    box: Box
    score: float
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class PlateDetection:
    """A plate found in a picture, with its corners where the detector knows them."""

    box: Box
    score: float
    corners: NDArray[np.float32] | None
    """``(4, 2)`` pixels, clockwise from the plate's own upper left; None from detectors that give boxes only."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a reader says of one plate crop."""

    posterior: Posterior
    legibility: float
    """Probability that the crop can be read, 0-1; readers without such an output derive it from the posterior."""
    country: str | None
    format: str | None
    lines: int


class VehicleDetector(Protocol):
    def detect(self, images: Sequence[Image]) -> list[list[VehicleDetection]]:
        """Vehicles of each picture, best first, after suppression of overlaps; boxes in the picture's own pixels."""


class PlateDetector(Protocol):
    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        """Plates of each picture, best first, after suppression of overlaps; boxes in the picture's own pixels.

        ``size``: long side in pixels, a multiple of 32, to which pictures are scaled for this call; the detector's own
        when None. Detectors frozen to one size may leave it aside.
        """


class CornerFinder(Protocol):
    @property
    def detector(self) -> PlateDetector:
        """What it looks with: cheap enough to be asked for plates whose place is known."""

    def find(self, frame: Image, boxes: Sequence[Box]) -> list[NDArray[np.float32] | None]:
        """Corners ``(4, 2)`` px of the plates known to stand in ``boxes``, clockwise from each plate's own upper left.

        None where none were found.
        """


class PlateReader(Protocol):
    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of plate crops (any sizes), in their order. A crop that can't be read has a low legibility."""


class FaceDetector(Protocol):
    def detect(self, images: Sequence[Image]) -> list[list[Box]]:
        """Faces of each picture, for blurring and for nothing else."""


class VehicleDescriber(Protocol):
    def describe(self, vehicles: Sequence[Image], plates: Sequence[Box | None]) -> NDArray[np.float32]:
        """What each vehicle looks like, ``(N, index.appearance.DIMENSIONS)``; its plate, whose box in the picture is
        given, is painted over first."""

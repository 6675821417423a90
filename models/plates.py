"""Plates found by a YOLO detector: in whole frames, or in the crops of vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.ports import Image, PlateDetection
from models.runtime.session import SessionOptions
from models.yolo import DetectorOptions, Yolo


class YoloPlateDetector:
    """A ``PlateDetector``. One loaded model serves any size.

    What decides is how wide a plate stands before the network: from 30 px on it is nearly always found, below 20 px
    seldom (measured, docs/models.md). Of whole 1080p frames that is 640 for plates of 90 px and more, 960 for 60 px.
    Parts of a frame where something moves, shown at their own scale, see as much for less. Vehicles first and plates
    in their crops alone finds fewer plates at the same cost: a vehicle that was not found hides its plate.
    """

    def __init__(
        self, model: Path | bytes, options: DetectorOptions | None = None, session_options: SessionOptions | None = None
    ) -> None:
        self._yolo = Yolo(model, options, session_options, name="plate detector")

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        """Plates of each picture, best first, after suppression of overlaps; boxes in the picture's own pixels.

        ``size``: long side in pixels to which pictures are scaled for this call; the options' when None.
        """
        return [[PlateDetection(f.box, f.score, None) for f in found] for found in self._yolo.find(images, size)]

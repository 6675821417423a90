"""Vehicles found by a COCO-trained detector. Other classes, people first of all, never leave this module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.ports import Image, VehicleDetection
from models.runtime.session import SessionOptions
from models.yolo import DetectorOptions, Yolo

KINDS: Final = ("car", "motorcycle", "bus", "truck")
"""The kinds of vehicle; models made by our converter hold the weights of these classes and of no other."""


class YoloVehicleDetector:
    """A ``VehicleDetector``. Car and truck are often mistaken for one another: vote over a track."""

    def __init__(
        self, model: Path | bytes, options: DetectorOptions | None = None, session_options: SessionOptions | None = None
    ) -> None:
        options = options or DetectorOptions(score=0.3, iou=0.6, enlarges=False)
        self._yolo = Yolo(model, options, session_options, name="vehicle detector", wanted=KINDS)

    def detect(self, images: Sequence[Image]) -> list[list[VehicleDetection]]:
        """Vehicles of each picture, best first, after suppression of overlaps; boxes in the picture's own pixels."""
        return [[VehicleDetection(f.box, f.score, f.name) for f in found] for found in self._yolo.find(images)]

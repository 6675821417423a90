"""Faces in the pictures of hits are blurred before they leave the ingest."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import cv2
import numpy as np

from actors.report import PICTURE_BYTES, PassReport
from models.errors import ModelError
from video.redaction import FindFaces, blurred, pack_jpeg

_log = logging.getLogger("beket.ingest")


@dataclass(slots=True)
class BlurCounts:
    """What was looked at since the start."""

    pictures: int = 0
    faces: int = 0
    left_out: int = 0
    """Pictures that could not be looked at: their hits go without."""


class Blurring:
    """Makes a report's picture of the vehicle fit to be shown; the plate's own shows nothing else. For one thread."""

    def __init__(self, find_faces: FindFaces) -> None:
        self.counts = BlurCounts()
        self._find_faces = find_faces

    def __call__(self, report: PassReport) -> PassReport:
        """``report`` with every face found in its picture blurred; without the picture where none can be sought."""
        if not report.vehicle_jpeg:
            return report
        self.counts.pictures += 1
        try:
            picture = cv2.imdecode(np.frombuffer(report.vehicle_jpeg, np.uint8), cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError("it is no picture")
            picture = np.asarray(picture, np.uint8)
            (faces,) = self._find_faces([picture])
        except (ModelError, ValueError, cv2.error) as error:
            self.counts.left_out += 1
            _log.error("camera %s, pass %s: no picture, as faces can't be sought: %s", *report.identity, error)
            return replace(report, vehicle_jpeg=b"")
        self.counts.faces += len(faces)
        return replace(report, vehicle_jpeg=pack_jpeg(blurred(picture, faces), PICTURE_BYTES)) if faces else report

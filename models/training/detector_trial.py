"""How an exported plate detector does on composed pictures that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.corners import CornerPlateDetector
from models.training.street import Street
from models.yolo import DetectorOptions

FOUND_AT = 0.5
"""Least overlap (IoU of quadrilaterals) of a detection that has found a plate."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Figures at a least ``score``: share of plates found, other detections a picture, the harmonic mean of recall and
    precision, and the mean distance of the found corners in plate lengths."""

    score: float
    recall: float
    others: float
    f1: float
    corner_error: float


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """IoU of two convex quadrilaterals ``(4, 2)``."""
    shared = float(cv2.intersectConvexConvex(_hull(one), _hull(other))[0])
    return shared / max(cv2.contourArea(_hull(one)) + cv2.contourArea(_hull(other)) - shared, 1e-6)


def _hull(quad: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.convexHull(quad.astype(np.float32)), np.float32).reshape(-1, 2)


def try_detector(model: Path, street: Street, pictures: int, scores: Sequence[float]) -> list[Trial]:
    """A trial for each of ``scores`` on the first ``pictures`` of ``street``; unclear plates count for nothing."""
    detector = CornerPlateDetector(model, DetectorOptions(size=street.size, score=min(scores)))
    true = 0
    hits: list[tuple[float, float]] = []
    others: list[float] = []
    for number in range(pictures):
        picture = street.picture(number)
        left = list(picture.quads)
        true += len(left)
        for plate in detector.detect([picture.image])[0]:
            corners = plate.corners
            if corners is None:
                continue
            best = max(range(len(left)), key=lambda i: overlap(left[i], corners), default=None)
            if best is not None and overlap(left[best], corners) >= FOUND_AT:
                quad = left.pop(best)
                away = np.linalg.norm(quad - corners, axis=1).mean() / np.linalg.norm(quad[1] - quad[0])
                hits.append((plate.score, float(away)))
            elif all(overlap(unclear, corners) < 0.1 for unclear in picture.unclear):
                others.append(plate.score)
    return [_at(score, true, pictures, hits, others) for score in scores]


def _at(score: float, true: int, pictures: int, hits: list[tuple[float, float]], others: list[float]) -> Trial:
    found = [away for s, away in hits if s >= score]
    wrong = sum(s >= score for s in others)
    f1 = 2 * len(found) / max(true + len(found) + wrong, 1)
    error = float(np.mean(found)) if found else 0.0
    return Trial(score, len(found) / max(true, 1), wrong / max(pictures, 1), f1, error)

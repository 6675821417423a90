"""Passes drawn as a camera sees them: one plate, one view, one light, one lens, coming nearer.

What belongs to the camera and the moment (slant, light, blur, packing) is drawn once a pass; each frame adds what is
its own: the detector's error, a shake, noise, now and then a blur or a passer-by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.ports import Image
from models.training import degrade
from models.training.crops import CropMaker, Subject
from models.training.plates import Image as Grey
from passes.options import PassOptions

_FPS: Final = PassOptions().detect_fps
_NEAREST_PX: Final = (60.0, 150.0)
"""A plate's width at the end of its pass is drawn from between these."""
_NEARING: Final = (1.4, 4.0)
"""How many times further away it was when first seen."""
_FRAMES: Final = (4, 16)
_OWN_BLUR: Final = 0.25
"""Share of frames blurred in a way of their own: a shake, a lens that hunts."""
_HIDDEN: Final = 0.02
"""Share of frames in which something stands before a part of the plate."""
_BOX_ERROR: Final = (0.02, 0.06)
"""Standard deviation of a box's edges, as a share of the plate's width and height."""
_CORNER_ERROR: Final = (0.3, 0.008)
"""That of a corner: px, and a share of the plate's width."""
_ROOM: Final = 0.35
"""Room drawn around the plate, as a share of its sides."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFrame:
    """The plate's surroundings in one frame, BGR; the detected ``box`` and ``corners (4, 2)`` in its pixels."""

    t: float
    picture: Image
    box: Box
    corners: NDArray[np.float32]


def drawn_passes(maker: CropMaker, rng: np.random.Generator) -> Iterator[tuple[str, list[DrawnFrame]]]:
    """Plates with the frames of their passes, for ever."""
    while True:
        subject = maker.subject(rng)
        yield subject.design.text, _pass(maker, rng, subject)


def _pass(maker: CropMaker, rng: np.random.Generator, subject: Subject) -> list[DrawnFrame]:
    nearest, times = rng.uniform(*_NEAREST_PX), rng.uniform(*_NEARING)
    distances = np.linspace(times, 1, int(rng.integers(*_FRAMES, endpoint=True)))
    plate, worn, corner = maker.worn(subject, nearest)
    rows, columns = plate.image.shape
    inner = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]]) + corner
    moment = rng.integers(1 << 31, size=5)
    return [
        _frame(rng, worn, inner, moment, nearest / distance, 1 / distance, 10 / subject.design.width, number / _FPS)
        for number, distance in enumerate(distances)
    ]


def _frame(
    rng: np.random.Generator,
    near: Grey,
    inner: NDArray[np.float64],
    moment: NDArray[np.int64],
    wide: float,
    scale: float,
    stroke: float,
    t: float,
) -> DrawnFrame:
    view_again, light_again, lens_again, sensor_again, codec_again = (np.random.default_rng(seed) for seed in moment)
    size = max(8, round(near.shape[1] * scale)), max(6, round(near.shape[0] * scale))
    worn = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_AREA), np.uint8)
    view = degrade.random_view(view_again, worn.shape[1] / worn.shape[0], wide)
    quad, (width, height) = _placed(rng, view.corners)
    view = degrade.View(quad, width, height)
    ground = degrade.surroundings(view_again, width, height)
    matrix = degrade.projection(worn, view)
    grey = degrade.place(view_again, worn, matrix, view, ground)
    if rng.random() < _HIDDEN:
        edge = int(rng.uniform(0.2, 0.8) * width)
        cv2.rectangle(grey, (edge, 0), (edge + int(rng.uniform(0.05, 0.4) * width), height), int(rng.integers(255)), -1)
    grey = degrade.light(light_again, grey)
    grey = degrade.lens(rng if rng.random() < _OWN_BLUR else lens_again, grey, wide * stroke)
    grey = _sensed(rng, sensor_again, grey)
    grey = degrade.codec(codec_again, grey)
    placed = inner * (np.array(size) / (near.shape[1], near.shape[0]))
    corners = cv2.perspectiveTransform(placed[:, None], matrix).reshape(4, 2)
    sides = np.ptp(corners, axis=0)
    low, high = (edges + rng.normal(0, _BOX_ERROR) * sides for edges in (corners.min(axis=0), corners.max(axis=0)))
    px, share = _CORNER_ERROR
    seen = corners + rng.normal(0, px + share * sides[0], (4, 2))
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    return DrawnFrame(t, picture, Box(*map(float, (*low, *(high - low)))), seen.astype(np.float32))


def _sensed(rng: np.random.Generator, sensor_again: np.random.Generator, grey: Grey) -> Grey:
    """As the camera's sensor gives it: its grain lies elsewhere on the plate in each frame."""
    aside, above = map(int, rng.integers(0, 64, 2))
    wider = np.asarray(cv2.copyMakeBorder(grey, above, 0, aside, 0, cv2.BORDER_REFLECT_101), np.uint8)
    return np.ascontiguousarray(degrade.sensor(sensor_again, wider)[above:, aside:])


def _placed(rng: np.random.Generator, corners: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The plate turned a little, at a fraction of a pixel of its own, with room around it; and the picture's size."""
    a = np.radians(rng.normal(0, 0.8))
    middle = corners.mean(axis=0)
    turned = (corners - middle) @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    size = np.ptp(turned, axis=0)
    placed = turned - turned.min(axis=0) + _ROOM * size + rng.random(2)
    width, height = (max(12, int(side * (1 + 2 * _ROOM)) + 2) for side in size)
    return placed.astype(np.float32), (width, height)

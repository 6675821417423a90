"""Small drawn roads: plates are plain rectangles whose colour is their text, so that fakes can find and read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.ports import Image, PlateDetection, Reading, VehicleDetection
from tests.fixtures.records import posterior_of

SIZE = (640, 360)
_GREY = 90
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Car:
    """A plate of ``text`` whose box at time ``t`` is ``place(t)``, None while it is not in view or hidden."""

    text: str
    place: Callable[[float], Box | None]
    number: int = 0
    """Shown as a colour."""


class DrawnFrame:
    """A frame of a drawn road."""

    def __init__(self, t: float, boxes: Sequence[tuple[int, Box]], size: tuple[int, int] = SIZE, live: bool = False):
        self.t = t
        self.seen_at = NOON + timedelta(seconds=t) if live else None
        self.camera_at = NOON + timedelta(seconds=t + 3.0) if live else None
        self.size = size
        self._picture = np.full((size[1], size[0], 3), _GREY, np.uint8)
        self._picture += np.random.default_rng(1).integers(0, 3, self._picture.shape, np.uint8)
        for number, box in boxes:
            left, top = max(round(box.x - box.w), 0), max(round(box.y - 2 * box.w), 0)
            self._picture[top : max(round(box.y + 2 * box.h), 0), left : max(round(box.x + 2 * box.w), 0)] = 60
            left, top = max(round(box.x), 0), max(round(box.y), 0)
            right, bottom = max(round(box.x + box.w), 0), max(round(box.y + box.h), 0)
            self._picture[top:bottom, left:right] = (255, 20 * number, 0)

    def bgr(self, part: tuple[int, int, int, int] | None = None) -> NDArray[np.uint8]:
        return self._picture

    def luma(self, step: int) -> NDArray[np.uint8]:
        return self._picture[::step, ::step, 1].copy()


@dataclass
class Finder:
    """Finds the rectangles; counts its looks."""

    looks: int = 0
    hidden: Callable[[], bool] = lambda: False

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        self.looks += len(images)
        return [[] if self.hidden() else [PlateDetection(b, 0.8, None) for b in boxes_in(image)] for image in images]


def boxes_in(image: Image) -> list[Box]:
    """Upright boxes of the plates drawn in ``image``."""
    found = []
    mask = (image[..., 0] > 200) & (image[..., 2] < 30)
    for number in range(1, 12):
        rows, columns = np.nonzero(mask & (np.abs(image[..., 1].astype(int) - 20 * number) < 6))
        if len(rows) > 8:
            x, y = columns.min(), rows.min()
            found.append(Box(float(x), float(y), float(columns.max() - x + 1), float(rows.max() - y + 1)))
    return found


@dataclass
class Names:
    """Reads a plate by the colour of its middle."""

    texts: dict[int, str]
    certainty: float = 0.995
    legibility: float = 0.95
    read_crops: int = 0
    batches: list[int] = field(default_factory=list)

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        self.read_crops += len(crops)
        self.batches.append(len(crops))
        readings = []
        for crop in crops:
            middle = crop[crop.shape[0] // 2, crop.shape[1] // 2]
            text = self.texts.get(round(int(middle[1]) / 20), "")
            posterior = posterior_of(text, self.certainty)
            readings.append(Reading(posterior, self.legibility if text else 0.05, "kz", "kz2012", 1))
        return readings


class Around:
    """Says that the middle of every look is a car."""

    def detect(self, images: Sequence[Image]) -> list[list[VehicleDetection]]:
        return [
            [VehicleDetection(Box(0, 0, image.shape[1], image.shape[0]), 0.9, "car")]
            if image[..., 0].min() < 70
            else []
            for image in images
        ]


def frames(
    cars: Sequence[Car], *, seconds: float, fps: float = 6.0, start: float = 0.0, live: bool = False
) -> list[DrawnFrame]:
    """The road's frames."""
    drawn = []
    for k in range(round(seconds * fps)):
        t = start + k / fps
        drawn.append(DrawnFrame(t, [(car.number, box) for car in cars if (box := car.place(t)) is not None], live=live))
    return drawn


def driving(
    start: float,
    frm: tuple[float, float],
    to: tuple[float, float],
    seconds: float,
    width: tuple[float, float] = (40.0, 40.0),
) -> Callable[[float], Box | None]:
    """A plate that moves from one centre to another, its width changing evenly."""

    def place(t: float) -> Box | None:
        share = (t - start) / seconds
        if not 0 <= share <= 1:
            return None
        w = width[0] + (width[1] - width[0]) * share
        x, y = frm[0] + (to[0] - frm[0]) * share, frm[1] + (to[1] - frm[1]) * share
        return Box(x - w / 2, y - w / 9, w, w / 4.5)

    return place

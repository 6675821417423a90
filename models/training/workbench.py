"""What the drawing of training vehicles stands on: a picture, its proportions and paint, lettering and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
WIDTH: Final = 440
"""Pixels across the body."""
SIDE: Final = 90
"""Pixels kept free beside the body: mirrors, and the flank of a vehicle seen aslant."""
_WORDS: Final = (
    "TURBO", "4X4", "TDI", "2.0", "QUATTRO", "HYBRID", "SPORT", "1.6 16V", "V6", "LOGAN", "FLEX", "GTI", "CROSS",
    "DIESEL", "SE", "AUTO", "SERVICE", "TAXI", "CARGO", "EXPRESS", "RENTAL", "DELIVERY", "WWW", ".COM", "TEL", "FREE",
    "SALE", "24H", "LTD",
)  # fmt: skip


def lettering(rng: np.random.Generator, most: int = 14) -> str:
    """Words, letters or figures as they stand on vehicles and signs."""
    draw = rng.random()
    if draw < 0.4:
        return " ".join(_WORDS[int(i)] for i in rng.integers(len(_WORDS), size=int(rng.integers(1, 3))))
    if draw < 0.65:
        return "".join(str(int(d)) for d in rng.integers(10, size=3)) + "-" + str(int(rng.integers(1000, 9999)))
    letters = "ABCDEFGHIJKLMNOPRSTUVWXYZ" if rng.random() < 0.5 else "abcdefghiklmnoprstuvz"
    return "".join(letters[int(i)] for i in rng.integers(len(letters), size=int(rng.integers(3, most))))


def write(
    image: Image, rng: np.random.Generator, text: str, at: tuple[float, float], high: float, tone: Sequence[float]
) -> None:
    """Write ``text`` with its lower left corner at ``at``, ``high`` px high."""
    font = int(rng.choice([0, 2, 3, 4, 5, 6]))
    heavy = max(1, round(high * rng.uniform(0.06, 0.2)))
    cv2.putText(image, text, (round(at[0]), round(at[1])), font, high / 22, list(tone), heavy, cv2.LINE_AA)


def slats(image: Image, rng: np.random.Generator, box: tuple[int, int, int, int], tone: Sequence[float]) -> None:
    """Bars, upright bars or a mesh over ``box`` (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    kind = int(rng.integers(4))
    step = max(3, int((y1 - y0) / rng.uniform(2.5, 9)))
    heavy = max(1, int(step * rng.uniform(0.15, 0.5)))
    colour = list(tone)
    if kind in (0, 2, 3):
        for y in range(y0 + step // 2, y1, step):
            cv2.line(image, (x0, y), (x1, y), colour, heavy, cv2.LINE_AA)
    if kind in (1, 2):
        for x in range(x0 + step // 2, x1, max(3, int(step * rng.uniform(0.8, 1.6)))):
            cv2.line(image, (x, y0), (x, y1), colour, heavy, cv2.LINE_AA)


class Workbench:
    """A vehicle's end being drawn: its picture, proportions and paint, and the dice.

    ``waist`` and ``low`` are the heights (px) of the window line and of the lower edge.
    """

    def __init__(self, rng: np.random.Generator, pictures: Sequence[Image]) -> None:
        self.rng, self.pictures = rng, pictures
        self.is_rear = bool(rng.random() < 0.6)
        self.is_tall = bool(rng.random() < 0.22)
        self.height = int(WIDTH * (rng.uniform(0.95, 1.5) if self.is_tall else rng.uniform(0.66, 0.98)))
        self.bgra: Image = np.zeros((self.height + 30, WIDTH + 2 * SIDE, 4), np.uint8)
        self.waist = self.height * (rng.uniform(0.35, 0.55) if self.is_tall else rng.uniform(0.36, 0.5))
        self.paint = self._paint()
        self.dark = rng.uniform(12, 60) * np.ones(3) + rng.normal(0, 3, 3)
        self.low = self.height * 0.94

    def _paint(self) -> NDArray[np.float64]:
        rng = self.rng
        draw = rng.random()
        if draw < 0.65:
            level = float(rng.choice([25, 50, 90, 130, 170, 200, 225, 240]))
            return np.full(3, level) + rng.normal(0, 6, 3)
        hsv = np.array([[[rng.integers(180), rng.integers(90, 230), rng.integers(60, 220)]]], np.uint8)
        return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0], np.float64)

    def between(self, low: float, high: float) -> float:
        """A number between, evenly spread."""
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        """True with probability ``p``."""
        return bool(self.rng.random() < p)

    def poly(self, points: Sequence[tuple[float, float]], tone: Sequence[float] | NDArray[np.float64]) -> None:
        """Fill a polygon; x as a share of the body's width, y in px."""
        at = np.array([(x * WIDTH + SIDE, y) for x, y in points]) * 8
        colour = [float(np.clip(c, 0, 255)) for c in tone]
        cv2.fillPoly(self.bgra, [at.round().astype(np.int32)], [*colour, 255.0], cv2.LINE_AA, shift=3)

    def reflect(self, mask: NDArray[np.uint8], share: float) -> None:
        """A photograph mirrored where ``mask`` is set."""
        if not len(self.pictures):
            return
        picture = self.pictures[int(self.rng.integers(len(self.pictures)))]
        side = int(min(picture.shape[:2]) * self.between(0.3, 1.0))
        y, x = (int(self.rng.integers(n - side + 1)) for n in picture.shape[:2])
        cut = cv2.resize(picture[y : y + side, x : x + side], self.bgra.shape[1::-1], interpolation=cv2.INTER_AREA)
        if self.chance(0.6):
            cut = cv2.GaussianBlur(cut, (0, 0), self.between(0.5, 6))
        cover = (mask.astype(np.float32) * (share / 255))[..., None]
        self.bgra[..., :3] = (self.bgra[..., :3] * (1 - cover) + cut * cover).astype(np.uint8)

    def mask(self, points: Sequence[tuple[float, float]]) -> NDArray[np.uint8]:
        """The inside of a polygon, ``poly``'s coordinates."""
        mask = np.zeros(self.bgra.shape[:2], np.uint8)
        at = np.array([(x * WIDTH + SIDE, y) for x, y in points])
        cv2.fillPoly(mask, [at.round().astype(np.int32)], [255.0], cv2.LINE_AA)
        return mask

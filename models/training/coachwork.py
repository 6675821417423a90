"""Vehicles for the plate detector's training: ends of cars, vans and lorries, each drawn by chance.

``models.training.vehicle`` draws the few tidy vehicles of the simulation. A detector that saw those alone takes every
grille, lamp, badge and sticker for a plate: here all of these vary, panes and paint mirror photographs, and dirt and
shadow lie over everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
WIDTH: Final = 440
"""Pixels across the body."""
_SIDE: Final = 90
"""Pixels kept free beside the body: mirrors, and the flank of a vehicle seen aslant."""
_WORDS: Final = (
    "TURBO", "4X4", "TDI", "2.0", "QUATTRO", "HYBRID", "SPORT", "1.6 16V", "V6", "LOGAN", "FLEX", "GTI", "CROSS", "DIESEL", "SE",
    "AUTO", "SERVICE", "TAXI", "CARGO", "EXPRESS", "RENTAL", "DELIVERY", "WWW", ".COM", "TEL", "FREE", "SALE", "24H", "LTD",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Coach:
    """A vehicle's end ``(H, W, 4) uint8`` BGRA and where its plate goes: the middle px, and the width of a long plate."""

    bgra: Image
    plate: tuple[float, float]
    plate_width: float


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


def random_vehicle(rng: np.random.Generator, pictures: Sequence[Image] = ()) -> Coach:
    """A vehicle's front or rear; ``pictures`` are what its panes and paint mirror."""
    return _Workshop(rng, pictures).build()


class _Workshop:
    def __init__(self, rng: np.random.Generator, pictures: Sequence[Image]) -> None:
        self.rng, self.pictures = rng, pictures
        self.is_rear = bool(rng.random() < 0.6)
        self.is_tall = bool(rng.random() < 0.22)
        self.height = int(WIDTH * (rng.uniform(0.95, 1.5) if self.is_tall else rng.uniform(0.66, 0.98)))
        self.bgra: Image = np.zeros((self.height + 30, WIDTH + 2 * _SIDE, 4), np.uint8)
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
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float64)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def poly(self, points: Sequence[tuple[float, float]], tone: Sequence[float] | NDArray[np.float64]) -> None:
        """Fill a polygon; x as a share of the body's width, y in px."""
        at = np.array([(x * WIDTH + _SIDE, y) for x, y in points]) * 8
        colour = [float(np.clip(c, 0, 255)) for c in tone]
        cv2.fillPoly(self.bgra, [at.round().astype(np.int32)], [*colour, 255.0], cv2.LINE_AA, shift=3)

    def build(self) -> Coach:
        rng = self.rng
        wheel = self.between(0.1, 0.17)
        for x in (0.03, 0.97 - wheel):
            self.poly([(x, self.height * 0.7), (x + wheel, self.height * 0.7), (x + wheel, self.height), (x, self.height)], (20,) * 3)
        if self.chance(0.3):
            self._flank()
        self._cabin()
        self._shell()
        self._shine()
        if self.is_rear:
            self._tail_lamps()
            self._boot()
        else:
            self._head_lamps()
            self._grilles()
        self._bumper()
        middle = self._recess()
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.2, 0.15]))):
            self._badge(middle)
        if self.chance(0.12):
            self._advert()
        soft = cv2.GaussianBlur(self.bgra, (0, 0), 0.7)
        return Coach(np.asarray(soft, np.uint8), (middle[0] * WIDTH + _SIDE, middle[1]), WIDTH * self.between(0.25, 0.32))

    def _reflect(self, mask: NDArray[np.uint8], share: float) -> None:
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

    def _mask(self, points: Sequence[tuple[float, float]]) -> NDArray[np.uint8]:
        mask = np.zeros(self.bgra.shape[:2], np.uint8)
        at = np.array([(x * WIDTH + _SIDE, y) for x, y in points])
        cv2.fillPoly(mask, [at.round().astype(np.int32)], [255.0], cv2.LINE_AA)
        return mask

    def _flank(self) -> None:
        """The side of a vehicle seen aslant, with windows and a wheel."""
        reach = self.between(0.06, 0.2)
        left = self.chance(0.5)
        near, far = (0.04, -reach) if left else (0.96, 1 + reach)
        top, drop = self.between(0.05, 0.15) * self.height, self.between(0.03, 0.12) * self.height
        self.poly([(near, top), (far, top + drop), (far, self.low - drop), (near, self.low)], self.paint * self.between(0.5, 0.9))
        self.poly(
            [(near, top * 1.6), (far, top * 1.6 + drop), (far, self.waist * 0.95), (near, self.waist * 0.95)],
            self.dark * 1.5,
        )
        self.poly([(near, self.height * 0.72), (far, self.height * 0.7), (far, self.height * 0.93), (near, self.height)], (24,) * 3)

    def _cabin(self) -> None:
        inset = self.between(0.0, 0.04) if self.is_tall else self.between(0.08, 0.2)
        roof = self.waist * self.between(0.02, 0.12)
        shape = [(inset, roof), (1 - inset, roof), (0.98, self.waist), (0.02, self.waist)]
        self.poly(shape, self.paint * self.between(0.8, 1.1))
        if self.is_tall and self.is_rear and self.chance(0.5):  # a closed back: doors without panes
            for edge in (0.49, 0.51):
                self.poly([(edge, roof), (edge + 0.004, roof), (edge + 0.004, self.low), (edge, self.low)], self.paint * 0.5)
            return
        top, bottom = roof + self.waist * self.between(0.06, 0.2), self.waist * self.between(0.85, 0.97)
        a, b = inset + self.between(0.02, 0.06), self.between(0.05, 0.13)
        pane = [(a, top), (1 - a, top), (1 - b, bottom), (b, bottom)]
        self.poly(pane, self.dark * self.between(0.8, 2.2))
        if self.chance(0.5):  # head rests and seats
            for x in (0.27, 0.62):
                y = bottom - (bottom - top) * self.between(0.3, 0.6)
                self.poly([(x, y), (x + 0.12, y), (x + 0.14, bottom), (x - 0.02, bottom)], self.dark * self.between(0.4, 1.6))
        self._reflect(self._mask(pane), self.between(0.1, 0.75))
        if self.chance(0.3):  # a sticker or a paper behind the pane
            x, y, w = self.between(0.15, 0.75), self.between(top, bottom * 0.9), self.between(0.03, 0.12)
            h = w * WIDTH * self.between(0.3, 1)
            self.poly([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], self.rng.uniform(60, 250, 3))
        if self.is_rear and self.chance(0.5):
            y = top + (bottom - top) * self.between(-0.05, 0.1)
            self.poly([(0.4, y), (0.6, y), (0.6, y + 6), (0.4, y + 6)], (40, 30, self.between(90, 220)))
        if self.chance(0.4):
            a = (round(_SIDE + WIDTH * 0.5), round(bottom))
            b2 = (round(_SIDE + WIDTH * self.between(0.2, 0.8)), round(bottom - (bottom - top) * 0.3))
            cv2.line(self.bgra, a, b2, (15, 15, 15, 255), 3, cv2.LINE_AA)
        if not self.is_rear or self.chance(0.3):
            for x in (-0.09, 0.99):
                y = self.waist * self.between(0.72, 0.85)
                h = self.waist * 0.17
                self.poly([(x, y), (x + 0.1, y), (x + 0.1, y + h), (x, y + h)], self.paint * 0.7 if self.chance(0.7) else self.dark)

    def _shell(self) -> None:
        belly = (self.waist + self.low) / 2
        top = self.waist * self.between(0.94, 1.0)
        self.poly([(0.03, top), (0.97, top), (1, belly), (0.98, self.low), (0.02, self.low), (0, belly)], self.paint)
        rows = np.arange(self.bgra.shape[0])
        bends = np.interp(rows, [top, top + (belly - top) * 0.4, belly, self.low], [self.between(1.0, 1.3), 1.0, self.between(0.75, 1.0), self.between(0.35, 0.8)])
        body = (rows >= top)[:, None, None]
        shaded = np.clip(self.bgra[..., :3] * bends[:, None, None], 0, 255)
        self.bgra[..., :3] = np.where(body, shaded, self.bgra[..., :3]).astype(np.uint8)
        for _ in range(int(self.rng.integers(0, 4))):  # seams and folds
            y = self.between(top, self.low)
            bow = self.between(-12, 12)
            points = np.array([(_SIDE + WIDTH * x, y + bow * (2 * x - 1) ** 2) for x in np.linspace(0.05, 0.95, 12)])
            tone = (self.paint * self.between(0.5, 1.4)).clip(0, 255)
            cv2.polylines(self.bgra, [points.round().astype(np.int32)], False, [*map(float, tone), 255.0], int(self.rng.integers(1, 4)), cv2.LINE_AA)

    def _shine(self) -> None:
        mask = np.where(self.bgra[..., 3] > 200, np.uint8(255), np.uint8(0))
        mask[: int(self.waist)] = 0
        if self.chance(0.6):
            self._reflect(mask, self.between(0.05, 0.35))

    def _lamp(self, box: tuple[float, float, float, float], tone: NDArray[np.float64], skew: float) -> None:
        x0, y0, x1, y1 = box
        for is_right in (False, True):
            points = [(x0, y0), (x1, y0 + skew * (y1 - y0)), (x1 - 0.02, y1), (x0 + 0.01, y1 - skew * 0.5 * (y1 - y0))]
            placed = [(1 - x if is_right else x, y) for x, y in points]
            self.poly(placed, tone)
            for _ in range(int(self.rng.integers(1, 4))):
                cx, cy = self.between(x0 + 0.02, x1), self.between(y0, y1)
                r = (y1 - y0) * self.between(0.12, 0.4)
                at = (round((1 - cx if is_right else cx) * WIDTH + _SIDE), round(cy))
                inner = np.clip(tone * self.between(0.5, 1.7) + self.rng.normal(0, 15, 3), 0, 255)
                cv2.circle(self.bgra, at, max(2, round(r)), [*map(float, inner), 255.0], -1, cv2.LINE_AA)

    def _tail_lamps(self) -> None:
        face = self.low - self.waist
        top = self.waist + face * self.between(-0.25, 0.25)
        tall = self.chance(0.4)
        high = face * (self.between(0.4, 0.8) if tall else self.between(0.15, 0.35))
        wide = self.between(0.06, 0.12) if tall else self.between(0.12, 0.28)
        tone = np.array([self.between(20, 60), self.between(15, 50), self.between(100, 230)])
        self._lamp((0.01, top, wide, top + high), tone, self.between(-0.2, 0.3))
        if self.chance(0.6):  # the white and amber parts
            y = top + high * self.between(0.2, 0.8)
            for x in (0.03, 0.97 - wide * 0.6):
                tones = np.array([200.0, 210, 220]) if self.chance(0.5) else np.array([30.0, 130, 230])
                self.poly([(x, y), (x + wide * 0.6, y), (x + wide * 0.6, y + high * 0.2), (x, y + high * 0.2)], tones * self.between(0.6, 1.1))

    def _head_lamps(self) -> None:
        face = self.low - self.waist
        top = self.waist + face * self.between(0.05, 0.3)
        high, wide = face * self.between(0.13, 0.3), self.between(0.14, 0.3)
        self._lamp((0.01, top, wide, top + high), np.full(3, self.between(90, 235)), self.between(-0.1, 0.5))
        if self.chance(0.5):
            y = self.low - face * self.between(0.12, 0.25)
            for x in (0.1, 0.9):
                at = (round(x * WIDTH + _SIDE), round(y))
                cv2.circle(self.bgra, at, round(face * self.between(0.04, 0.09)), [*([self.between(90, 240)] * 3), 255.0], -1, cv2.LINE_AA)

    def _grilles(self) -> None:
        face = self.low - self.waist
        for low, high, p in ((0.08, 0.4, 0.85), (0.68, 0.92, 0.75)):
            if not self.chance(p):
                continue
            y0, y1 = self.waist + face * (low + self.between(0, 0.08)), self.waist + face * (high - self.between(0, 0.08))
            half, taper = self.between(0.14, 0.34), self.between(0.75, 1.1)
            shape = [(0.5 - half, y0), (0.5 + half, y0), (0.5 + half * taper, y1), (0.5 - half * taper, y1)]
            if self.chance(0.5):
                rim = self.between(2, 7)
                r = rim / WIDTH
                frame = [(shape[0][0] - r, y0 - rim), (shape[1][0] + r, y0 - rim), (shape[2][0] + r, y1 + rim), (shape[3][0] - r, y1 + rim)]
                self.poly(frame, np.full(3, self.between(120, 230)))
            self.poly(shape, self.dark * 0.7)
            inner = half * min(1.0, taper)
            box = (round((0.5 - inner) * WIDTH) + _SIDE, round(y0) + 2, round((0.5 + inner) * WIDTH) + _SIDE, round(y1) - 1)
            level = self.between(40, 220)
            slats(self.bgra, self.rng, box, [level, level, level, 255.0])

    def _boot(self) -> None:
        face = self.low - self.waist
        if self.chance(0.6):
            y = self.waist + face * self.between(0.25, 0.45)
            half = self.between(0.15, 0.38)
            tone = np.full(3, self.between(150, 235)) if self.chance(0.6) else self.paint * 0.6
            self.poly([(0.5 - half, y), (0.5 + half, y), (0.5 + half, y + face * 0.04), (0.5 - half, y + face * 0.04)], tone)
        for _ in range(int(self.rng.integers(0, 3))):  # names of the make and the model in chrome
            x, y = self.between(0.12, 0.75), self.waist + face * self.between(0.15, 0.6)
            level = self.between(150, 240) if self.paint.mean() < 150 else self.between(40, 130)
            write(self.bgra, self.rng, lettering(self.rng, 8), (x * WIDTH + _SIDE, y), self.between(7, 15), [level, level, level, 255.0])
        if self.chance(0.3):
            for x in (0.15, 0.8):
                at = (round(x * WIDTH + _SIDE), round(self.low))
                cv2.ellipse(self.bgra, at, (16, 9), 0, 0, 360, (90, 90, 90, 255), -1, cv2.LINE_AA)

    def _bumper(self) -> None:
        face = self.low - self.waist
        y = self.low - face * self.between(0.12, 0.4)
        if self.chance(0.45):
            tone = self.dark if self.chance(0.7) else np.full(3, self.between(130, 220))
            h = face * self.between(0.06, 0.3)
            self.poly([(0.02, y), (0.98, y), (0.97, y + h), (0.03, y + h)], tone)
        if self.chance(0.3):
            for x in (0.2, 0.38, 0.62, 0.8):
                cv2.circle(self.bgra, (round(x * WIDTH + _SIDE), round(y + 5)), 4, (*map(float, self.paint * 0.5), 255.0), -1, cv2.LINE_AA)
        if self.chance(0.3):  # reflectors
            for x in (0.06, 0.86):
                self.poly([(x, y + 8), (x + 0.08, y + 8), (x + 0.08, y + 16), (x, y + 16)], (40, 40, self.between(120, 220)))
        if self.is_rear and self.chance(0.15):  # a tow ball
            cv2.circle(self.bgra, (round(0.5 * WIDTH + _SIDE), round(self.low - 4)), 10, (110, 110, 110, 255), -1, cv2.LINE_AA)

    def _recess(self) -> tuple[float, float]:
        """Where the plate goes, often in a hollow of its own; ``(x as a share, y px)``."""
        face = self.low - self.waist
        is_low = self.chance(0.35 if self.is_rear else 0.9)
        y = self.waist + face * (self.between(0.66, 0.9) if is_low else self.between(0.35, 0.62))
        x = 0.5 if self.chance(0.85) else self.between(0.3, 0.7)
        if self.chance(0.5):
            half, high = self.between(0.16, 0.26), face * self.between(0.08, 0.2)
            tone = self.paint * self.between(0.35, 0.85) if self.chance(0.7) else self.dark
            self.poly([(x - half, y - high), (x + half, y - high), (x + half * 0.94, y + high), (x - half * 0.94, y + high)], tone)
        return x, y

    def _badge(self, plate: tuple[float, float]) -> None:
        x, y = (0.5, plate[1] - self.between(30, 80)) if self.chance(0.6) else (self.between(0.1, 0.9), self.between(self.waist, self.low))
        at = (round(x * WIDTH + _SIDE), round(y))
        level = self.between(120, 245)
        axes = (round(self.between(7, 20)), round(self.between(6, 16)))
        cv2.ellipse(self.bgra, at, axes, 0, 0, 360, (level, level, level, 255), 3 if self.chance(0.6) else -1, cv2.LINE_AA)
        if self.chance(0.5):
            cv2.ellipse(self.bgra, at, (axes[0] // 2, axes[1] // 2), 0, 0, 360, (*self.rng.uniform(20, 200, 3), 255.0), -1, cv2.LINE_AA)

    def _advert(self) -> None:
        """Lines of lettering across the vehicle, on its paint or on a board."""
        y = self.between(self.waist * 0.9, self.low * 0.7)
        high = self.between(9, 32)
        tone = [*self.rng.uniform(0, 255, 3), 255.0]
        lines = int(self.rng.integers(1, 4))
        if self.chance(0.5):
            self.poly([(0.1, y - high * 1.3), (0.9, y - high * 1.3), (0.9, y + high * 1.4 * lines), (0.1, y + high * 1.4 * lines)], self.rng.uniform(0, 255, 3))
        for k in range(lines):
            write(self.bgra, self.rng, lettering(self.rng), (_SIDE + WIDTH * self.between(0.1, 0.4), y + k * high * 1.4), high, tone)

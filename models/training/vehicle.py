"""Vehicles drawn by us: the front or rear of a car, van or lorry, as a picture with alpha and a place for its plate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SPRITE_WIDTH: Final = 960
"""Pixels across the body of a drawn vehicle; plates are drawn at the same scale."""


class View(StrEnum):
    """Which end of the vehicle faces the camera."""

    FRONT = "front"
    REAR = "rear"


@dataclass(frozen=True, slots=True)
class Body:
    """Proportions of one kind of vehicle. Lengths in metres."""

    kind: str
    width_m: float
    height_m: float
    bonnet: float
    """Height of the bonnet's (boot's) edge as a share of the whole height."""
    glass_narrowing: float
    """How much narrower the roof is than the body, as a share of the width."""


BODIES: Final = {
    "car": Body("car", 1.80, 1.46, 0.58, 0.20),
    "suv": Body("car", 1.92, 1.78, 0.60, 0.12),
    "van": Body("truck", 2.02, 2.25, 0.52, 0.07),
    "truck": Body("truck", 2.45, 3.05, 0.40, 0.02),
}

COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "white": (226, 228, 228),
    "silver": (172, 174, 176),
    "grey": (104, 106, 108),
    "black": (38, 36, 36),
    "red": (44, 40, 158),
    "blue": (138, 82, 38),
    "green": (72, 92, 48),
    "beige": (150, 182, 200),
}
"""Paint, BGR."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A drawn vehicle ``(H, W, 4) uint8`` BGRA; ``plate (4, 2) float32``: its plate's corners, clockwise."""

    bgra: NDArray[np.uint8]
    plate: NDArray[np.float32]
    lamps: NDArray[np.float32]
    """Centres of the two lamps, ``(2, 2)`` pixels of the sprite."""
    body: Body

    @property
    def metres_per_pixel(self) -> float:
        return self.body.width_m / SPRITE_WIDTH


def draw_vehicle(
    body_name: str, colour: str, view: View, plate: NDArray[np.uint8], *, plate_width_m: float = 0.52
) -> Sprite:
    """A vehicle with the plate picture ``plate (h, w, 3) uint8`` mounted on it.

    Raises ``KeyError`` for a body or colour that is not in ``BODIES`` or ``COLOURS``.
    """
    body = BODIES[body_name]
    paint = np.array(COLOURS[colour], np.float32)
    scale = SPRITE_WIDTH / body.width_m
    width, height = SPRITE_WIDTH, round(body.height_m * scale)
    margin = 70
    canvas = _Canvas(width + 2 * margin, height + 40, margin)
    bonnet_y = height * (1 - body.bonnet)

    _wheels(canvas, width, height)
    _cabin(canvas, paint, body, width, bonnet_y, view)
    _shell(canvas, paint, width, height, bonnet_y)
    lamps = _lights(canvas, width, height, bonnet_y, view)
    if view is View.FRONT:
        _grille(canvas, width, height, bonnet_y)
    else:
        _boot(canvas, paint, width, height, bonnet_y)
    corners = _mount_plate(canvas, plate, width, height, bonnet_y, plate_width_m * scale, view)
    soft = cv2.GaussianBlur(canvas.bgra, (3, 3), 0)
    return Sprite(np.ascontiguousarray(soft), corners, lamps, body)


class _Canvas:
    """A BGRA picture with the body's own origin (upper left of the bounding box of the body)."""

    def __init__(self, width: int, height: int, margin: int) -> None:
        self.bgra: NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        self.margin = margin

    def polygon(self, points: list[tuple[float, float]], bgr: NDArray[np.float32] | tuple[int, int, int]) -> None:
        shifted = np.array([(x + self.margin, y) for x, y in points]) * 16
        colour = (*(float(c) for c in bgr), 255.0)
        cv2.fillPoly(self.bgra, [shifted.round().astype(np.int32)], colour, cv2.LINE_AA, shift=4)

    def shade(self, points: list[tuple[float, float]], top: NDArray[np.float32], bottom: NDArray[np.float32]) -> None:
        """Fill a polygon with a vertical gradient."""
        mask = np.zeros(self.bgra.shape[:2], np.uint8)
        shifted = np.array([(x + self.margin, y) for x, y in points]) * 16
        cv2.fillPoly(mask, [shifted.round().astype(np.int32)], 255.0, cv2.LINE_AA, shift=4)
        ys = np.array([y for _, y in points])
        ramp = np.clip((np.arange(self.bgra.shape[0]) - ys.min()) / max(float(np.ptp(ys)), 1), 0, 1)[:, None]
        rows = (top * (1 - ramp) + bottom * ramp)[:, None, :]
        alpha = (mask / 255.0)[..., None]
        self.bgra[..., :3] = np.clip(self.bgra[..., :3] * (1 - alpha) + rows * alpha, 0, 255).astype(np.uint8)
        self.bgra[..., 3] = np.maximum(self.bgra[..., 3], mask)


def _wheels(canvas: _Canvas, width: int, height: int) -> None:
    for left in (0.05, 0.80):
        x = left * width
        canvas.polygon(
            [(x, height * 0.78), (x + width * 0.15, height * 0.78), (x + width * 0.15, height), (x, height)],
            (22, 22, 22),
        )


def _cabin(canvas: _Canvas, paint: NDArray[np.float32], body: Body, width: int, bonnet_y: float, view: View) -> None:
    inset = body.glass_narrowing * width
    roof_y = bonnet_y * 0.06
    canvas.shade(
        [(inset, roof_y), (width - inset, roof_y), (width * 0.97, bonnet_y), (width * 0.03, bonnet_y)],
        paint * 1.06,
        paint * 0.9,
    )
    glass_top = bonnet_y * (0.22 if view is View.FRONT else 0.26)
    left_top = inset + width * 0.035
    left_bottom = width * (0.09 if view is View.FRONT else 0.12)
    dark = np.array([58, 52, 46], np.float32)
    canvas.shade(
        [
            (left_top, glass_top),
            (width - left_top, glass_top),
            (width - left_bottom, bonnet_y * 0.94),
            (left_bottom, bonnet_y * 0.94),
        ],
        dark * 1.7,
        dark * 0.75,
    )
    # the sky mirrored in the glass
    canvas.shade(
        [
            (left_top + width * 0.10, glass_top),
            (left_top + width * 0.34, glass_top),
            (left_bottom + width * 0.20, bonnet_y * 0.94),
            (left_bottom + width * 0.05, bonnet_y * 0.94),
        ],
        dark * 2.1,
        dark * 0.95,
    )
    if view is View.FRONT:
        for x in (-0.055, 0.985):
            y = bonnet_y * 0.80
            canvas.polygon(
                [
                    (x * width, y),
                    ((x + 0.07) * width, y),
                    ((x + 0.07) * width, y + bonnet_y * 0.16),
                    (x * width, y + bonnet_y * 0.14),
                ],
                paint * 0.7,
            )


def _shell(canvas: _Canvas, paint: NDArray[np.float32], width: int, height: int, bonnet_y: float) -> None:
    low = height * 0.93
    middle = (bonnet_y + low) / 2
    canvas.shade(
        [(width * 0.03, bonnet_y), (width * 0.97, bonnet_y), (width, middle), (0, middle)], paint * 1.12, paint * 0.88
    )
    canvas.shade([(0, middle), (width, middle), (width * 0.985, low), (width * 0.015, low)], paint * 0.94, paint * 0.55)
    canvas.polygon(
        [
            (width * 0.015, low - height * 0.035),
            (width * 0.985, low - height * 0.035),
            (width * 0.96, low + height * 0.02),
            (width * 0.04, low + height * 0.02),
        ],
        (34, 34, 34),
    )


def _lights(canvas: _Canvas, width: int, height: int, bonnet_y: float, view: View) -> NDArray[np.float32]:
    centres = []
    top, bottom = bonnet_y + (height - bonnet_y) * 0.12, bonnet_y + (height - bonnet_y) * 0.34
    outer = np.array([214, 216, 210] if view is View.FRONT else [30, 28, 150], np.float32)
    for mirrored in (False, True):
        points = [(0.02, top), (0.22, top + (bottom - top) * 0.2), (0.20, bottom), (0.025, bottom * 0.985)]
        placed = [((1 - x if mirrored else x) * width, y) for x, y in points]
        canvas.shade(placed, outer, outer * 0.62)
        centre = ((0.885 if mirrored else 0.115) * width + canvas.margin, (top + bottom) / 2)
        inner = (250, 250, 245, 255) if view is View.FRONT else (60, 60, 214, 255)
        cv2.circle(
            canvas.bgra, (round(centre[0]), round(centre[1])), round((bottom - top) * 0.3), inner, -1, cv2.LINE_AA
        )
        centres.append(centre)
    return np.array(centres, np.float32)


def _grille(canvas: _Canvas, width: int, height: int, bonnet_y: float) -> None:
    face = height - bonnet_y
    top, bottom = bonnet_y + face * 0.14, bonnet_y + face * 0.42
    canvas.polygon(
        [(0.26 * width, top), (0.74 * width, top), (0.70 * width, bottom), (0.30 * width, bottom)], (26,) * 3
    )
    for k in range(1, 5):
        y = round(top + (bottom - top) * k / 5)
        left, right = round(0.28 * width) + canvas.margin, round(0.72 * width) + canvas.margin
        cv2.line(canvas.bgra, (left, y), (right, y), (92, 92, 92, 255), 4, cv2.LINE_AA)
    centre = (round(width / 2) + canvas.margin, round((top + bottom) / 2))
    cv2.ellipse(canvas.bgra, centre, (34, 22), 0, 0, 360, (190, 190, 190, 255), -1, cv2.LINE_AA)
    low, high = bonnet_y + face * 0.74, bonnet_y + face * 0.86
    canvas.polygon([(0.2 * width, low), (0.8 * width, low), (0.77 * width, high), (0.23 * width, high)], (30, 30, 30))


def _boot(canvas: _Canvas, paint: NDArray[np.float32], width: int, height: int, bonnet_y: float) -> None:
    face = height - bonnet_y
    y = bonnet_y + face * 0.72
    for x0, x1, row in ((0.10, 0.90, y), (0.24, 0.76, bonnet_y + face * 0.10)):
        left, right = round(x0 * width) + canvas.margin, round(x1 * width) + canvas.margin
        dark = (*(float(c) for c in paint * 0.6), 255.0)
        cv2.line(canvas.bgra, (left, round(row)), (right, round(row)), dark, 5, cv2.LINE_AA)
    canvas.polygon(
        [
            (0.26 * width, bonnet_y + face * 0.30),
            (0.74 * width, bonnet_y + face * 0.30),
            (0.72 * width, bonnet_y + face * 0.66),
            (0.28 * width, bonnet_y + face * 0.66),
        ],
        paint * 0.66,
    )


def _mount_plate(
    canvas: _Canvas,
    plate: NDArray[np.uint8],
    width: int,
    height: int,
    bonnet_y: float,
    plate_width: float,
    view: View,
) -> NDArray[np.float32]:
    face = height - bonnet_y
    plate_height = plate_width * plate.shape[0] / plate.shape[1]
    middle_y = bonnet_y + face * (0.58 if view is View.FRONT else 0.48)
    left = (width - plate_width) / 2 + canvas.margin
    top = middle_y - plate_height / 2
    size = (round(plate_width), round(plate_height))
    x, y = round(left), round(top)
    small = cv2.resize(plate, size, interpolation=cv2.INTER_AREA)
    frame = 5
    cv2.rectangle(
        canvas.bgra, (x - frame, y - frame), (x + size[0] + frame, y + size[1] + frame), (24, 24, 24, 255), -1
    )
    canvas.bgra[y : y + size[1], x : x + size[0], :3] = small
    canvas.bgra[y : y + size[1], x : x + size[0], 3] = 255
    right, bottom = x + size[0], y + size[1]
    return np.array([(x, y), (right, y), (right, bottom), (x, bottom)], np.float32)

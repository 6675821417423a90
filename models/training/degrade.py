"""What a road camera does to a clean plate: the mount, the view, light, lens, sensor and codec.

Everything works on single-channel pictures, at the resolution the camera would have, so that small plates cost little.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.plates import Image, covered, saturated

Matrix = NDArray[np.float64]
_TONES: Final = np.arange(256, dtype=np.float32)
_GRAIN_PX: Final = 1024


def _held(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _blurred(image: Image, sigma: float) -> Image:
    """A Gaussian blur; OpenCV's own takes longer to work out its kernel than to apply it."""
    kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma, cv2.CV_32F)
    return np.asarray(cv2.sepFilter2D(image, -1, kernel, kernel), np.uint8)


@dataclass(frozen=True, slots=True)
class View:
    """How a plate lies in its crop: ``corners`` (4, 2) px clockwise from the top left, in a crop of this size."""

    corners: NDArray[np.float32]
    width: int
    height: int


def random_view(rng: np.random.Generator, aspect: float, px_wide: float, looseness: float = 1.0) -> View:
    """A view of a plate with width : height = ``aspect``, some ``px_wide`` wide.

    The crop is the upright box round the plate, loosened or tightened a little on each side.
    """
    draw = rng.random()
    tilt = 2.0 if draw < 0.4 else 6.0 if draw < 0.72 else 12.0
    angle = math.radians(_held(rng.normal(0, tilt), -26, 26))
    h = px_wide / aspect * rng.uniform(0.88, 1.12)
    if tilt > 10:  # seen well from the side
        h *= rng.uniform(1.0, 1.5)
    shear = math.tan(math.radians(_held(rng.normal(0, tilt * 0.9), -24, 24)))
    shrink = keystone = 1.0
    if rng.random() < 0.6:  # seen from the side: one end is smaller
        shrink += _held(rng.normal(0, 0.05), -0.2, 0.2)
        keystone += _held(rng.normal(0, 0.02), -0.08, 0.08)
    cos, sin = math.cos(angle), math.sin(angle)
    corners = []
    for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x = (across * px_wide + down * h * shear) / 2 * (keystone if down < 0 else 1)
        y = down * h / 2 * (shrink if across > 0 else 1 / shrink)
        corners.append((x * cos - y * sin, x * sin + y * cos))
    xs, ys = zip(*corners, strict=True)
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    is_tight = rng.random() < 0.5
    margins = [rng.normal(0.03, 0.045) if is_tight else rng.uniform(-0.02, 0.24) * looseness for _ in range(4)]
    # A box that cuts a plate takes more often from its edge than from its characters.
    left, top, right, bottom = (_held(margin, -0.035, 0.3) for margin in margins)
    dx, dy = left * wide - min(xs), top * high - min(ys)
    width, height = max(8, round(wide * (1 + left + right))), max(6, round(high * (1 + top + bottom)))
    return View(np.array([(x + dx, y + dy) for x, y in corners], np.float32), width, height)


def surroundings(rng: np.random.Generator, width: int, height: int) -> Image:
    """What lies round a plate: paint, bumper edges, grilles, lamps; ``(height, width) uint8``."""
    base = rng.uniform(10, 235)
    small = saturated(base + rng.normal(0, rng.uniform(2, 40), (3, 4)))
    image: Image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    for _ in range(int(rng.integers(0, 5))):
        tone = int(_held(base + rng.normal(0, 70), 0, 255))
        kind = rng.random()
        y = int(rng.integers(0, height))
        x = int(rng.integers(0, width))
        thick = int(rng.integers(1, max(2, height // 6)))
        if kind < 0.55:
            cv2.line(image, (0, y), (width, y + int(rng.normal(0, height * 0.1))), tone, thick, cv2.LINE_AA)
        elif kind < 0.7:
            cv2.line(image, (x, 0), (x + int(rng.normal(0, width * 0.1)), height), tone, thick, cv2.LINE_AA)
        elif kind < 0.85:
            cv2.rectangle(image, (x, y), (x + int(rng.integers(2, width)), y + int(rng.integers(2, height))), tone, -1)
        else:
            cv2.circle(image, (x, y), int(rng.integers(2, max(3, height // 2))), tone, -1, cv2.LINE_AA)
    if rng.random() < 0.12:  # a grille
        step = int(rng.integers(4, 12))
        image[::step, :] = int(max(base - 50, 0))
    return image


def projection(plate: Image, view: View) -> Matrix:
    """The homography (3, 3) from the plate's px to the crop's."""
    rows, columns = plate.shape[:2]
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, view.corners), np.float64)


def place(rng: np.random.Generator, plate: Image, matrix: Matrix, view: View, ground: Image) -> Image:
    """``plate`` seen in ``view``, into which ``matrix`` takes it, on ``ground``."""
    if rng.random() < 0.5:  # the shadow or the edge of the mount behind the plate
        grow = view.corners + (view.corners - view.corners.mean(0)) * rng.uniform(0.02, 0.12)
        grow += rng.normal(0, 0.02 * view.height, 2).astype(np.float32)
        cv2.fillConvexPoly(ground, np.round(grow).astype(np.int32), int(rng.integers(0, 90)), cv2.LINE_AA)
    out: Image = ground
    cv2.warpPerspective(plate, matrix, (view.width, view.height), out, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return out


def wear(rng: random.Random, plate: Image) -> Image:
    """Dirt, bolts, worn paint and scratches on the plate itself, in its own pixels."""
    rows, columns = plate.shape
    if rng.random() < 0.25:
        for _ in range(rng.randrange(1, 5)):
            x = rng.randrange(0, columns)
            y = int(rows * rng.choice([0.07, 0.12, 0.5, 0.9])) if rng.random() < 0.8 else rng.randrange(0, rows)
            radius = max(1, int(rows * rng.uniform(0.015, 0.045)))
            cv2.circle(plate, (x, y), radius, rng.choice([40, 90, 140, 220]), -1, cv2.LINE_AA)
    if rng.random() < 0.25:
        shape = (max(2, rows // rng.randrange(4, 20)), max(2, columns // rng.randrange(4, 20)))
        dirt = np.frombuffer(rng.randbytes(shape[0] * shape[1]), np.uint8).reshape(shape)
        dirt = cv2.multiply(dirt, dirt, scale=rng.uniform(0.15, 0.75) / 255)
        cover: Image = cv2.resize(dirt, (columns, rows), interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.5:  # thrown up from the road: worse at one edge
            slope = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
            cover = (cover * (slope if rng.random() < 0.7 else 1 - slope)).astype(np.uint8)
        plate = covered(plate, cover, rng.uniform(30, 170))
    if rng.random() < 0.08:
        for _ in range(rng.randrange(1, 4)):
            a = (rng.randrange(0, columns), rng.randrange(0, rows))
            b = (a[0] + int(rng.gauss(0, columns * 0.2)), a[1] + int(rng.gauss(0, rows * 0.4)))
            cv2.line(plate, a, b, rng.randrange(0, 255), max(1, rows // 50), cv2.LINE_AA)
    return plate


def frame(rng: random.Random, plate: Image, letters: Image | None) -> tuple[Image, tuple[int, int]]:
    """A dealer's frame round the plate, perhaps with his name (``letters``, a mask) along the lower edge.

    Gives the picture and where the plate's own corner (x, y) px now stands.
    """
    rows, columns = plate.shape
    tone = rng.choice([15, 25, 40, 130, 210, 235])
    side = int(columns * rng.uniform(0.004, 0.02)) + 1
    top, bottom = int(rows * rng.uniform(0.01, 0.05)) + 1, int(rows * rng.uniform(0.03, 0.17)) + 1
    out: Image = cv2.copyMakeBorder(plate, top, bottom, side, side, cv2.BORDER_CONSTANT, value=tone)
    if letters is not None and bottom >= 4:
        height = max(2, int(bottom * 0.7))
        width = int(min(columns * rng.uniform(0.3, 0.9), letters.shape[1] * height / letters.shape[0] * 1.2))
        if width > 3:
            mask = cv2.resize(letters, (width, height), interpolation=cv2.INTER_AREA)
            y, x = out.shape[0] - bottom + (bottom - height) // 2, (out.shape[1] - width) // 2
            part = out[y : y + height, x : x + width]
            part[:] = covered(part, mask, 230 if tone < 128 else 30)
    return out, (side, top)


def light(rng: np.random.Generator, image: Image) -> Image:
    """Exposure, contrast, gradients, cast shadows, glare, the look of infrared."""
    rows, columns = image.shape
    tones: NDArray[np.floating]
    draw = rng.random()
    if draw < 0.12:  # infrared at night: the plate shines, its surroundings are dark, noise comes later
        tones = 255 * (_TONES / 255) ** rng.uniform(0.5, 1.6) * rng.uniform(0.6, 1.5)
    elif draw < 0.3:  # dusk or underexposed: little contrast
        tones = rng.uniform(5, 60) + _TONES * rng.uniform(0.2, 0.55)
    elif draw < 0.42:  # haze or overexposed
        tones = rng.uniform(60, 140) + _TONES * rng.uniform(0.25, 0.6)
    else:
        tones = (_TONES - 128) * rng.uniform(0.6, 1.35) + 128 + rng.normal(0, 25)
    is_graded, is_shaded, is_dazzled = rng.random() < 0.3, rng.random() < 0.12, rng.random() < 0.08
    if not (is_graded or is_shaded or is_dazzled):
        return np.asarray(cv2.LUT(image, saturated(tones)), np.uint8)
    pixels = cv2.LUT(image, tones)
    if is_graded:
        knots = rng.normal(1, 0.16, (2, 3)).astype(np.float32)
        pixels *= cv2.resize(knots, (columns, rows), interpolation=cv2.INTER_LINEAR)
    if is_shaded:  # a shadow's edge across the plate
        points = np.array(
            [
                [0, rng.uniform(-0.3, 1.2) * rows],
                [columns, rng.uniform(-0.3, 1.2) * rows],
                [columns, rows * 3],
                [0, rows * 3],
            ]
        )
        if rng.random() < 0.4:
            x = rng.uniform(0, columns, 2)
            points = np.array([[x[0], 0], [columns * 3, 0], [columns * 3, rows], [x[1], rows]])
        mask = np.zeros(image.shape, np.uint8)
        cv2.fillConvexPoly(mask, np.round(points).astype(np.int32), 255, cv2.LINE_AA)
        pixels *= 1 - mask.astype(np.float32) / 255 * rng.uniform(0.2, 0.7)
    if is_dazzled:
        x, y = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)[:, None]
        cx, cy, r = rng.uniform(0, columns), rng.uniform(0, rows), rng.uniform(0.15, 0.5) * columns
        pixels += np.exp((x - cx) ** 2 / (-2 * r * r)) * np.exp((y - cy) ** 2 / (-r * r)) * rng.uniform(40, 190)
    return saturated(pixels)


def lens(rng: np.random.Generator, image: Image, stroke_px: float) -> Image:
    """Defocus and motion, measured against the stroke's width so that few become hopeless."""
    draw = rng.random()
    if draw < 0.55:
        sigma = abs(rng.normal(0, 0.4)) * max(stroke_px, 0.7)
        if sigma > 0.25:
            image = _blurred(image, min(sigma, 8))
    elif draw < 0.72:
        length = min(rng.uniform(0.5, 2.2) * max(stroke_px, 1.0), 40)
        if length > 1.5:
            size = math.ceil(length) | 1
            kernel = np.zeros((size, size), np.float32)
            a = rng.normal(0, 0.5) if rng.random() < 0.7 else rng.uniform(0, math.pi)
            middle, dx, dy = size // 2, math.cos(a) * length / 2, math.sin(a) * length / 2
            start, end = ((round((middle + s * dx) * 16), round((middle + s * dy) * 16)) for s in (-1, 1))
            cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
            total = kernel.sum()
            if total > 0:
                image = cv2.filter2D(image, -1, kernel / total)
    return image


@lru_cache(maxsize=1)
def _grain() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Noise of deviation 1, sharp and soft, that crops take their pieces of."""
    sharp = np.random.default_rng(0).standard_normal((_GRAIN_PX, _GRAIN_PX), np.float32)
    return sharp, np.asarray(cv2.GaussianBlur(sharp, (3, 3), 0) * 1.8, np.float32)


def sensor(rng: np.random.Generator, image: Image) -> Image:
    """Noise, rain, the camera's sharpening."""
    rows, columns = image.shape
    if rng.random() < 0.04:  # rain
        for _ in range(int(rng.integers(2, 12))):
            x, y = int(rng.integers(0, columns)), int(rng.integers(0, rows))
            length = int(rng.integers(2, max(3, rows // 3)))
            cv2.line(
                image, (x, y), (x + int(rng.normal(0, 1.5)), y + length), int(rng.integers(140, 255)), 1, cv2.LINE_AA
            )
    if rng.random() < 0.38:
        # Noise that drowns the characters teaches nothing: it stays under the picture's own contrast.
        sigma = min(math.exp(rng.uniform(math.log(1.2), math.log(16))), 0.4 * cv2.meanStdDev(image)[1].item() + 1)
        grain = _grain()[int(rng.random() < 0.4)]
        y, x = int(rng.integers(_GRAIN_PX - rows)), int(rng.integers(_GRAIN_PX - columns))
        image = saturated(image + grain[y : y + rows, x : x + columns] * np.float32(sigma))
    if rng.random() < 0.25:
        soft = _blurred(image, rng.uniform(0.7, 1.6))
        amount = rng.uniform(0.4, 2.0)
        image = cv2.addWeighted(image, 1 + amount, soft, -amount, 0)
    return image


def second_hand(rng: np.random.Generator, image: Image) -> Image:
    """A small picture that somebody sharpened, packed hard and enlarged: what many collections of photos hold."""
    rows, columns = image.shape
    soft = _blurred(image, rng.uniform(0.6, 1.2))
    amount = rng.uniform(0.3, 2.2)
    image = codec(rng, cv2.addWeighted(image, 1 + amount, soft, -amount, 0))
    factor = rng.uniform(1.2, 2.6)
    size = (max(8, round(columns * factor)), max(6, round(rows * factor)))
    out: Image = cv2.resize(image, size, interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    return codec(rng, out)


def codec(rng: np.random.Generator, image: Image) -> Image:
    """Block artefacts of JPEG, and a video codec's: blocks of coarse detail with their edges smoothed."""
    if rng.random() < 0.55:
        pad = (int(rng.integers(0, 8)), int(rng.integers(0, 8)))
        shifted = cv2.copyMakeBorder(image, pad[0], 0, pad[1], 0, cv2.BORDER_REPLICATE)
        quality = int(_held(rng.normal(55, 25), 12, 95))
        _, data = cv2.imencode(".jpg", shifted, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
        image = decoded[pad[0] :, pad[1] :]
        if rng.random() < 0.3:  # the deblocking filter of a video codec
            image = cv2.GaussianBlur(image, (3, 3), 0)
    return image

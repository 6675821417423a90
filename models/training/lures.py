"""Grounds for the detector's training pictures, and what a detector would take for a plate and is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.workbench import lettering, slats, write

Image = NDArray[np.uint8]


def read_backgrounds(folders: Sequence[Path], most: int, longest_px: int = 1400) -> list[Image]:
    """At most ``most`` photographs below ``folders``, in the order of their paths, without the small and unreadable."""
    paths = sorted(p for f in folders for p in f.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    pictures: list[Image] = []
    for path in paths[:: max(1, len(paths) // max(most, 1))][:most]:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None or min(picture.shape[:2]) < 200:
            continue
        shrink = longest_px / max(picture.shape[:2])
        if shrink < 1:
            picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        pictures.append(np.asarray(picture, np.uint8))
    return pictures


def read_stickers(folders: Sequence[Path], most: int, longest_px: int = 220) -> list[Image]:
    """At most ``most`` pictures with transparency (signs, drawings) below ``folders``, ``(h, w, 4) uint8`` BGRA."""
    paths = sorted(p for f in folders for p in f.rglob("*.png"))
    stickers: list[Image] = []
    for path in paths[:: max(1, len(paths) // max(most, 1))][:most]:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
            continue
        shrink = longest_px / max(picture.shape[:2])
        if shrink < 1:
            picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        stickers.append(np.asarray(picture, np.uint8))
    return stickers


def cut_from(rng: np.random.Generator, pictures: Sequence[Image], size: int, least: float = 0.25) -> Image:
    """A square cut from one of ``pictures``, ``(size, size, 3)``."""
    picture = pictures[int(rng.integers(len(pictures)))]
    side = int(min(picture.shape[:2]) * rng.uniform(least, 1.0))
    y = int(rng.integers(0, picture.shape[0] - side + 1))
    x = int(rng.integers(0, picture.shape[1] - side + 1))
    cut = cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut, np.uint8)


def ground(rng: np.random.Generator, pictures: Sequence[Image], size: int) -> Image:
    """A ground ``(size, size, 3) uint8``: a photograph, a street before something, or a smooth blur."""
    draw = rng.random()
    if len(pictures) and draw < 0.4:
        cut = cut_from(rng, pictures, size)
        return np.asarray(np.clip(cut * rng.uniform(0.5, 1.2) + rng.normal(0, 12, 3), 0, 255), np.uint8)
    if draw < 0.9:
        return _street(rng, pictures, size)
    return _smooth(rng, size, rng.uniform(20, 220), 35)


def _smooth(rng: np.random.Generator, size: int, level: float, spread: float) -> Image:
    coarse = level + rng.normal(0, spread, (int(rng.integers(2, 8)), int(rng.integers(2, 8)), 3))
    smooth = cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0, 255), np.uint8)


def _rough(rng: np.random.Generator, size: int, tone: NDArray[np.float64]) -> Image:
    """Asphalt, plaster, leaves: noise of several scales over a tone."""
    out = np.zeros((size, size, 1), np.float32)
    for scale in (4, 16, size):
        cells = max(2, size // scale) if scale < size else size
        layer = rng.normal(0, rng.uniform(2, 14), (cells, cells)).astype(np.float32)
        out += cv2.resize(layer, (size, size), interpolation=cv2.INTER_LINEAR)[..., None]
    return np.asarray(np.clip(out + tone, 0, 255), np.uint8)


def _street(rng: np.random.Generator, pictures: Sequence[Image], size: int) -> Image:
    """A road below, and above it a photograph, a wall, a house front, a fence or leaves."""
    horizon = int(size * rng.uniform(0.05, 0.7))
    kind = int(rng.integers(5))
    if kind == 0 and len(pictures):
        image = cut_from(rng, pictures, size)
    elif kind == 1:
        image = _rough(rng, size, np.array([rng.uniform(20, 60), rng.uniform(50, 130), rng.uniform(30, 90)]))
        image = cv2.GaussianBlur(image, (0, 0), 1.5) if rng.random() < 0.3 else image
    else:
        image = _rough(rng, size, rng.uniform(40, 220) + rng.normal(0, 14, 3))
        tone = list(np.clip(rng.uniform(10, 230) + rng.normal(0, 15, 3), 0, 255))
        if kind == 2:
            _facade(image, rng, horizon, tone)
        elif kind == 3:
            _bricks(image, rng, horizon, tone)
        else:
            slats(image, rng, (0, int(horizon * rng.uniform(0, 0.8)), size, max(horizon, 12)), tone)
    road = _rough(rng, size, rng.uniform(50, 190) + rng.normal(0, 5, 3))
    image[horizon:] = road[horizon:]
    for _ in range(int(rng.integers(0, 4))):  # lines on the road
        tone = [240, 240, 240] if rng.random() < 0.6 else [50, 190, 230]
        foot, top = int(rng.integers(-size, 2 * size)), int(rng.integers(0, size))
        wide = rng.uniform(3, 22)
        end = int(rng.integers(horizon, size)) if rng.random() < 0.3 else horizon
        points = [(foot - wide, size), (foot + wide, size), (top + wide * 0.3, end), (top - wide * 0.3, end)]
        cv2.fillPoly(image, [np.array(points).round().astype(np.int32)], tone, cv2.LINE_AA)
    if rng.random() < 0.3:  # a kerb
        cv2.rectangle(
            image, (0, horizon), (size, horizon + int(rng.integers(3, 14))), [float(rng.uniform(90, 220))] * 3, -1
        )
    return np.ascontiguousarray(image)


def _facade(image: Image, rng: np.random.Generator, low: int, tone: Sequence[float]) -> None:
    """Rows of windows."""
    size = image.shape[1]
    wide, high = (int(v) for v in rng.integers(14, 70, 2))
    gap = int(rng.integers(6, 40))
    frame = [float(rng.uniform(60, 250))] * 3
    for y in range(int(rng.integers(-high, 10)), low, high + gap):
        for x in range(int(rng.integers(-wide, 10)), size, wide + gap):
            shade = [float(np.clip(c * rng.uniform(0.5, 1.5), 0, 255)) for c in tone]
            cv2.rectangle(image, (x, y), (x + wide, y + high), shade, -1)
            cv2.rectangle(image, (x, y), (x + wide, y + high), frame, max(1, gap // 10))
            if wide > 30:
                cv2.line(image, (x + wide // 2, y), (x + wide // 2, y + high), frame, max(1, gap // 12))


def _bricks(image: Image, rng: np.random.Generator, low: int, tone: Sequence[float]) -> None:
    high = int(rng.integers(5, 26))
    wide = int(high * rng.uniform(1.6, 3.2))
    for row, y in enumerate(range(0, low, high)):
        cv2.line(image, (0, y), (image.shape[1], y), list(tone), 1)
        for x in range((row % 2) * wide // 2, image.shape[1], wide):
            cv2.line(image, (x, y), (x, y + high), list(tone), 1)


def lure(image: Image, rng: np.random.Generator, stickers: Sequence[Image], pictures: Sequence[Image]) -> None:
    """Draw something like a plate that is none: lettering, a board, bars, a lamp, an empty panel, a sign."""
    size = image.shape[1]
    x, y = int(rng.integers(-20, size)), int(rng.integers(0, size))
    width = int(np.exp(rng.uniform(np.log(14), np.log(200))))
    height = max(int(width * rng.uniform(0.12, 0.7)), 5)
    tone, other = ([float(v) for v in rng.integers(0, 256, 3)] for _ in range(2))
    if rng.random() < 0.4:
        tone, other = [float(rng.uniform(170, 255))] * 3, [float(rng.uniform(0, 60))] * 3
    match int(rng.choice(9, p=[0.14, 0.16, 0.12, 0.08, 0.08, 0.08, 0.18, 0.08, 0.08])):
        case 0:  # lettering on the ground itself
            write(image, rng, lettering(rng), (x, y), height * 0.6, other)
        case 1:  # a board with lines of lettering
            high = rng.uniform(5, 22)
            lines = int(rng.integers(1, 5))
            deep = int(high * (1.5 * lines + rng.uniform(0.6, 4)))
            wide = int(high * rng.uniform(4, 14))
            cv2.rectangle(image, (x, y), (x + wide, y + deep), tone, -1)
            if rng.random() < 0.5:
                cv2.rectangle(image, (x, y), (x + wide, y + deep), other, max(1, int(high * 0.15)))
            board = image[max(y, 0) : max(y + deep, 0), max(x, 0) : max(x + wide, 0)]
            for k in range(lines if board.size else 0):
                at = (high * rng.uniform(0.2, 1.5), high * (1.4 + 1.5 * k))
                _on(board, rng, lettering(rng, 20), at, high * rng.uniform(0.5, 1.1), other)
        case 2:  # a grille, blinds, a fence
            cv2.rectangle(image, (x, y), (x + width, y + height), other, -1)
            slats(image, rng, (x, y, x + width, y + height), tone)
        case 3:  # a lamp
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(image, (x, y), (width // 2, height // 2), turn, 0, 360, tone, -1, cv2.LINE_AA)
            cv2.ellipse(image, (x, y), (width // 4, height // 4), turn, 0, 360, other, -1, cv2.LINE_AA)
        case 4:  # an empty panel with a border
            cv2.rectangle(image, (x, y), (x + width, y + height), tone, -1)
            cv2.rectangle(image, (x, y), (x + width, y + height), other, max(1, height // 12))
        case 5:  # a number on a board
            cv2.rectangle(image, (x, y), (x + width, y + width), tone, -1)
            cv2.putText(
                image, str(int(rng.integers(99))), (x, y + width // 2), 0, width / 60, other, max(1, width // 30)
            )
        case 6 if len(stickers):  # a sign or a drawing
            _stick(image, stickers[int(rng.integers(len(stickers)))], (x, y), width, rng)
        case 7 if len(pictures):  # a bright or striped piece of a photograph, set in like a plate
            cut = cut_from(rng, pictures, 64, 0.05)
            area = image[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
            if area.size:
                piece = cv2.resize(cut, area.shape[1::-1], interpolation=cv2.INTER_AREA)
                area[:] = np.clip(piece * rng.uniform(0.7, 1.5) + rng.uniform(0, 60), 0, 255).astype(np.uint8)
        case _:  # chequers: what remains of lettering too far to be read
            cells = rng.integers(0, 255, (int(rng.integers(1, 4)), int(rng.integers(4, 12))))
            area = image[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
            if area.size:
                area[:] = cv2.resize(cells.astype(np.uint8), area.shape[1::-1], interpolation=cv2.INTER_CUBIC)[
                    ..., None
                ]


def _on(
    board: Image, rng: np.random.Generator, text: str, at: tuple[float, float], high: float, tone: Sequence[float]
) -> None:
    """Write inside ``board``, a view of a picture, alone."""
    own = np.ascontiguousarray(board)
    write(own, rng, text, at, high, tone)
    board[:] = own


def _stick(image: Image, sticker: Image, at: tuple[int, int], width: int, rng: np.random.Generator) -> None:
    factor = width / sticker.shape[1]
    small = cv2.resize(sticker, (width, max(2, round(sticker.shape[0] * factor))), interpolation=cv2.INTER_AREA)
    x, y = at
    area = image[max(y, 0) : max(y + small.shape[0], 0), max(x, 0) : max(x + width, 0)]
    part = small[max(-y, 0) : max(-y, 0) + area.shape[0], max(-x, 0) : max(-x, 0) + area.shape[1]]
    cover = part[..., 3:].astype(np.float32) / 255
    area[:] = (area * (1 - cover) + part[..., :3] * cover * rng.uniform(0.4, 1.0)).astype(np.uint8)

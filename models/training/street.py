"""Training pictures for the plate detector: plates on vehicles, on panels, on bare ground, and much that is no plate.

Each picture comes with the corners of its plates. Backgrounds are the photographs of any folder (landscapes, textures);
what a detector would take for a plate and is none (lettering, grilles, lamps, empty frames) is drawn on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.faces import Face, random_drawn_face
from models.training.layouts import random_design
from models.training.plates import draw
from models.training.vehicle import BODIES, COLOURS, SPRITE_WIDTH, Sprite, View, draw_vehicle

Image = NDArray[np.uint8]
Quad = NDArray[np.float32]
"""Corners ``(4, 2)`` px, clockwise from the plate's own upper left."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A training picture ``(size, size, 3) uint8`` BGR and the plates in it, ``(n, 4, 2) float32``."""

    image: Image
    quads: Quad
    unclear: Quad
    """Plates too small or too much cut off to be asked for, ``(m, 4, 2) float32``: neither plate nor ground."""


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


@dataclass(slots=True)
class Street:
    """Composes training pictures of ``size`` px. Deterministic in ``seed`` and the order of calls."""

    seed: int
    size: int = 320
    backgrounds: Sequence[Image] = ()
    faces: Sequence[Face] = ()
    pool: int = 600
    _rng: np.random.Generator = field(init=False)
    _plates: list[Image] = field(init=False)
    _sprites: list[Sprite] = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        rng = self._rng
        self._plates = [self._plate() for _ in range(self.pool)]
        blank = np.full((112, 520, 3), 120, np.uint8)
        bodies, colours = list(BODIES), list(COLOURS)
        self._sprites = [
            _jittered(
                draw_vehicle(
                    bodies[int(rng.integers(len(bodies)))],
                    colours[int(rng.integers(len(colours)))],
                    View.FRONT if rng.random() < 0.5 else View.REAR,
                    blank,
                ),
                rng,
            )
            for _ in range(max(self.pool // 8, 8))
        ]

    def __call__(self) -> Picture:
        """The next picture."""
        rng = self._rng
        image = self._ground()
        quads: list[Quad] = []
        for _ in range(int(rng.integers(0, 4))):
            self._lure(image)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15]))):
            self._vehicle(image, quads)
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.4, 0.2, 0.1]))):
            self._loose(image, quads)
        image = self._degraded(image)
        clear = [_share_inside(q, self.size) > 0.7 and float(np.linalg.norm(q[1] - q[0])) > 14 for q in quads]
        every = np.array(quads, np.float32).reshape(-1, 4, 2)
        chosen = np.array(clear, bool)
        return Picture(image, every[chosen], every[~chosen])

    def _plate(self) -> Image:
        rng = self._rng
        if len(self.faces) and rng.random() < 0.7:
            face: Face = self.faces[int(rng.integers(len(self.faces)))]
        else:
            face = random_drawn_face(rng)
        plate = draw(random_design(rng), face, 0.5).image[..., ::-1]
        if rng.random() < 0.25:  # a dealer's frame
            top, bottom, left, right = (int(v) for v in rng.integers(2, 12, 4))
            tone = [int(v) for v in rng.integers(0, 90, 3)] if rng.random() < 0.8 else [200, 200, 200]
            return np.asarray(
                cv2.copyMakeBorder(plate, top, bottom, left, right, cv2.BORDER_CONSTANT, value=tone), np.uint8
            )
        return np.ascontiguousarray(plate)

    def _ground(self) -> Image:
        rng, size = self._rng, self.size
        if self.backgrounds and rng.random() < 0.85:
            picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
            side = int(min(picture.shape[:2]) * rng.uniform(0.25, 1.0))
            y = int(rng.integers(0, picture.shape[0] - side + 1))
            x = int(rng.integers(0, picture.shape[1] - side + 1))
            cut = cv2.resize(picture[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
            if rng.random() < 0.5:
                cut = cut[:, ::-1]
            gain = rng.uniform(0.5, 1.2)
            return np.asarray(np.clip(cut * gain + rng.normal(0, 12, 3), 0, 255), np.uint8)
        coarse = rng.uniform(20, 220) + rng.normal(0, 35, (int(rng.integers(2, 8)), int(rng.integers(2, 8)), 3))
        smooth = cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(smooth, 0, 255), np.uint8)

    def _lure(self, image: Image) -> None:
        """Something like a plate that is none: lettering, bars, a lamp, an empty box."""
        rng, size = self._rng, self.size
        x, y = int(rng.integers(-20, size)), int(rng.integers(0, size))
        width = int(np.exp(rng.uniform(np.log(16), np.log(200))))
        height = max(int(width * rng.uniform(0.12, 0.7)), 5)
        tone = [int(v) for v in rng.integers(0, 256, 3)]
        other = [int(v) for v in rng.integers(0, 256, 3)]
        match int(rng.integers(5)):
            case 0:  # lettering on the ground itself
                text = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(3, 12))))
                font = int(rng.integers(0, 6))
                scale = height / 30
                cv2.putText(image, text, (x, y), font, scale, tone, max(1, int(scale * 2)), cv2.LINE_AA)
            case 1:  # a grille, blinds, a fence
                step = max(int(height / rng.uniform(3, 9)), 2)
                upright = rng.random() < 0.5
                cv2.rectangle(image, (x, y), (x + width, y + height), other, -1)
                for k in range(0, width if upright else height, step):
                    a, b = ((x + k, y), (x + k, y + height)) if upright else ((x, y + k), (x + width, y + k))
                    cv2.line(image, a, b, tone, max(1, step // 3), cv2.LINE_AA)
            case 2:  # a lamp
                cv2.ellipse(
                    image, (x, y), (width // 2, height // 2), float(rng.uniform(0, 180)), 0, 360, tone, -1, cv2.LINE_AA
                )
                cv2.ellipse(image, (x, y), (width // 4, height // 4), 0, 0, 360, other, -1, cv2.LINE_AA)
            case 3:  # an empty panel with a border
                cv2.rectangle(image, (x, y), (x + width, y + height), tone, -1)
                cv2.rectangle(image, (x, y), (x + width, y + height), other, max(1, height // 12))
            case _:  # a sign: a few large words or a number on a board
                cv2.rectangle(image, (x, y), (x + width, y + width), tone, -1)
                text = "".join(chr(int(c)) for c in rng.integers(48, 58, 2))
                cv2.putText(image, text, (x, y + width // 2), 0, width / 60, other, max(1, width // 30), cv2.LINE_AA)

    def _vehicle(self, image: Image, quads: list[Quad]) -> None:
        rng, size = self._rng, self.size
        sprite = self._sprites[int(rng.integers(len(self._sprites)))]
        height, width = sprite.bgra.shape[:2]
        wide = np.exp(rng.uniform(np.log(70), np.log(900)))
        scale = wide / width
        # place by the plate, so that plates are seen also when the vehicle is larger than the picture
        centre = sprite.plate.mean(axis=0) * scale
        left = rng.uniform(0.05, 0.95) * size - centre[0]
        top = rng.uniform(0.15, 0.98) * size - centre[1]
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        placed = corners * scale + np.array([left, top])
        placed += rng.normal(0, 0.03, (4, 2)) * wide
        to_picture = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
        layer = cv2.warpPerspective(sprite.bgra, to_picture, (size, size), flags=cv2.INTER_AREA)
        gain = rng.uniform(0.35, 1.15)
        alpha = layer[..., 3:].astype(np.float32) / 255
        image[:] = np.clip(image * (1 - alpha) + layer[..., :3] * gain * alpha, 0, 255).astype(np.uint8)
        if rng.random() < 0.88:
            mount = cv2.perspectiveTransform(sprite.plate[None], to_picture)[0]
            self._stick(image, mount, quads, fit=True)

    def _loose(self, image: Image, quads: list[Quad]) -> None:
        """A plate on a panel or on the bare ground, turned and slanted."""
        rng, size = self._rng, self.size
        wide = np.exp(rng.uniform(np.log(16), np.log(230)))
        centre = rng.uniform(0.05, 0.95, 2) * size
        turn = rng.normal(0, 0.14)
        base = np.array([(-0.5, -0.11), (0.5, -0.11), (0.5, 0.11), (-0.5, 0.11)]) * wide
        base[:, 0] *= rng.uniform(0.6, 1.0)
        base[:, 1] += base[:, 0] * rng.normal(0, 0.12)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        mount = (base @ rotation.T + centre + rng.normal(0, 0.015, (4, 2)) * wide).astype(np.float32)
        if rng.random() < 0.6:
            tone = rng.integers(0, 256, 3).astype(float) * rng.uniform(0.3, 1)
            panel = centre + (mount - centre) * np.array([rng.uniform(1.2, 3.5), rng.uniform(1.5, 7)])
            layer = image.copy()
            cv2.fillConvexPoly(layer, panel.astype(np.int32), tone.tolist(), cv2.LINE_AA)
            shade = np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1.2), size)[:, None, None]
            image[:] = np.where(layer != image, np.clip(layer * shade, 0, 255), image).astype(np.uint8)
        self._stick(image, mount, quads, fit=True)

    def _stick(self, image: Image, mount: Quad, quads: list[Quad], *, fit: bool) -> None:
        """Put a plate of the pool where ``mount`` is, keeping the plate's own proportions."""
        rng, size = self._rng, self.size
        plate = self._plates[int(rng.integers(len(self._plates)))]
        if fit:
            middle = mount.mean(axis=0)
            along = (mount[1] + mount[2] - mount[0] - mount[3]) / 2
            down = (mount[2] + mount[3] - mount[0] - mount[1]) / 2
            ratio = plate.shape[0] / plate.shape[1]
            if ratio > 0.4:
                along = along * 0.62
            down = down / max(float(np.linalg.norm(down)), 1e-3) * float(np.linalg.norm(along)) * ratio
            mount = np.array(
                [
                    middle - along / 2 - down / 2,
                    middle + along / 2 - down / 2,
                    middle + along / 2 + down / 2,
                    middle - along / 2 + down / 2,
                ],
                np.float32,
            )
        wide = max(float(np.linalg.norm(mount[1] - mount[0])), 4.0)
        shrink = 1.6 * wide / plate.shape[1]
        if shrink < 1:
            plate = np.asarray(cv2.resize(plate, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        h, w = plate.shape[:2]
        if h < 2 or w < 4:
            return
        gain = rng.uniform(0.35, 1.1)
        lit = np.clip(plate * gain + rng.normal(0, 6, 3), 0, 255).astype(np.uint8)
        lit = np.dstack([lit, np.full((h, w), 255, np.uint8)])
        corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
        to_picture = cv2.getPerspectiveTransform(corners, mount)
        layer = cv2.warpPerspective(lit, to_picture, (size, size), flags=cv2.INTER_LINEAR)
        x0, y0 = np.clip(mount.min(axis=0).astype(int) - 2, 0, size)
        x1, y1 = np.clip(mount.max(axis=0).astype(int) + 3, 0, size)
        if x1 <= x0 or y1 <= y0:
            return
        cut, area = layer[y0:y1, x0:x1], image[y0:y1, x0:x1]
        alpha = cut[..., 3:].astype(np.float32) / 255
        area[:] = (area * (1 - alpha) + cut[..., :3] * alpha).astype(np.uint8)
        # what is stuck over an earlier plate hides it
        quads[:] = [q for q in quads if _overlap(q, mount) < 0.2]
        quads.append(mount)

    def _degraded(self, image: Image) -> Image:
        rng, size = self._rng, self.size
        out = image
        draw_ = rng.random()
        if draw_ < 0.35:
            out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.6))), np.uint8)
        elif draw_ < 0.5:
            length = int(rng.integers(3, 10))
            kernel = np.zeros((length, length), np.float32)
            kernel[length // 2] = 1 / length
            turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1.0)
            out = np.asarray(cv2.filter2D(out, -1, cv2.warpAffine(kernel, turn, (length, length))), np.uint8)
        elif draw_ < 0.6:
            small = int(size * rng.uniform(0.5, 0.9))
            shrunk = cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA)
            out = np.asarray(cv2.resize(shrunk, (size, size)), np.uint8)
        table = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.35)) * 255 * rng.uniform(0.55, 1.1)
        out = np.asarray(cv2.LUT(out, np.clip(table + rng.normal(0, 8), 0, 255).astype(np.uint8)), np.uint8)
        if rng.random() < 0.2:  # infrared at night, or a grey camera
            out = np.asarray(cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
        if rng.random() < 0.6:
            grain = rng.normal(0, rng.uniform(1, 12), (size, size, 1 if rng.random() < 0.5 else 3))
            out = np.asarray(np.clip(out + grain, 0, 255), np.uint8)
        if rng.random() < 0.5:
            _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
            out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        return np.ascontiguousarray(out)


def _jittered(sprite: Sprite, rng: np.random.Generator) -> Sprite:
    """A drawn vehicle at a quarter of its size with dirt and light of its own."""
    factor = 480 / SPRITE_WIDTH
    small = cv2.resize(sprite.bgra, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    coarse = rng.normal(1.0, 0.22, (6, 6, 1)).astype(np.float32)
    light = cv2.resize(coarse, small.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    small[..., :3] = np.clip(small[..., :3] * light + rng.normal(0, 5, (*small.shape[:2], 1)), 0, 255)
    return Sprite(small, sprite.plate * np.float32(factor), sprite.lamps * np.float32(factor), sprite.body)


def _share_inside(quad: Quad, size: int) -> float:
    frame = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    return float(cv2.intersectConvexConvex(quad, frame)[0] / max(cv2.contourArea(quad), 1e-3))


def _overlap(quad: Quad, other: Quad) -> float:
    return float(cv2.intersectConvexConvex(quad, other)[0] / max(cv2.contourArea(quad), 1e-3))

"""Training pictures for the plate detector: plates on vehicles, on panels, on bare ground, and much that is no plate.

Each picture comes with the corners of its plates. Grounds and lures are in ``models.training.lures``, vehicles in
``models.training.coachwork``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.coachwork import Coach, random_vehicle
from models.training.faces import Face, random_drawn_face
from models.training.layouts import random_design
from models.training.lures import cut_from, ground, lure
from models.training.plates import draw

Image = NDArray[np.uint8]
Quad = NDArray[np.float32]
"""Corners ``(4, 2)`` px, clockwise from the plate's own upper left."""
LEAST_PX = 14.0
"""Plates shorter than this are neither asked for nor forbidden."""
LEAST_CONTRAST = 5.0
"""Standard deviation of grey values below which a plate can't be told from its ground."""
_COUNTRIES = ("kz", "eu", "us", "br", "ru", "ua", "kg", "uz", "by", "tr", "cn", "ge", "am", "other")
_SHARES = np.array([0.2, 0.2, 0.17, 0.12, 0.06, 0.08, 0.02, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01, 0.05])


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A training picture ``(size, size, 3) uint8`` BGR and the plates in it, ``(n, 4, 2) float32``."""

    image: Image
    quads: Quad
    unclear: Quad
    """Plates too small or too much cut off to be asked for, ``(m, 4, 2) float32``: neither plate nor ground."""


@dataclass(slots=True)
class Street:
    """Composes training pictures of ``size`` px. Picture ``n`` depends on ``seed``, ``n`` and what is handed in."""

    seed: int
    size: int = 320
    backgrounds: Sequence[Image] = ()
    stickers: Sequence[Image] = ()
    faces: Sequence[Face] = ()
    pool: int = 1200
    """Plates drawn ahead; a quarter as many vehicles."""
    _rng: np.random.Generator = field(init=False)
    _plates: list[Image] = field(init=False)
    _hidden: list[Quad] = field(init=False, default_factory=list)
    _coaches: list[Coach] = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._plates = [self._plate() for _ in range(self.pool)]
        self._coaches = [random_vehicle(self._rng, self.backgrounds) for _ in range(max(self.pool // 4, 8))]

    def picture(self, number: int) -> Picture:
        """The picture of that number."""
        self._rng = rng = np.random.default_rng([self.seed, number])
        image = ground(rng, self.backgrounds, self.size)
        quads: list[Quad] = []
        self._hidden = []
        for _ in range(int(rng.integers(0, 6))):
            lure(image, rng, self.stickers, self.backgrounds)
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.15, 0.5, 0.22, 0.13]))):
            self._vehicle(image, quads)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.58, 0.3, 0.12]))):
            self._loose(image, quads)
        if rng.random() < 0.15:
            self._obstacle(image)
        image = self._degraded(image)
        clear = [q for q in quads if _is_clear(image, q)]
        unclear = [*(q for q in quads if not _is_clear(image, q)), *self._hidden]
        return Picture(image, *(np.array(some, np.float32).reshape(-1, 4, 2) for some in (clear, unclear)))

    def _plate(self) -> Image:
        rng = self._rng
        if len(self.faces) and rng.random() < 0.7:
            face: Face = self.faces[int(rng.integers(len(self.faces)))]
        else:
            face = random_drawn_face(rng)
        country = _COUNTRIES[int(rng.choice(len(_COUNTRIES), p=_SHARES / _SHARES.sum()))]
        plate = np.ascontiguousarray(draw(random_design(rng, country), face, 0.5).image[..., ::-1])
        if len(self.backgrounds) and rng.random() < (0.4 if country == "us" else 0.05):  # a printed scene
            scene = cv2.resize(cut_from(rng, self.backgrounds, 128), plate.shape[1::-1])
            share = rng.uniform(0.1, 0.5)
            plate = np.asarray(plate * (1 - share) + np.minimum(scene, plate) * share, np.uint8)
        if rng.random() < 0.3:  # a dealer's frame
            top, bottom, left, right = (int(v) for v in rng.integers(2, 13, 4))
            tone = [int(v) for v in rng.integers(0, 90, 3)] if rng.random() < 0.8 else [200, 200, 200]
            plate = np.asarray(
                cv2.copyMakeBorder(plate, top, bottom, left, right, cv2.BORDER_CONSTANT, value=tone), np.uint8
            )
        h, w = plate.shape[:2]
        if rng.random() < 0.5:  # dirt and uneven light
            coarse = rng.normal(1.0, rng.uniform(0.03, 0.25), (3, 8)).astype(np.float32)
            plate = np.asarray(np.clip(plate * cv2.resize(coarse, (w, h))[..., None], 0, 255), np.uint8)
        if rng.random() < 0.35:  # the shadow of the bumper or the boot's edge
            edge, slope = int(h * rng.uniform(0.1, 0.8)), rng.uniform(-0.3, 0.3) * h
            dark = np.zeros((h, w), np.uint8)
            cv2.fillPoly(
                dark, [np.array([(0, 0), (w, 0), (w, edge + slope), (0, edge - slope)]).astype(np.int32)], [255.0]
            )
            soft = cv2.GaussianBlur(dark, (0, 0), rng.uniform(0.5, 8)).astype(np.float32)[..., None] / 255
            plate = np.asarray(plate * (1 - soft * rng.uniform(0.2, 0.7)), np.uint8)
        return np.ascontiguousarray(plate)

    def _vehicle(self, image: Image, quads: list[Quad]) -> None:
        rng, size = self._rng, self.size
        coach = self._coaches[int(rng.integers(len(self._coaches)))]
        bgra = coach.bgra[:, ::-1] if (flipped := rng.random() < 0.5) else coach.bgra
        height, width = bgra.shape[:2]
        x, y = coach.plate
        x = width - x if flipped else x
        wide = np.exp(rng.uniform(np.log(90), np.log(1000)))
        scale = wide / width
        # placed by the plate, so that plates are seen also where the vehicle is larger than the picture
        left, top = rng.uniform(0.03, 0.97) * size - x * scale, rng.uniform(0.1, 0.97) * size - y * scale
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        placed = corners * scale + np.array([left, top]) + rng.normal(0, 0.03, (4, 2)) * wide
        if rng.random() < 0.4:  # seen aslant: narrower, one side nearer
            middle = placed.mean(axis=0)
            placed[:, 0] = middle[0] + (placed[:, 0] - middle[0]) * rng.uniform(0.6, 1.0)
            placed[[0, 3], 1] = middle[1] + (placed[[0, 3], 1] - middle[1]) * rng.uniform(0.8, 1.0)
            placed[:, 1] += (placed[:, 0] - middle[0]) * rng.normal(0, 0.08)
        to_picture = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
        x0, y0 = np.clip(np.floor(placed.min(axis=0)).astype(int), 0, size - 1)
        x1, y1 = np.clip(np.ceil(placed.max(axis=0)).astype(int), x0 + 1, size)
        shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]], np.float64) @ to_picture
        source = bgra
        if scale < 0.6:  # shrink first: warping alone would leave jagged lines
            factor = max(scale * 1.3, 0.1)
            source = cv2.resize(bgra, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            shift = shift @ np.diag([width / source.shape[1], height / source.shape[0], 1.0])
        layer = cv2.warpPerspective(source, shift, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
        area = image[y0:y1, x0:x1]
        foot = placed[2:].mean(axis=0)
        if rng.random() < 0.7:  # its shadow on the road
            shadow = np.zeros((size, size), np.uint8)
            axes = (max(1, int(wide * 0.45)), max(1, int(wide * rng.uniform(0.03, 0.12))))
            cv2.ellipse(shadow, (int(foot[0]), int(foot[1] - wide * 0.03)), axes, 0, 0, 360, 255.0, -1)
            dark = cv2.blur(shadow, (9, 9)).astype(np.float32)[..., None] / 255
            image[:] = (image * (1 - dark * rng.uniform(0.3, 0.9))).astype(np.uint8)
        alpha = layer[..., 3:].astype(np.float32) / 255
        area[:] = np.clip(area * (1 - alpha) + layer[..., :3] * rng.uniform(0.35, 1.15) * alpha, 0, 255).astype(
            np.uint8
        )
        self._hide(quads, placed.astype(np.float32))
        if rng.random() < 0.86:
            half, high = coach.plate_width / 2, coach.plate_width * 0.11
            mount = np.array([(x - half, y - high), (x + half, y - high), (x + half, y + high), (x - half, y + high)])
            self._stick(image, cv2.perspectiveTransform(mount[None], to_picture)[0].astype(np.float32), quads)

    def _loose(self, image: Image, quads: list[Quad]) -> None:
        """A plate on a panel or on the bare ground, turned and slanted."""
        rng, size = self._rng, self.size
        wide = np.exp(rng.uniform(np.log(18), np.log(270)))
        centre = rng.uniform(0.05, 0.95, 2) * size
        turn = rng.normal(0, 0.14)
        base = np.array([(-0.5, -0.11), (0.5, -0.11), (0.5, 0.11), (-0.5, 0.11)]) * wide
        base[:, 0] *= rng.uniform(0.6, 1.0)
        base[:, 1] += base[:, 0] * rng.normal(0, 0.12)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        mount = (base @ rotation.T + centre + rng.normal(0, 0.015, (4, 2)) * wide).astype(np.float32)
        if rng.random() < 0.75:
            tone = rng.integers(0, 256, 3).astype(float) * rng.uniform(0.3, 1)
            panel = (centre + (mount - centre) * np.array([rng.uniform(1.2, 3.5), rng.uniform(1.5, 7)])).astype(
                np.float32
            )
            layer = image.copy()
            cv2.fillConvexPoly(layer, panel.astype(np.int32), tone.tolist(), cv2.LINE_AA)
            shade = np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1.2), size)[:, None, None]
            image[:] = np.where(layer != image, np.clip(layer * shade, 0, 255), image).astype(np.uint8)
            self._hide(quads, panel)
        self._stick(image, mount, quads)

    def _stick(self, image: Image, mount: Quad, quads: list[Quad]) -> None:
        """Put a plate of the pool where ``mount`` is, keeping the plate's own proportions."""
        rng, size = self._rng, self.size
        plate = self._plates[int(rng.integers(len(self._plates)))]
        middle = mount.mean(axis=0)
        along = (mount[1] + mount[2] - mount[0] - mount[3]) / 2
        down = (mount[2] + mount[3] - mount[0] - mount[1]) / 2
        ratio = plate.shape[0] / plate.shape[1]
        if ratio > 0.4:
            along = along * 0.62
        # the height that the mount's foreshortening gives a plate of this shape
        flat = float(np.linalg.norm(down)) / max(float(np.linalg.norm(along)) * (0.36 if ratio > 0.4 else 0.22), 1e-3)
        down = (
            down
            / max(float(np.linalg.norm(down)), 1e-3)
            * float(np.linalg.norm(along))
            * ratio
            * np.clip(flat, 0.9, 1.8)
        )
        lean = (mount - middle) - (
            np.array([-1, 1, 1, -1])[:, None] * along + np.array([-1, -1, 1, 1])[:, None] * down
        ) / 2
        mount = (
            middle
            + (np.array([-1, 1, 1, -1])[:, None] * along + np.array([-1, -1, 1, 1])[:, None] * down) / 2
            + np.clip(lean, -0.02, 0.02) * float(np.linalg.norm(along))
        ).astype(np.float32)
        wide = max(float(np.linalg.norm(mount[1] - mount[0])), 4.0)
        shrink = 1.6 * wide / plate.shape[1]
        if shrink < 1:
            plate = np.asarray(cv2.resize(plate, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        h, w = plate.shape[:2]
        if h < 2 or w < 4:
            return
        gain = rng.uniform(0.35, 1.1) if rng.random() < 0.9 else rng.uniform(1.1, 1.8)
        lit = np.clip(plate * gain + rng.normal(0, 6, 3), 0, 255).astype(np.uint8)
        lit = np.dstack([lit, np.full((h, w), 255, np.uint8)])
        corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
        to_picture = cv2.getPerspectiveTransform(corners, mount)
        x0, y0 = np.clip(mount.min(axis=0).astype(int) - 2, 0, size)
        x1, y1 = np.clip(mount.max(axis=0).astype(int) + 3, 0, size)
        if x1 <= x0 or y1 <= y0:
            return
        shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]], np.float64) @ to_picture
        cut = cv2.warpPerspective(lit, shift, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
        area = image[y0:y1, x0:x1]
        alpha = cut[..., 3:].astype(np.float32) / 255
        area[:] = (area * (1 - alpha) + cut[..., :3] * alpha).astype(np.uint8)
        self._hide(quads, mount)
        quads.append(mount)

    def _hide(self, quads: list[Quad], cover: Quad) -> None:
        """Leave out the plates that ``cover`` hides; what still peeps out is neither plate nor ground."""
        hull = np.asarray(cv2.convexHull(cover), np.float32).reshape(-1, 2)
        kept = []
        for quad in quads:
            share = float(cv2.intersectConvexConvex(quad, hull)[0]) / max(cv2.contourArea(quad), 1e-3)
            if share < 0.15:
                kept.append(quad)
            elif share < 0.9:
                self._hidden.append(quad)
        quads[:] = kept

    def _obstacle(self, image: Image) -> None:
        """A post, a wire or a branch before everything: too thin to hide a plate."""
        rng, size = self._rng, self.size
        a, b = rng.integers(-50, size + 50, (2, 2))
        tone = [float(v) for v in rng.uniform(10, 200) + rng.normal(0, 10, 3)]
        cv2.line(image, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), tone, int(rng.integers(1, 6)), cv2.LINE_AA)

    def _degraded(self, image: Image) -> Image:
        rng, size = self._rng, self.size
        out = image
        draw_ = rng.random()
        if draw_ < 0.35:
            out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.4))), np.uint8)
        elif draw_ < 0.45:
            length = int(rng.integers(3, 8))
            kernel = np.zeros((length, length), np.float32)
            kernel[length // 2] = 1 / length
            turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1.0)
            kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
            out = np.asarray(cv2.filter2D(out, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)
        elif draw_ < 0.55:
            small = int(size * rng.uniform(0.5, 0.9))
            shrunk = cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA)
            out = np.asarray(cv2.resize(shrunk, (size, size)), np.uint8)
        if rng.random() < 0.2:  # light that falls unevenly: sun and shade, lamps at night
            coarse = rng.normal(1.0, rng.uniform(0.1, 0.5), (int(rng.integers(2, 5)),) * 2).astype(np.float32)
            light = cv2.resize(np.clip(coarse, 0.1, 2.5), (size, size), interpolation=cv2.INTER_CUBIC)
            out = np.asarray(np.clip(out * light[..., None], 0, 255), np.uint8)
        table = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.35)) * 255 * rng.uniform(0.55, 1.1)
        out = np.asarray(cv2.LUT(out, np.clip(table + rng.normal(0, 8), 0, 255).astype(np.uint8)), np.uint8)
        if rng.random() < 0.2:  # infrared at night, or a grey camera
            out = np.asarray(cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
        if rng.random() < 0.5:
            grain = rng.standard_normal((size, size, 1 if rng.random() < 0.5 else 3), np.float32) * rng.uniform(1, 10)
            out = np.asarray(np.clip(out + grain, 0, 255), np.uint8)
        if rng.random() < 0.5:
            _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
            out = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        return np.ascontiguousarray(out)


def _is_clear(image: Image, quad: Quad) -> bool:
    """Whether a plate is long enough, mostly in the picture and not drowned in darkness or glare."""
    if float(np.linalg.norm(quad[1] - quad[0])) <= LEAST_PX or _share_inside(quad, image.shape[0]) <= 0.7:
        return False
    x0, y0 = np.clip(quad.min(axis=0).astype(int), 0, image.shape[0] - 1)
    x1, y1 = np.clip(quad.max(axis=0).astype(int) + 1, 1, image.shape[0])
    return float(image[y0:y1, x0:x1].std(axis=(0, 1)).mean()) > LEAST_CONTRAST


def _share_inside(quad: Quad, size: int) -> float:
    frame = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    return float(cv2.intersectConvexConvex(quad, frame)[0] / max(cv2.contourArea(quad), 1e-3))

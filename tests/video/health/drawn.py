"""Pictures of drawn roads for health checks: what a healthy camera shows, and what faults make of it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation.road import Light, RoadCamera, draw_road

Luma = NDArray[np.uint8]
SIZE = (640, 360)


@lru_cache
def road(light: Light = Light.DAY, seed: int = 3) -> Luma:
    """The empty road, ``(360, 640) uint8``, in the levels of a coded picture (16-235)."""
    bgr = draw_road(RoadCamera(*SIZE, focal_px=1350.0), 2, light, seed)
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return (16 + grey * 219 / 255).astype(np.uint8)


class Scenery:
    """Pictures of one camera, each with its own noise, vehicles in it by chance, as coded at ordinary quality."""

    def __init__(self, light: Light = Light.DAY, seed: int = 3, *, traffic: float = 0.6, noise: float = 2.0) -> None:
        self.base = road(light, seed)
        self.light = light
        self.traffic = traffic
        self.rain = False
        self._rng = np.random.default_rng(seed)
        self._noises = [self._rng.normal(0, noise, self.base.shape).astype(np.float32) for _ in range(5)]
        self._taken = 0

    def picture(self) -> Luma:
        rng = self._rng
        picture = self.base.astype(np.float32)
        if rng.random() < self.traffic:
            for _ in range(int(rng.integers(1, 4))):
                self._vehicle(picture)
        if self.rain:
            self._rain(picture)
        return self.taken(picture)

    def taken(self, picture: NDArray[np.float32]) -> Luma:
        """With the sensor's noise, coded and decoded."""
        self._taken += 1
        noisy = np.clip(picture + self._noises[self._taken % 5], 0, 255).astype(np.uint8)
        return cv2.imdecode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_GRAYSCALE)

    def _vehicle(self, picture: NDArray[np.float32]) -> None:
        rng = self._rng
        height, width = picture.shape
        side = int(rng.uniform(0.12, 0.4) * height)
        wide = int(side * rng.uniform(0.9, 1.3))
        x, y = int(rng.uniform(0.15, 0.8) * width) - wide // 2, int(rng.uniform(0.35, 1.0) * height) - side
        x, y = max(x, 0), max(y, 0)
        body = float(rng.choice([30, 60, 120, 190, 220]))
        body = body if self.light is Light.DAY else 16 + (body - 16) * 0.25
        area = picture[y : y + side, x : x + wide]
        area[:] = body
        area[: side // 3] = 0.5 * body + 10  # the window
        plate = area[int(side * 0.75) : int(side * 0.85), wide // 3 : 2 * wide // 3]
        plate[:] = 200
        plate[:, ::6] = 60
        if self.light is not Light.DAY:
            for lamp in (x + wide // 6, x + wide - wide // 6):
                self._glow(picture, lamp, y + side // 2, side)

    def _glow(self, picture: NDArray[np.float32], x: int, y: int, radius: int) -> None:
        left, top = max(x - radius, 0), max(y - radius, 0)
        near = picture[top : y + radius + 1, left : x + radius + 1]  # beyond it a lamp adds less than a thousandth
        rows, columns = (np.arange(side, dtype=np.float32) for side in near.shape)
        falls = 2 * (radius / 5) ** 2
        near += 300 * np.outer(np.exp(-((rows + top - y) ** 2) / falls), np.exp(-((columns + left - x) ** 2) / falls))

    def _rain(self, picture: NDArray[np.float32]) -> None:
        rng = self._rng
        streaks = np.zeros(picture.shape, np.uint8)
        for _ in range(150):
            x, y = int(rng.integers(0, picture.shape[1])), int(rng.integers(0, picture.shape[0]))
            cv2.line(streaks, (x, y), (x - 3, y + int(rng.integers(6, 17))), 40, 1)
        picture += streaks
        picture *= 0.9


def blurred(luma: Luma, sigma: float) -> Luma:
    return cv2.GaussianBlur(luma, (0, 0), sigma)


def turned(luma: Luma, across: float) -> Luma:
    """The view after the camera was turned by a share of its width: what was beyond the edge is drawn by mirroring."""
    pixels = round(across * luma.shape[1])
    matrix = np.float32([[1, 0, pixels], [0, 1, 0]])
    return cv2.warpAffine(luma, matrix, luma.shape[::-1], borderMode=cv2.BORDER_REFLECT)


def clocked(luma: Luma, text: str) -> Luma:
    """With the time written into the picture, as most cameras do."""
    written = luma.copy()
    cv2.putText(written, text, (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 235, 1)
    return written

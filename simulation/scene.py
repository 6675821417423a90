"""A scene: vehicles that pass a road camera at known times with known plates, drawn frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.vehicle import Sprite, View
from simulation.road import BRIGHTNESS, LANE_M, Light, RoadCamera, draw_road

FAR_M = 75.0
"""Distance at which a vehicle comes into the picture, or leaves it when it drives away."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """One vehicle's way through the picture."""

    text: str
    """The plate's text as a reader should give it."""
    sprite: Sprite
    view: View
    """FRONT approaches the camera, REAR drives away from it."""
    lane: int
    start_s: float
    speed_mps: float
    stop_at_m: float | None = None
    """Distance at which it halts for ``stop_s`` (a queue at lights); None drives through."""
    stop_s: float = 0.0

    def distance_m(self, t: float, near_m: float) -> float | None:
        """Metres from the camera at ``t`` seconds; None while it isn't in the picture."""
        way = FAR_M - near_m
        driven = (t - self.start_s) * self.speed_mps
        if self.stop_at_m is not None:
            halt = FAR_M - self.stop_at_m if self.view is View.FRONT else self.stop_at_m - near_m
            waiting = self.stop_s * self.speed_mps
            driven = min(driven, halt) if driven < halt + waiting else driven - waiting
        if not 0 <= driven <= way:
            return None
        return FAR_M - driven if self.view is View.FRONT else near_m + driven


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A camera, its road, and who passes when."""

    name: str
    camera: RoadCamera
    lanes: int
    light: Light
    duration_s: float
    fps: int
    crossings: tuple[Crossing, ...]
    seed: int = 0

    @property
    def near_m(self) -> float:
        """Distance at which a plate has left the picture: the foot stands 0.35 heights below the lower edge."""
        pitch = np.deg2rad(self.camera.pitch_deg)
        angle = np.arctan(0.85 * self.camera.height / self.camera.focal_px)
        return float(self.camera.mast_m / np.tan(pitch + angle))

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame in order, ``(H, W, 3) uint8`` BGR."""
        background = draw_road(self.camera, self.lanes, self.light, self.seed)
        rng = np.random.default_rng(self.seed + 1)
        noise = [rng.normal(0, 2.2, background.shape[:2]).astype(np.float32) for _ in range(4)]
        for number in range(round(self.duration_s * self.fps)):
            t = number / self.fps
            frame = background.copy()
            seen = [(d, c) for c in self.crossings if (d := c.distance_m(t, self.near_m)) is not None]
            for distance, crossing in sorted(seen, key=lambda pair: -pair[0]):
                self._place(frame, crossing, distance)
            grain = noise[number % 4][..., None]
            yield cv2.add(frame, np.repeat(grain, 3, axis=2), dtype=cv2.CV_8U)

    def plate_corners(self, crossing: Crossing, t: float) -> NDArray[np.float32] | None:
        """The plate's corners in the frame at ``t``, ``(4, 2) float32`` clockwise; None while it is out of view."""
        distance = crossing.distance_m(t, self.near_m)
        if distance is None:
            return None
        scale, left, top = self._placement(crossing, distance)
        corners: NDArray[np.float32] = crossing.sprite.plate * np.float32(scale) + np.array([left, top], np.float32)
        return corners

    def _placement(self, crossing: Crossing, distance: float) -> tuple[float, float, float]:
        x = (crossing.lane + 0.5) * LANE_M - self.lanes * LANE_M / 2
        u, v, pixels_per_m = self.camera.project(x, distance)
        scale = pixels_per_m * crossing.sprite.metres_per_pixel
        height, width = crossing.sprite.bgra.shape[:2]
        return scale, u - width * scale / 2, v - height * scale

    def _place(self, frame: NDArray[np.uint8], crossing: Crossing, distance: float) -> None:
        scale, left, top = self._placement(crossing, distance)
        sprite = crossing.sprite.bgra
        height, width = sprite.shape[:2]
        x0, y0 = max(int(left) - 2, 0), max(int(top) - 2, 0)
        x1 = min(int(left + width * scale) + 3, frame.shape[1])
        y1 = min(int(top + height * scale) + 3, frame.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        _shadow(frame, left, top, width * scale, height * scale)
        # shrink to about twice the wanted size with areas first, then place to a fraction of a pixel
        pre = max(1, int(0.5 / scale))
        base = sprite if pre == 1 else cv2.resize(sprite, (width // pre, height // pre), interpolation=cv2.INTER_AREA)
        factor = scale * width / base.shape[1]
        matrix = np.array([[factor, 0, left - x0], [0, factor, top - y0]])
        placed = cv2.warpAffine(base, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        alpha = placed[..., 3:].astype(np.float32) / 255
        lit = placed[..., :3].astype(np.float32) * self._light(crossing, placed.shape, x0, y0, distance)
        area = frame[y0:y1, x0:x1]
        area[:] = np.clip(area * (1 - alpha) + lit * alpha, 0, 255).astype(np.uint8)
        if self.light is not Light.DAY and crossing.view is View.FRONT:
            self._headlights(frame, crossing, distance)

    def _headlights(self, frame: NDArray[np.uint8], crossing: Crossing, distance: float) -> None:
        """Add the glow of the two headlamps, weak enough to leave the plate readable."""
        scale, left, top = self._placement(crossing, distance)
        radius = max(round(150 * scale), 3)
        glow = cv2.getGaussianKernel(2 * radius + 1, radius / 2.6).astype(np.float32)
        spot = (glow @ glow.T) / float(glow.max()) ** 2 * 170
        for u, v in crossing.sprite.lamps * scale + np.array([left, top]):
            x0, y0 = int(u) - radius, int(v) - radius
            x1, y1 = x0 + spot.shape[1], y0 + spot.shape[0]
            if x0 < 0 or y0 < 0 or x1 > frame.shape[1] or y1 > frame.shape[0]:
                continue
            area = frame[y0:y1, x0:x1]
            area[:] = cv2.add(area, np.repeat(spot[..., None], 3, axis=2), dtype=cv2.CV_8U)

    def _light(
        self, crossing: Crossing, shape: tuple[int, ...], x0: int, y0: int, distance: float
    ) -> NDArray[np.float32] | float:
        """How bright each pixel of a placed vehicle is; plates and lamps shine back at night."""
        level = BRIGHTNESS[self.light]
        if self.light is Light.DAY:
            return level
        gain = np.full((*shape[:2], 1), level, np.float32)
        scale, left, top = self._placement(crossing, distance)
        corners = crossing.sprite.plate * scale + np.array([left - x0, top - y0])
        cv2.fillConvexPoly(gain, corners.round().astype(np.int32), (level + 0.95) / 2)
        return gain


def _shadow(frame: NDArray[np.uint8], left: float, top: float, width: float, height: float) -> None:
    """Darken the ground under a vehicle, softly at the ends."""
    margin = width * 0.04
    x0, x1 = max(int(left + margin), 0), min(int(left + width - margin), frame.shape[1])
    y0, y1 = max(int(top + height * 0.93), 0), min(int(top + height * 1.035), frame.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    across = np.clip((np.arange(x0, x1) - left - margin) / (width * 0.08), 0, 1)
    across = np.minimum(across, across[::-1]) if x1 - x0 > 1 else across
    down = np.linspace(1, 0.2, y1 - y0)
    dark = 1 - 0.62 * down[:, None, None] * across[None, :, None]
    frame[y0:y1, x0:x1] = (frame[y0:y1, x0:x1] * dark).astype(np.uint8)

"""A road drawn by us, seen by a camera on a gantry: the ground's geometry and the empty picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray


class Light(StrEnum):
    """Time of day of a scene."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


BRIGHTNESS = {Light.DAY: 1.0, Light.DUSK: 0.62, Light.NIGHT: 0.24}


@dataclass(frozen=True, slots=True)
class RoadCamera:
    """A pinhole camera above the road. Lengths in metres, pictures in pixels.

    The road runs along z; x is measured to the right of the camera. Standard projection of a camera pitched downwards.
    """

    width: int = 1280
    height: int = 720
    mast_m: float = 4.2
    pitch_deg: float = 7.6
    focal_px: float = 2700.0

    def project(self, x: float, z: float) -> tuple[float, float, float]:
        """Pixel (u, v) of the ground point (x, z), and pixels a metre there."""
        pitch = np.deg2rad(self.pitch_deg)
        depth = z * np.cos(pitch) + self.mast_m * np.sin(pitch)
        down = self.mast_m * np.cos(pitch) - z * np.sin(pitch)
        scale = self.focal_px / depth
        return self.width / 2 + x * scale, self.height / 2 + down * scale, scale

    def ground(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Ground point (x, z) under each pixel, ``(H, W) float32`` each; z is infinite above the horizon."""
        pitch = np.deg2rad(self.pitch_deg)
        rows = (np.arange(self.height, dtype=np.float32) - self.height / 2) / self.focal_px
        fall = rows * np.cos(pitch) + np.sin(pitch)
        with np.errstate(divide="ignore"):
            depth = np.where(fall > 1e-4, self.mast_m / fall, np.inf)
        z = depth * (np.cos(pitch) - rows * np.sin(pitch))
        columns = (np.arange(self.width, dtype=np.float32) - self.width / 2) / self.focal_px
        x = columns[None, :] * np.where(np.isfinite(depth), depth, 0.0)[:, None]
        return x.astype(np.float32), np.broadcast_to(z[:, None], x.shape).astype(np.float32)


LANE_M = 3.6


def draw_road(camera: RoadCamera, lanes: int, light: Light, seed: int) -> NDArray[np.uint8]:
    """The empty road of ``lanes`` lanes centred under the camera, ``(H, W, 3) uint8`` BGR, by its seed."""
    rng = np.random.default_rng(seed)
    x, z = camera.ground()
    picture = np.empty((camera.height, camera.width, 3), np.float32)
    sky_rows = np.linspace(0, 1, camera.height, dtype=np.float32)[:, None, None]
    picture[:] = np.array([216, 190, 158]) * (1 - sky_rows) + np.array([232, 226, 218]) * sky_rows
    _skyline(picture, camera, rng)

    on_ground = np.isfinite(z) & (z < 900)
    z = np.where(on_ground, z, 0)
    half = lanes * LANE_M / 2
    grain = cv2.resize(rng.normal(0, 1, (camera.height // 2, camera.width // 2)).astype(np.float32), x.shape[::-1])
    patches = cv2.resize(rng.normal(0, 1, (9, 16)).astype(np.float32), x.shape[::-1], interpolation=cv2.INTER_CUBIC)
    grass = np.array([62, 112, 96]) + (grain * 9 + patches * 10)[..., None]
    asphalt = np.array([104, 102, 100]) + (grain * 3.5 + patches * 4)[..., None]
    asphalt -= (8 * np.exp(-((np.mod(x + half, LANE_M) - LANE_M / 2) ** 2) / 0.5))[
        ..., None
    ]  # oil in the lane's middle
    verge = np.array([124, 132, 138]) + (grain * 8)[..., None]
    picture[on_ground] = grass[on_ground]
    shoulder = on_ground & (np.abs(x) < half + 1.3)
    picture[shoulder] = verge[shoulder]
    road = on_ground & (np.abs(x) < half + 0.4)
    picture[road] = asphalt[road]
    for k in range(lanes + 1):
        edge = k * LANE_M - half
        line = on_ground & (np.abs(x - edge) < 0.09)
        if 0 < k < lanes:
            line &= np.mod(z, 12.0) < 4.0
        picture[line] = np.array([214, 216, 216])
    haze = np.clip((z - 60) / 500, 0, 0.75)[..., None]
    picture += (np.array([222, 214, 204], np.float32) - picture) * haze * on_ground[..., None]
    picture *= BRIGHTNESS[light]
    if light is not Light.DAY:
        picture *= np.array([1.08, 0.97, 0.92])
    road_picture: NDArray[np.uint8] = cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (3, 3), 0)
    return road_picture


def _skyline(picture: NDArray[np.float32], camera: RoadCamera, rng: np.random.Generator) -> None:
    """Hills, poplars and blocks of flats along the horizon."""
    horizon = camera.project(0.0, 800.0)[1]
    xs = np.arange(camera.width)
    ridge = sum(
        a * np.sin(xs / camera.width * np.pi * f + p)
        for a, f, p in zip((26, 13, 6), (2.1, 5.3, 11.7), rng.uniform(0, 6, 3), strict=True)
    )
    top = np.clip(horizon - 46 + ridge, 0, camera.height - 1)
    rows = np.arange(camera.height)[:, None]
    picture[(rows > top[None, :]) & (rows < horizon + 4)] = (178, 162, 146)
    for _ in range(26):
        left = int(rng.uniform(0, camera.width))
        if rng.random() < 0.3:
            width, height = int(rng.uniform(40, 90)), int(rng.uniform(30, 80))
            upper = max(int(horizon) - height, 0)
            picture[upper : int(horizon) + 2, left : left + width] = rng.uniform(140, 190)
            for wy in range(upper + 6, int(horizon) - 6, 10):
                for wx in range(left + 5, min(left + width, camera.width) - 6, 10):
                    picture[wy : wy + 5, wx : wx + 5] = (120, 112, 104)
        else:
            height = int(rng.uniform(18, 60))
            centre = (left, int(horizon) - height // 2)
            shade = rng.uniform(0.8, 1.2)
            axes = (max(height // 5, 3), height // 2)
            cv2.ellipse(picture, centre, axes, 0, 0, 360, (66 * shade, 96 * shade, 78 * shade), -1)

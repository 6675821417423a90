"""Where a plate will be: constant velocity on the road, with doubts measured in plate widths.

Seen through a lens, a vehicle that comes nearer at constant speed moves faster the larger it is: while its width grows
at the rate ``g = d(log w)/dt``, its image speed grows at ``2 g``. Prediction follows that; at five frames a second the
difference is a plate's width or two near the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.read import Box

_PLACE_NOISE: Final = 0.10
"""Standard deviation of a detected centre, plate widths."""
_SIZE_NOISE: Final = 0.12
"""Standard deviation of the logarithm of a detected width."""
_NEW_GROWTH: Final = 1.5
"""Standard deviation of a new track's unknown growth, log width a second."""
_GROWTH_CHANGE: Final = 2.0
_MOST_GROWTH: Final = 2.5
"""Log width a second beyond which growth is no vehicle's but a wrong detection's."""
_UNSTEADY: Final = 1.0
"""Share of its speed by which a vehicle's image speed may change in a second beyond what its growth foretells."""
_FARTHEST_S: Final = 0.5
"""Seconds over which growth is extrapolated."""
_CUT_NOISE: Final = 0.6
"""Standard deviation of the centre of a plate cut by the frame's edge, plate widths."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A prediction: centre and width in pixels, and their standard deviations (pixels; log width)."""

    x: float
    y: float
    width: float
    place_sd: float
    size_sd: float

    def distance(self, box: Box) -> float:
        """Squared Mahalanobis distance of a detected box, 3 degrees of freedom."""
        dx, dy = box.x + box.w / 2 - self.x, box.y + box.h / 2 - self.y
        size = np.log(max(box.w, 1.0) / self.width)
        return float((dx * dx + dy * dy) / self.place_sd**2 + (size / self.size_sd) ** 2)

    def doubt(self) -> float:
        """``log det`` of the covariance, in plate widths: what a match in a loose gate costs against a tight one."""
        return float(4 * np.log(self.place_sd / self.width) + 2 * np.log(self.size_sd))


class Motion:
    """A Kalman filter over centre (two axes that share a covariance) and log width, each with its rate.

    Noise grows with the plate: a vehicle near the camera moves more pixels for the same metre.
    """

    def __init__(self, box: Box, t: float, *, new_speed: float, acceleration: float, is_cut: bool = False) -> None:
        self.t = t
        self._acceleration = acceleration
        self._place = np.array([[box.x + box.w / 2, 0.0], [box.y + box.h / 2, 0.0]])
        self._size = np.array([np.log(max(box.w, 1.0)), 0.0])
        w = max(box.w, 1.0)
        self._place_cov = np.diag([((_CUT_NOISE if is_cut else _PLACE_NOISE) * w) ** 2, (new_speed * w) ** 2])
        self._size_cov = np.diag([_SIZE_NOISE**2, _NEW_GROWTH**2])

    @property
    def speed(self) -> tuple[float, float]:
        """Pixels a second along x and y."""
        return float(self._place[0, 1]), float(self._place[1, 1])

    def expect(self, t: float) -> Expected:
        """The prediction for time ``t`` (s of the stream)."""
        place, size, place_cov, size_cov = self._at(t)
        noise_w = float(np.exp(np.clip(size[0], 0, 9)))
        return Expected(
            float(place[0, 0]),
            float(place[1, 0]),
            noise_w,
            float(np.sqrt(place_cov[0, 0] + (_PLACE_NOISE * noise_w) ** 2)),
            float(np.sqrt(size_cov[0, 0] + _SIZE_NOISE**2)),
        )

    def update(self, box: Box, t: float, *, is_cut: bool = False) -> None:
        """Take in a detection at time ``t``, not before the last one; ``is_cut`` by the frame's edge."""
        place, size, place_cov, size_cov = self._at(t)
        w = max(box.w, 1.0)
        place_noise = ((_CUT_NOISE if is_cut else _PLACE_NOISE) * w) ** 2
        seen = np.array([box.x + box.w / 2, box.y + box.h / 2])
        gain = place_cov[:, 0] / (place_cov[0, 0] + place_noise)
        self._place = place + (seen - place[:, 0])[:, None] * gain[None, :]
        self._place_cov = place_cov - np.outer(gain, place_cov[0])
        gain = size_cov[:, 0] / (size_cov[0, 0] + _SIZE_NOISE**2)
        self._size = size + (np.log(w) - size[0]) * gain
        self._size_cov = size_cov - np.outer(gain, size_cov[0])
        self.t = t

    def _at(
        self, t: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        dt = max(t - self.t, 0.0)
        grown = min(dt, _FARTHEST_S)
        growth = float(np.clip(self._size[1], -_MOST_GROWTH, _MOST_GROWTH))
        # white acceleration held over the step
        kick = np.array([dt * dt / 2, dt])
        shake = np.outer(kick, kick)
        w = float(np.exp(np.clip(self._size[0], 0, 9)))
        speed = float(np.hypot(self._place[0, 1], self._place[1, 1]))
        step = np.array([[1.0, dt], [0.0, 1.0]])
        forward = np.array([[1.0, dt * (1.0 + growth * grown)], [0.0, float(np.exp(2 * growth * grown))]])
        place_cov = step @ self._place_cov @ step.T + shake * (self._acceleration * w + _UNSTEADY * speed) ** 2
        size_cov = step @ self._size_cov @ step.T + shake * _GROWTH_CHANGE**2
        size = np.array([self._size[0] + growth * grown, self._size[1]])
        return self._place @ forward.T, size, place_cov, size_cov

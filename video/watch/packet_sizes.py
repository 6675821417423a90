"""What sizes of packets are usual on a camera's empty road, and how far the last ones stand above that."""

from __future__ import annotations

import math
from collections import deque

_PHASES = 6
_KNOWN = 12
"""Packets of one place in the GOP from which their usual size is known."""


class PacketSizes:
    """Log sizes of P packets by their place in a GOP, and how far the last window of them stands above the learned."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._mean = [0.0] * _PHASES
        self._square = [0.0] * _PHASES
        self._weight = [0.0] * _PHASES
        self._gop_s = 1.0
        self._gop_t = 0.0
        self._window: list[tuple[float, float, int]] = []
        """Times, scores and sizes of the last packets."""
        self._untold: list[tuple[int, float]] = []
        self.loudest: float | None = None
        """The greatest score since the last keyframe; None while the places in the GOP are not all known."""
        self.before: float | None = None
        """The greatest score of the GOP before, and of the keyframe that ended it; None likewise."""
        self._keyframes: deque[float] = deque(maxlen=_KNOWN)
        """Log sizes of the last keyframes."""

    @property
    def keyframe_due(self) -> float:
        """When the next keyframe should come."""
        return self._gop_t + self._gop_s

    @property
    def late(self) -> float | None:
        """Mean size of the packets of the window's later half; None while it is shorter."""
        if not self._window or self._window[-1][0] - self._window[0][0] < self._window_s / 2:
            return None
        sizes = [size for t, _, size in self._window if t > self._window[-1][0] - self._window_s / 2]
        return sum(sizes) / len(sizes)

    def add(self, size: int, t: float, *, is_keyframe: bool) -> float:
        if is_keyframe:
            if 0.1 < t - self._gop_t < 30:
                self._gop_s = t - self._gop_t
            self._gop_t = t
            self._window.clear()
            self.before = None
            if self.loudest is not None and len(self._keyframes) == _KNOWN:
                self.before = max(self.loudest, self._growth(math.log(max(size, 1))))
            self._keyframes.append(math.log(max(size, 1)))
            self.loudest = None if min(self._weight) < _KNOWN else 0.0
            return 0.0
        phase = min(int((t - self._gop_t) / self._gop_s * _PHASES), _PHASES - 1) if t > self._gop_t else 0
        value = math.log(max(size, 1))
        score = 0.0
        if self._weight[phase] >= _KNOWN:
            variance = self._square[phase] - self._mean[phase] ** 2
            score = (value - self._mean[phase]) / math.sqrt(max(variance, 0.04))
        self._window.append((t, score, size))
        self._untold.append((phase, value))
        while self._window[0][0] < t - self._window_s:
            self._window.pop(0)
        if self._window[-1][0] - self._window[0][0] < 0.6 * self._window_s:
            return 0.0
        together = sum(score for _, score, _ in self._window) / math.sqrt(len(self._window))
        if self.loudest is not None:
            self.loudest = max(self.loudest, together)
        return together

    def _growth(self, value: float) -> float:
        """Standard score of a keyframe's log size against the median of the last ones; they hardly differ."""
        middle = sorted(self._keyframes)[_KNOWN // 2]
        spread = 1.48 * sorted(abs(one - middle) for one in self._keyframes)[_KNOWN // 2]
        return (value - middle) / max(spread, 0.005)

    def learn(self) -> None:
        for phase, value in self._untold:
            self._weight[phase] = min(self._weight[phase] + 1, 500.0)
            share = 1 / self._weight[phase]
            self._mean[phase] += share * (value - self._mean[phase])
            self._square[phase] += share * (value * value - self._square[phase])
        self._untold.clear()

    def discard(self) -> None:
        self._untold.clear()

    def clear(self) -> None:
        self._window.clear()

    def fade(self) -> None:
        """Let what comes count as much as all that is known."""
        self._weight = [min(weight, float(_KNOWN)) for weight in self._weight]

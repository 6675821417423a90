"""Random numbers for drawing: single ones cost an eighth of numpy's, arrays come from numpy."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


class Dice(np.random.Generator):
    """A generator seeded by numbers; what is not a single number from these four methods is numpy's own."""

    def __init__(self, *seed: int) -> None:
        super().__init__(np.random.PCG64(seed))
        self._single = random.Random(int(super().integers(1 << 62)))

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        return self._single.random() if size is None else super().random(size, dtype, out)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return low + (high - low) * self._single.random() if size is None else super().uniform(low, high, size)

    def integers(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: bool = False
    ) -> Any:
        if size is not None or endpoint:
            return super().integers(low, high, size, dtype, endpoint)
        if high is None:
            low, high = 0, low
        return low + int((high - low) * self._single.random())

    def choice(self, a: Any, size: Any = None, replace: bool = True, p: Any = None, *rest: Any, **more: Any) -> Any:
        if size is not None:
            return super().choice(a, size, replace, p, *rest, **more)
        options = range(a) if isinstance(a, int) else a
        if p is None:
            return options[int(self._single.random() * len(options))]
        return self._single.choices(options, p)[0]

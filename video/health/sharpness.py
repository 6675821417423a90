"""How steep the edges of a picture are: focus, told apart from contrast, light and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ROWS: Final = 9
COLUMNS: Final = 16
"""Tiles that a picture is divided into."""
_FAR: Final = 16
"""Pixels over which an edge has come to its full height, however soft."""
_LINES: Final = 12
"""Rows that are looked at in each tile."""
_CONTRAST: Final = 20.0
"""Levels of brightness across an edge from which its width can be told from noise."""
_EDGY: Final = 12.0
"""Levels from one pixel to the next that a tile must have shown, to be compared with later."""
_LEAST_TILES: Final = 4


@dataclass(frozen=True, slots=True)
class Sharpness:
    """The steepest steps of brightness in each tile, ``(9, 16) float32`` each, in levels."""

    near: NDArray[np.float32]
    """From one pixel to the next."""
    far: NDArray[np.float32]
    """Over 16 pixels."""

    @property
    def steepness(self) -> float | None:
        """Near over far in the sharper half of the picture: 0.2-0.5 in focus, 0.1 and less without; None where too
        little in it has an edge.

        A step blurred by a Gaussian of σ px has erf(1/(2√2σ)) / erf(16/(2√2σ)): 0.38 at σ = 1, 0.20 at 2, 0.08 at 5;
        whatever the contrast.
        """
        told = self.far >= _CONTRAST
        if int(told.sum()) < 2 * _LEAST_TILES:
            return None
        return float(np.percentile(self.near[told] / self.far[told], 75))


def measure_sharpness(luma: NDArray[np.uint8]) -> Sharpness | None:
    """Of a picture in its full resolution, ``(H, W) uint8``; None for one smaller than 288 x 36."""
    height, width = luma.shape
    tall, wide = height // ROWS, width // COLUMNS
    if wide < _FAR + 2 or tall < 4:
        return None
    step = max(1, tall // _LINES)
    rows = luma[: ROWS * tall].reshape(ROWS, tall, width)[:, ::step].astype(np.int16)
    return Sharpness(_steepest(rows, 1, wide), _steepest(rows, _FAR, wide))


def sharpness_kept(
    now: Sharpness, coarse: NDArray[np.float32], then: Sharpness, coarse_then: NDArray[np.float32]
) -> float | None:
    """How much of its fine detail the picture has kept against what it has of its coarse (``coarse``: mean gradients
    of the shrunk picture by tile): 1 as it was, 0.3 with a blur of σ = 4 px at 1080p. Dusk and fog take both alike and
    leave it at 1. None where the picture never had enough of it to tell."""
    edgy = then.near >= _EDGY
    if int(edgy.sum()) < _LEAST_TILES:
        return None
    fine = now.near[edgy] / then.near[edgy]
    rest = np.clip(coarse[edgy] / np.maximum(coarse_then[edgy], 1e-3), 0.02, 1.0)
    return float(np.median(fine / rest))


def _steepest(rows: NDArray[np.int16], over: int, wide: int) -> NDArray[np.float32]:
    """By tile: the steepest step of each line, of which the upper quartile is taken, so that no single line tells."""
    steps = np.zeros((ROWS, rows.shape[1], COLUMNS * wide), np.int16)
    found = np.abs(rows[..., over:] - rows[..., :-over])[..., : COLUMNS * wide]
    steps[..., : found.shape[2]] = found
    by_line = steps.reshape(ROWS, rows.shape[1], COLUMNS, wide).max(axis=3)
    return np.asarray(np.percentile(by_line, 75, axis=1), np.float32)

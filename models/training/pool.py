"""Rendered crops, kept on the device that learns from them and shown again: rendering costs more than learning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.crops import CropBatch


@dataclass(frozen=True, slots=True)
class Shown:
    """A ``CropBatch`` on a device: the same fields, as tensors."""

    images: Tensor
    characters: Tensor
    formats: Tensor
    lines: Tensor
    is_text: Tensor
    places: Tensor


_FIELDS = ("images", "characters", "formats", "lines", "is_text", "places")
_KEPT = {"characters": torch.int8, "formats": torch.int8, "lines": torch.int8, "places": torch.float16}


def shown(batch: CropBatch, device: str) -> Shown:
    """``batch`` on ``device``."""
    return Shown(*(torch.from_numpy(getattr(batch, name)).to(device) for name in _FIELDS))


class CropPool:
    """The last ``capacity`` crops; one takes 7 KB of the device's memory."""

    def __init__(self, capacity: int, device: str) -> None:
        self._capacity, self._device = capacity, device
        self._kept: dict[str, Tensor] = {}
        self._next = 0
        self.size = 0

    def add(self, batch: CropBatch) -> None:
        """Keep ``batch``, in the place of the oldest crops when there is no room."""
        count = len(batch.images)
        rows = torch.arange(self._next, self._next + count).remainder(self._capacity).to(self._device)
        for name in _FIELDS:
            news: NDArray[np.generic] = getattr(batch, name)
            tensor = torch.from_numpy(news).to(_KEPT.get(name))
            if name not in self._kept:
                self._kept[name] = torch.empty(
                    (self._capacity, *tensor.shape[1:]), dtype=tensor.dtype, device=self._device
                )
            self._kept[name][rows] = tensor.to(self._device)
        self._next = (self._next + count) % self._capacity
        self.size = min(self.size + count, self._capacity)

    def pick(self, rng: np.random.Generator, count: int) -> Shown:
        """``count`` crops, each from anywhere in the pool."""
        rows = torch.from_numpy(rng.integers(self.size, size=count)).to(self._device)
        parts = {name: self._kept[name][rows] for name in _FIELDS}
        whole = {"characters": torch.int64, "formats": torch.int64, "lines": torch.int64, "places": torch.float32}
        return Shown(**{name: part.to(whole.get(name, part.dtype)) for name, part in parts.items()})


def altered(batch: Shown, rng: torch.Generator) -> Shown:
    """``batch`` as it might have been seen a moment later: each crop a little moved, blurred or sharpened, noisier.

    Two crops in three are scaled by up to 5 % and moved by up to 3 % of their sides; the edge is repeated outside.
    """
    n, device = len(batch.images), batch.images.device

    def draw(low: float, high: float, share: float) -> Tensor:
        """(n,) values between ``low`` and ``high``; for all but ``share`` of the crops 0."""
        values = torch.rand(n, generator=rng, device=device) * (high - low) + low
        return values * (torch.rand(n, generator=rng, device=device) < share)

    is_moved = (torch.rand(n, generator=rng, device=device) < 0.67).float()
    scale_x, scale_y = (1 + draw(-0.05, 0.05, 1.0) * is_moved for _ in range(2))
    lean_x, lean_y = (draw(-limit, limit, 1.0) * is_moved for limit in (0.05, 0.03))
    shift_x, shift_y = (draw(-0.06, 0.06, 1.0) * is_moved for _ in range(2))
    theta = torch.stack([scale_x, lean_x, shift_x, lean_y, scale_y, shift_y], dim=1).reshape(n, 2, 3)
    images = batch.images[:, None].float()
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    images = nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    soft = nn.functional.avg_pool2d(nn.functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = images + (soft - images) * draw(-1.0, 1.0, 0.35)[:, None, None, None]
    noise = torch.randn(images.shape, generator=rng, device=device)
    images = images + noise * draw(0.0, 8.0, 0.35)[:, None, None, None]
    bend = torch.exp(draw(-math.log(1.5), math.log(1.5), 0.35))[:, None, None, None]
    images = 255 * (images.clamp(0, 255) / 255) ** bend
    seen = batch.places * 2 - 1 - theta[:, None, :, 2]
    area = scale_x * scale_y - lean_x * lean_y
    back = torch.stack([scale_y, -lean_x, -lean_y, scale_x], dim=1).reshape(n, 1, 2, 2) / area[:, None, None, None]
    moved = (back @ seen[..., None]).squeeze(-1) / 2 + 0.5
    places = torch.where(batch.places > -5, moved, batch.places)
    return Shown(
        images.squeeze(1).round().to(torch.uint8), batch.characters, batch.formats, batch.lines, batch.is_text, places
    )

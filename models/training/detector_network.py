"""The plate detector's network: a small convolutional pyramid that marks plates and points at their four corners."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

STRIDE: Final = 8
"""Pixels of the picture a cell of the output."""
REACH: Final = 64.0
"""Pixels that an offset of one in the output stands for."""


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    """A bottleneck with a path around it (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(width, width // 2, 1), _conv(width // 2, width, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class PlateNetwork(nn.Module):
    """Pictures ``(N, 3, H, W)`` uint8 BGR, H and W multiples of 32, to scores and corners on a grid of ``STRIDE`` px.

    Returns ``(N, 1, H/8, W/8)`` logits and ``(N, 8, H/8, W/8)`` offsets of the corners from the cell's centre in
    ``REACH``.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        self.stem = nn.Sequential(_conv(3, w, 3, 2), _conv(w, 2 * w, 3, 2))
        self.at8 = nn.Sequential(_conv(2 * w, 4 * w, 3, 2), _Residual(4 * w), _Residual(4 * w))
        self.at16 = nn.Sequential(_conv(4 * w, 6 * w, 3, 2), _Residual(6 * w), _Residual(6 * w))
        self.at32 = nn.Sequential(_conv(6 * w, 8 * w, 3, 2), _Residual(8 * w), _Residual(8 * w))
        self.side8, self.side16, self.side32 = (_conv(k * w, 4 * w, 1) for k in (4, 6, 8))
        self.join16, self.join8 = _conv(4 * w, 4 * w, 3), _conv(4 * w, 4 * w, 3)
        self.score = nn.Sequential(_conv(4 * w, 2 * w, 3), nn.Conv2d(2 * w, 1, 1))
        self.corners = nn.Sequential(_conv(4 * w, 4 * w, 3), nn.Conv2d(4 * w, 8, 1))
        final = self.score[-1]
        if isinstance(final, nn.Conv2d) and final.bias is not None:
            nn.init.constant_(final.bias, -4.6)  # a cell in a hundred holds a plate (Lin et al. 2017)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = pictures.float() * (1 / 127.5) - 1
        x8 = self.at8(self.stem(x))
        x16 = self.at16(x8)
        x32 = self.at32(x16)
        up = nn.functional.interpolate
        y16 = self.join16(self.side16(x16) + up(self.side32(x32), scale_factor=2.0, mode="nearest"))
        y8 = self.join8(self.side8(x8) + up(y16, scale_factor=2.0, mode="nearest"))
        return self.score(y8), self.corners(y8)


def targets(quads: list[Tensor], unclear: list[Tensor], cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the grid should say.

    ``quads[i] (n, 4, 2)`` px for each picture; returns score ``(N, cells, cells)``: 1 plate, 0 ground, -1 don't care;
    corners ``(N, 8, cells, cells)``; and the plate's length in px ``(N, cells, cells)`` where the score is 1.
    """
    count = len(quads)
    score = torch.zeros(count, cells, cells)
    corners = torch.zeros(count, 8, cells, cells)
    length = torch.ones(count, cells, cells)
    centres = (torch.arange(cells) + 0.5) * STRIDE
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    for i in range(count):
        for quad in unclear[i]:
            score[i][_inside(grid, quad, 1.1)] = -1
        for quad in quads[i]:
            score[i][_inside(grid, quad, 1.15) & (score[i] < 0.5)] = -1
            core = _inside(grid, quad, 0.55)
            middle = (quad.mean(dim=0) / STRIDE).long().clamp(0, cells - 1)
            core[middle[1], middle[0]] = True
            score[i][core] = 1
            offsets = (quad.reshape(1, 1, 4, 2) - grid[:, :, None, :]) / REACH
            corners[i][:, core] = offsets.reshape(cells, cells, 8)[core].T
            length[i][core] = torch.linalg.norm(quad[1] - quad[0])
    return score, corners, length


def _inside(grid: Tensor, quad: Tensor, grow: float) -> Tensor:
    """Cells whose centre lies in ``quad`` grown about its middle."""
    middle = quad.mean(dim=0)
    grown = middle + (quad - middle) * grow
    edges = torch.roll(grown, -1, 0) - grown
    away = grid[:, :, None, :] - grown
    cross = edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0]
    return (cross >= 0).all(dim=-1)


def loss(score: Tensor, corners: Tensor, wanted: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Focal loss of the scores (Lin et al. 2017) and the corners' smooth L1 in shares of the plate's length."""
    truth, places, length = wanted
    score = score[:, 0].float()
    known = truth >= 0
    plate = truth > 0.5
    count = plate.sum().clamp(min=1)
    p = torch.sigmoid(score)
    cross = nn.functional.binary_cross_entropy_with_logits(score, truth.clamp(min=0), reduction="none")
    weight = torch.where(plate, 0.6 * (1 - p) ** 2, 0.4 * p**2)
    focal = (cross * weight * known).sum() / count
    error = (corners.float() - places).permute(0, 2, 3, 1)[plate] * (REACH / length[plate][:, None]) * 10
    shape = nn.functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="sum") / count / 8
    return focal, shape

"""The reader as it is shipped: each crop is looked at in several framings, and the readings are joined.

A detector's box is never quite right, and a network that reads a crop wrong often reads the same plate right when it
stands a few pixels wider or closer. The looks are made inside the graph, so that whoever runs it gets all of them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH
from models.training.network import ReaderNetwork

WIDER: Final = (3, 2)
"""Pixels (x, y) by which the wider look goes over each edge of the crop, the edge repeated."""
CLOSER: Final = (4, 3)
"""Pixels (x, y) by which the closer look leaves each edge out."""
_LEAST_WEIGHT: Final = 0.02


class Looks(nn.Module):
    """Plates ``(n, 48, 144) uint8`` to log-probabilities of characters ``(n, 10, 37)``, formats ``(n, F)`` and lines
    ``(n, 2)``, and the probability ``(n,)`` that every character is right.

    The characters are the geometric mean of the looks' beliefs, each weighted by its legibility, then tempered.
    """

    def __init__(self, network: ReaderNetwork, count: int = 3) -> None:
        """``count``: how many of ``framings`` it takes."""
        super().__init__()
        self.network = network
        self.count = count
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("doubt", torch.tensor([1.0, 0.0]))

    def forward(self, plates: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Raises nothing of its own; see the class for shapes."""
        n = plates.shape[0]
        looks = framings(plates)[: self.count]
        reading = self.network(torch.cat(looks))
        count = len(looks)
        legible = torch.sigmoid(reading.legibility).reshape(count, n)
        weight = legible + _LEAST_WEIGHT
        weight = weight / weight.sum(dim=0, keepdim=True)

        def joined(scores: Tensor) -> Tensor:
            share = weight.reshape(count, n, *[1] * (scores.dim() - 1))
            return (scores.reshape(count, n, *scores.shape[1:]) * share).sum(dim=0)

        characters = torch.log_softmax(joined(reading.characters) / self.temperature, dim=-1)
        logit = joined(reading.legibility) * self.doubt[0] + self.doubt[1]
        return (
            characters,
            torch.log_softmax(joined(reading.format), dim=-1),
            torch.log_softmax(joined(reading.lines), dim=-1),
            torch.sigmoid(logit),
        )


def framings(plates: Tensor) -> list[Tensor]:
    """The looks at plates ``(n, 48, 144)``: as they are, wider, closer; each ``(n, 48, 144) float32``."""
    whole = plates.reshape(-1, 1, INPUT_HEIGHT, INPUT_WIDTH).float()
    x, y = WIDER
    wider = nn.functional.pad(whole, (x, x, y, y), mode="replicate")
    x, y = CLOSER
    closer = whole[:, :, y : INPUT_HEIGHT - y, x : INPUT_WIDTH - x]
    size = (INPUT_HEIGHT, INPUT_WIDTH)
    sized = [nn.functional.interpolate(look, size, mode="bilinear", align_corners=False) for look in (wider, closer)]
    return [look.reshape(-1, *size) for look in (whole, *sized)]

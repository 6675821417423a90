"""The reader's network: a slim convolution stem, one layer of attention over the picture, a query for each slot.

A slot's query looks for its character wherever it stands, so one network reads one line and two. The stem works in
single channels-last pictures; all sizes are chosen so that a crop costs about a millisecond on one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from index.alphabet import ALPHABET, SLOTS
from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH
from models.training.layouts import FORMATS

ROWS: Final = 3
"""Rows of the feature map that the slots look at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is: channels by stage, heads of attention, columns of the feature map."""

    widths: tuple[int, int, int, int] = (16, 48, 96, 128)
    heads: int = 4
    columns: int = 18

    def __post_init__(self) -> None:
        if self.columns not in (18, 36):
            raise ValueError(f"a network has 18 columns or 36, not {self.columns}")
        if self.heads < 1 or self.widths[-1] % self.heads:
            raise ValueError(f"the last of the widths {self.widths} must be a multiple of the heads, {self.heads}")


class Hints(NamedTuple):
    """What is taught besides, to make training quick; only there while training.

    ``early`` (n, 10, 37) the first look's characters, ``cells`` (n, cells, 37) what each cell shows, log-probabilities;
    ``looks`` (n, 2, 10, cells) where the slots look, first and again; ``grid`` the cells' rows and columns.
    """

    early: Tensor
    cells: Tensor
    looks: Tensor
    grid: tuple[int, int]


class Reading(NamedTuple):
    """Log-probabilities of the characters (n, 10, 37), formats (n, F) and lines (n, 2); a logit ``legibility`` (n,)."""

    characters: Tensor
    format: Tensor
    lines: Tensor
    legibility: Tensor
    hints: Hints | None


def _convolution(inward: int, outward: int, kernel: int, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
    )


class Bottleneck(nn.Module):
    """A residual block that looks around in half of its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.body = nn.Sequential(
            _convolution(channels, inner, 1),
            _convolution(inner, inner, 3),
            nn.Conv2d(inner, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class Attention(nn.Module):
    """Multi-head attention, written out so that it exports as plain products."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        n, count, width = x.shape
        size = width // self.heads
        query = self.query(x).reshape(n, count, self.heads, size).transpose(1, 2)
        key, value = self.key_value(memory).chunk(2, dim=-1)
        key = key.reshape(n, -1, self.heads, size).permute(0, 2, 3, 1)
        value = value.reshape(n, -1, self.heads, size).transpose(1, 2)
        weights = torch.softmax(query @ key * size**-0.5, dim=-1)
        return self.out((weights @ value).transpose(1, 2).reshape(n, count, width)), weights


class Layer(nn.Module):
    """Attention and a feed-forward part, each on normalised input and added to it."""

    def __init__(self, width: int, heads: int, looks_at_itself: bool) -> None:
        super().__init__()
        self.looks_at_itself = looks_at_itself
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        normal = self.before(x)
        seen, weights = self.attention(normal, normal if self.looks_at_itself else memory)
        x = x + seen
        return x + self.feed(self.between(x)), weights


class ReaderNetwork(nn.Module):
    """Plates (n, 48, 144), levels of 0-255, to a ``Reading``."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        first, second, third, width = self.shape.widths
        heads, columns = self.shape.heads, self.shape.columns
        self.stem = nn.Sequential(
            _convolution(1, first, 3, 2),
            _convolution(first, second, 3, 2),
            Bottleneck(second),
            _convolution(second, third, 3, (2, 36 // columns)),
            Bottleneck(third),
            Bottleneck(third),
            _convolution(third, width, 3, (2, 1)),
        )
        self.place = nn.Parameter(torch.randn(ROWS * columns, width) * 0.1)
        self.encoder = Layer(width, heads, True)
        self.normal = nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(SLOTS + 1, width) * 0.3)
        self.look = Layer(width, heads, False)
        self.compare = Layer(width, heads, True)
        self.look_again = Layer(width, heads, False)
        self.last = nn.LayerNorm(width)
        self.to_character = nn.Linear(width, len(ALPHABET))
        self.to_cell = nn.Linear(width, len(ALPHABET))
        self.to_format, self.to_lines = nn.Linear(width, len(FORMATS)), nn.Linear(width, 2)
        self.to_legibility = nn.Sequential(nn.Linear(width + 2, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))

    def forward(self, plates: Tensor) -> Reading:
        n = plates.shape[0]
        x = plates.reshape(n, 1, INPUT_HEIGHT, INPUT_WIDTH).float()
        centred = x - x.mean(dim=(2, 3), keepdim=True)
        spread = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt()
        x = (centred / (spread + 4.0)).to(memory_format=torch.channels_last)
        cells = self.stem(x).flatten(2).transpose(1, 2) + self.place
        cells = self.normal(self.encoder(cells, cells)[0])
        first, first_look = self.look(self.queries.expand(n, -1, -1), cells)
        slots, second_look = self.look_again(self.compare(first, first)[0], cells)
        slots = self.last(slots)
        hints = None
        if self.training:
            looks = torch.stack([first_look.mean(dim=1)[:, :SLOTS], second_look.mean(dim=1)[:, :SLOTS]], dim=1)
            early = torch.log_softmax(self.to_character(self.last(first[:, :SLOTS])).float(), dim=-1)
            hints = Hints(
                early, torch.log_softmax(self.to_cell(cells).float(), dim=-1), looks.float(), (ROWS, self.shape.columns)
            )
        characters = torch.log_softmax(self.to_character(slots[:, :SLOTS]).float(), dim=-1)
        whole = slots[:, SLOTS]
        best = characters.detach().amax(dim=-1)
        sureness = torch.stack([best.sum(dim=-1), best.amin(dim=-1)], dim=-1).clamp(min=-10)
        legibility = self.to_legibility(torch.cat([whole, sureness.to(whole.dtype)], dim=-1)).float().squeeze(-1)
        return Reading(
            characters,
            torch.log_softmax(self.to_format(whole).float(), dim=-1),
            torch.log_softmax(self.to_lines(whole).float(), dim=-1),
            legibility,
            hints,
        )

"""What stands on a plate: runs of characters, decorations, colours; all in millimetres, before any pixel is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

Colour = tuple[int, int, int]
"""Red, green, blue, 0-255."""

WHITE: Final[Colour] = (235, 235, 230)
BLACK: Final[Colour] = (20, 20, 22)
YELLOW: Final[Colour] = (240, 190, 30)
RED: Final[Colour] = (190, 30, 35)
BLUE: Final[Colour] = (20, 60, 160)
GREEN: Final[Colour] = (20, 120, 60)
GREY: Final[Colour] = (160, 162, 165)


class Mark(StrEnum):
    """Decorations a plate may carry; none of them is read."""

    BORDER = "border"
    BOX = "box"
    LINE = "line"
    BAND = "band"
    FLAG = "flag"
    SEAL = "seal"
    DASH = "dash"
    DOT = "dot"
    BOLT = "bolt"
    STRIPE = "stripe"
    PICTURE = "picture"
    GLYPH = "glyph"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters side by side in the box ``(x, y, width, height)`` mm; their height is the box's.

    ``spacing`` is the gap between characters in heights; what is too wide for the box is pressed together. A run that
    is not ``is_read`` (a country code, a town, a slogan) is drawn but is no part of the plate's text.
    """

    text: str
    x: float
    y: float
    width: float
    height: float
    spacing: float = 0.12
    align: float = 0.5
    is_read: bool = True
    ink: Colour | None = None


@dataclass(frozen=True, slots=True)
class Decoration:
    """A mark in the box ``(x, y, width, height)`` mm."""

    mark: Mark
    x: float
    y: float
    width: float
    height: float
    colour: Colour
    thickness: float = 2.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Design:
    """One plate to be drawn: its format, size in mm and everything on it, runs in reading order."""

    format: str
    width: float
    height: float
    lines: int
    ground: Colour
    ink: Colour
    runs: tuple[Run, ...]
    decorations: tuple[Decoration, ...] = ()
    emboss: float = 0.0
    radius: float = 8.0
    press: str = ""
    """The kind of face that such plates are pressed in (``faces.PRESSES``); empty where any will do."""

    @property
    def text(self) -> str:
        """The characters that count, top line first: the label of the picture."""
        return "".join(run.text for run in self.runs if run.is_read)


@dataclass(slots=True)
class Sheet:
    """A design being put together."""

    rng: np.random.Generator
    format: str
    width: float
    height: float
    ground: Colour = WHITE
    ink: Colour = BLACK
    lines: int = 1
    press: str = ""
    runs: list[Run] = field(default_factory=list)
    decorations: list[Decoration] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def write(
        self,
        text: str,
        box: tuple[float, float, float, float],
        *,
        align: float = 0.5,
        is_read: bool = True,
        spacing: float | None = None,
        ink: Colour | None = None,
    ) -> None:
        """Add a run in ``box`` (x, y, width, height mm)."""
        gap = self.between(0.06, 0.2) if spacing is None else spacing
        self.runs.append(Run(text, *box, gap, align, is_read, ink))

    def mark(
        self,
        kind: Mark,
        box: tuple[float, float, float, float],
        colour: Colour | None = None,
        thickness: float = 2.0,
    ) -> None:
        """Add a decoration in ``box`` (x, y, width, height mm)."""
        seed = int(self.rng.integers(1 << 31))
        self.decorations.append(Decoration(kind, *box, self.ink if colour is None else colour, thickness, seed))

    def border(self, probability: float = 0.85) -> None:
        if self.chance(probability):
            inset = self.between(1.5, 5)
            box = (inset, inset, self.width - 2 * inset, self.height - 2 * inset)
            self.mark(Mark.BORDER, box, thickness=self.between(1.2, 4))

    def done(self) -> Design:
        return Design(
            format=self.format,
            width=self.width,
            height=self.height,
            lines=self.lines,
            ground=self.ground,
            ink=self.ink,
            runs=tuple(self.runs),
            decorations=tuple(self.decorations),
            emboss=self.between(0, 1) if self.chance(0.6) else 0.0,
            radius=self.between(4, 14),
            press=self.press,
        )

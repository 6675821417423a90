"""Pieces that many countries' plates are put together from."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.training.design import BLACK, BLUE, RED, WHITE, Colour, Mark, Sheet

EU_BLUE: Final[Colour] = (20, 50, 150)


def pick(rng: np.random.Generator, *patterns: str) -> str:
    """One of ``patterns``."""
    return patterns[int(rng.integers(len(patterns)))]


def pick_colour(rng: np.random.Generator, *colours: Colour) -> Colour:
    """One of ``colours``."""
    return colours[int(rng.integers(len(colours)))]


def inverse(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """A dark ground with light ink."""
    return pick_colour(rng, BLACK, BLUE, RED, (20, 90, 50)), WHITE


def band(sheet: Sheet, code: str, width: float = 46.0, colour: Colour = EU_BLUE) -> float:
    """The blue band with stars or a flag and the country's code; gives the x where the text may begin."""
    w = width * sheet.between(0.8, 1.1)
    sheet.mark(Mark.BAND, (0, 0, w, sheet.height), colour)
    if sheet.chance(0.8):
        top = sheet.height * sheet.between(0.12, 0.25)
        if sheet.chance(0.5):
            sheet.mark(Mark.FLAG, (w * 0.15, top, w * 0.7, w * 0.5), (230, 200, 40))
        else:
            for i in range(8):
                a = i * np.pi / 4
                x, y = w / 2 + w * 0.28 * np.cos(a), top + w * 0.35 + w * 0.28 * np.sin(a)
                sheet.mark(Mark.DOT, (x - 2.5, y - 2.5, 5, 5), (240, 210, 40))
    size = w * sheet.between(0.4, 0.55)
    sheet.write(code, (w * 0.1, sheet.height * 0.92 - size, w * 0.8, size), is_read=False, ink=WHITE, spacing=0.1)
    return w + sheet.between(4, 14)


def groups_between(
    sheet: Sheet, groups: list[str], left: float, right: float, height: float, between: str = " "
) -> None:
    """Text groups from ``left`` to ``right`` mm with gaps, dashes, dots or seals between them."""
    y = (sheet.height - height) / 2 + sheet.between(-4, 4)
    spacing = sheet.between(0.06, 0.2)
    gap = {" ": sheet.between(14, 34), "-": sheet.between(24, 40), ".": sheet.between(16, 26), "": 0.0}.get(
        between, sheet.between(38, 62)
    )
    room = right - left - gap * (len(groups) - 1)
    total = sum(len(group) for group in groups)
    x = left
    if sheet.chance(0.4):  # natural widths: shrink the room so that the text doesn't always fill the plate
        used = room * sheet.between(0.78, 1.0)
        x, room = x + (room - used) / 2, used
    for i, group in enumerate(groups):
        width = room * len(group) / total
        sheet.write(group, (x, y, width, height), spacing=spacing, align=0.5)
        x += width
        if i + 1 < len(groups):
            middle = x + gap / 2
            if between == "-":
                w = min(gap * 0.6, 20)
                sheet.mark(Mark.DASH, (middle - w / 2, y + height * 0.46, w, height * sheet.between(0.09, 0.16)))
            elif between == ".":
                r = height * sheet.between(0.05, 0.09)
                sheet.mark(Mark.DOT, (middle - r, y + height * sheet.between(0.45, 0.9) - r, 2 * r, 2 * r))
            elif between == "seals":
                r = gap * sheet.between(0.2, 0.3)
                for share in (0.27, 0.73):
                    tone = (int(sheet.between(60, 240)), int(sheet.between(60, 200)), int(sheet.between(40, 200)))
                    sheet.mark(Mark.SEAL, (middle - r, y + height * share - r, 2 * r, 2 * r), tone)
            elif between == "arms":
                w = gap * sheet.between(0.5, 0.8)
                h = w * sheet.between(1.0, 1.4)
                tone = (int(sheet.between(90, 230)), int(sheet.between(40, 200)), int(sheet.between(40, 200)))
                sheet.mark(Mark.SEAL, (middle - w / 2, y + (height - h) * sheet.between(0.3, 0.7), w, h), tone)
            x += gap

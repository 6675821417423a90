"""The Kazakh number plates that drawn vehicles wear, laid out by the 2012 and 1993 standards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.design import BLACK, BLUE, WHITE, Decoration, Design, Mark, Run
from models.training.faces import drawn_faces
from models.training.plates import draw

_PX_PER_MM = 1.0
_FLAG = (0, 150, 190)


@dataclass(frozen=True, slots=True, eq=False)
class NumberPlate:
    """A clean plate: ``picture (h, w, 3) uint8`` BGR and its width on the road."""

    picture: NDArray[np.uint8]
    width_m: float


def draw_number_plate(text: str, design: str) -> NumberPlate:
    """Draw ``text`` as a plate of ``design``: kz2012, kz2012-legal, kz2012-square or kz1993.

    Raises ``KeyError`` for another design.
    """
    laid = _LAYOUTS[design](text)
    face = drawn_faces()[0]
    plate = draw(laid, face, _PX_PER_MM)
    return NumberPlate(np.ascontiguousarray(plate.image[..., ::-1]), laid.width / 1000)


def _border(width: float, height: float) -> Decoration:
    return Decoration(Mark.BORDER, 3, 3, width - 6, height - 6, BLACK, 3)


def _one_line(text: str) -> Design:
    digits, letters, region = text[:3], text[3:-2], text[-2:]
    runs = (
        Run("KZ", 12, 68, 42, 28, is_read=False, ink=BLACK),
        Run(digits, 62, 18, 150, 76, align=0.0),
        Run(letters, 222, 24, 172, 70),
        Run(region, 414, 18, 92, 76),
    )
    marks = (
        _border(520, 112),
        Decoration(Mark.FLAG, 14, 24, 38, 26, _FLAG, seed=1),
        Decoration(Mark.LINE, 403, 4, 0, 104, BLACK, 3),
    )
    return Design("kz2012", 520, 112, 1, WHITE, BLACK, runs, marks)


def _square(text: str) -> Design:
    digits, letters, region = text[:3], text[3:-2], text[-2:]
    runs = (
        Run("KZ", 14, 66, 42, 28, is_read=False, ink=BLACK),
        Run(digits, 72, 16, 190, 76),
        Run(letters, 14, 108, 160, 76),
        Run(region, 188, 112, 80, 70),
    )
    marks = (
        _border(280, 200),
        Decoration(Mark.FLAG, 16, 26, 38, 26, _FLAG, seed=1),
        Decoration(Mark.BOX, 180, 104, 96, 92, BLACK, 3),
    )
    return Design("kz2012", 280, 200, 2, WHITE, BLACK, runs, marks)


def _letter_first(text: str) -> Design:
    runs = (
        Run(text[0], 14, 18, 70, 76),
        Run(text[1:4], 100, 18, 160, 76),
        Run(text[4:], 272, 24, 172, 70),
        Run("KZ", 460, 62, 46, 30, is_read=False, ink=BLUE),
    )
    marks = (_border(520, 112), Decoration(Mark.FLAG, 462, 22, 40, 28, _FLAG, seed=1))
    return Design("kz1993", 520, 112, 1, WHITE, BLACK, runs, marks)


_LAYOUTS = {"kz2012": _one_line, "kz2012-legal": _one_line, "kz2012-square": _square, "kz1993": _letter_first}

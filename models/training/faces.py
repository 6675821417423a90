"""Plate faces: character shapes drawn in code, and faces from font files where a machine has them.

A face gives the coverage of one character, ``(height, width) uint8``, cut to its ink vertically (all capitals and
digits are as high as the plate's characters) and keeping a natural width. The drawn faces need no file: a skeleton of
strokes on a grid, bent by a few numbers (width, weight, squareness of the bowls, ends, variants of single characters),
which covers the DIN-like, the pressed American, the Brazilian and the Russian-like shapes and what lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.strokes import Strokes, skeleton

Mask = NDArray[np.uint8]
Sizes = tuple[Mask, Mask, Mask]
REFERENCE_HEIGHT: Final = 72
"""Height in px at which glyphs are kept; layouts scale them down from here."""
CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CORNERED: Final = "BDEFHKLMNPRTU"
"""Characters that have sharp corners in a face with flat ends: what tells a square D from a square O."""


class Face(Protocol):
    """Shapes of the 36 plate characters."""

    @property
    def name(self) -> str: ...

    def mask(self, character: str, height: int = REFERENCE_HEIGHT) -> Mask:
        """Coverage of ``character``: ``(high, width) uint8``, 255 where ink is, to be scaled down to ``height``.

        ``high`` is ``REFERENCE_HEIGHT``, its half or its quarter.
        """
        ...


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """A face drawn from the stroke skeleton; needs no font file."""

    name: str
    strokes: Strokes = field(default_factory=Strokes)
    _masks: dict[str, Sizes] = field(default_factory=dict, repr=False, compare=False)

    def mask(self, character: str, height: int = REFERENCE_HEIGHT) -> Mask:
        found = self._masks.get(character)
        if found is None:
            found = self._masks[character] = _sizes(_drawn(self.strokes, character))
        return _sized(found, height)


def _drawn(s: Strokes, character: str) -> Mask:
    lines, stretch = skeleton(character, s)
    scale = 2 * REFERENCE_HEIGHT
    pen = max(2, round(s.weight * scale))
    inner_h = scale - pen
    inner_w = max(1.0, s.width * stretch * scale - pen)
    canvas = np.zeros((scale + 4 * pen, int(inner_w) + 5 * pen), np.uint8)
    shift = 4
    for line in lines:
        points = np.array([[x * inner_w + 2.5 * pen, y * inner_h + 2.5 * pen] for x, y in line])
        fixed = np.round(points * (1 << shift)).astype(np.int32)
        cv2.polylines(canvas, [fixed.reshape(-1, 1, 2)], False, 255, pen, cv2.LINE_AA, shift)
    if not s.is_round_ended and character in _CORNERED:
        for x, y in {point for line in lines for point in line if point[0] in (0.0, 1.0) and point[1] in (0.0, 1.0)}:
            left, top = round(x * inner_w + 2 * pen), round(y * inner_h + 2 * pen)
            cv2.rectangle(canvas, (left, top), (left + pen - 1, top + pen - 1), 255, -1)
    if not s.is_round_ended:  # flat ends: what stands out over the box of the character is cut off, corners are filled
        canvas = cv2.morphologyEx(canvas, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        canvas[: 2 * pen + pen // 4] = 0
        canvas[2 * pen + inner_h + pen - pen // 4 :] = 0
    return _trimmed(canvas)


def _sizes(mask: Mask) -> Sizes:
    """``mask`` at the reference height, at half of it and at a quarter."""
    sizes = [(max(3, round(mask.shape[1] / n)), REFERENCE_HEIGHT // n) for n in (2, 4)]
    half, quarter = (np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8) for size in sizes)
    return mask, half, quarter


def _sized(sizes: Sizes, height: int) -> Mask:
    """The smallest that is no lower than ``height``."""
    return sizes[(2 * height <= REFERENCE_HEIGHT) + (4 * height <= REFERENCE_HEIGHT)]


def _trimmed(canvas: Mask) -> Mask:
    """The ink of ``canvas`` at the reference height."""
    left, top, columns, rows = cv2.boundingRect(cv2.threshold(canvas, 40, 255, cv2.THRESH_BINARY)[1])
    ink = canvas[top : top + rows, left : left + columns]
    width = max(3, round(columns * REFERENCE_HEIGHT / rows))
    out: Mask = cv2.resize(ink, (width, REFERENCE_HEIGHT), interpolation=cv2.INTER_AREA)
    return out


class FontFace:
    """A face from a TrueType or OpenType file, or one of the faces inside OpenCV (``sans``)."""

    def __init__(self, source: str, weight: int = 400) -> None:
        """``source`` is a file path or a built-in name; ``weight`` (100-900) acts on variable fonts alone.

        Raises ``ValueError`` when the font can't be read or lacks a plate character.
        """
        self.name = f"{Path(source).stem}-{weight}"
        self._source = source
        self._weight = weight
        self._masks: dict[str, Sizes] = {}
        face = cv2.FontFace()
        if not (face.set(source)):
            raise ValueError(f"font {source} can't be read: leave it out of the list of fonts")
        self._face = face
        for character in CHARACTERS:
            self._masks[character] = _sizes(self._draw(character))
        shapes = {self.mask(c).tobytes() for c in "ABCE4"}
        if len(shapes) < 5:
            raise ValueError(f"font {source} has no Latin capitals: leave it out of the list of fonts")

    def mask(self, character: str, height: int = REFERENCE_HEIGHT) -> Mask:
        return _sized(self._masks[character], height)

    def _draw(self, character: str) -> Mask:
        canvas = np.zeros((280, 360), np.uint8)
        cv2.putText(canvas, character, (60, 210), 255, self._face, 170, self._weight)
        if canvas.max() < 128:
            raise ValueError(f"font {self._source} has no {character!r}: leave it out of the list of fonts")
        return _trimmed(canvas)


@lru_cache(maxsize=1)
def drawn_faces() -> tuple[DrawnFace, ...]:
    """The named drawn faces, for pictures that should look like a known kind of plate."""
    return (
        DrawnFace("din", Strokes(0.52, 0.14, 2.6, one=0)),
        DrawnFace("din-narrow", Strokes(0.44, 0.13, 3.0)),
        DrawnFace("fe", Strokes(0.6, 0.13, 2.4, zero=3, one=1, seven=0, six=1, three=1, gee=1)),
        DrawnFace("pressed", Strokes(0.46, 0.13, 4.0, six=0, double=1, queue=2)),
        DrawnFace("mandatory", Strokes(0.58, 0.13, 4.0, one=1, eye=1, em=1, double=1, queue=2)),
        DrawnFace("russian", Strokes(0.54, 0.15, 3.4, False, seven=2, three=0)),
    )


def random_drawn_face(rng: np.random.Generator) -> DrawnFace:
    """A drawn face of random proportions and variants."""

    def pick(*weights: float) -> int:
        return int(rng.choice(len(weights), p=np.array(weights) / sum(weights)))

    width = round(float(rng.uniform(0.36, 0.72)), 2)
    strokes = Strokes(
        width=width,
        weight=round(min(float(rng.uniform(0.085, 0.2)), 0.31 * width), 3),
        squareness=round(float(rng.uniform(2.0, 6.0)), 1),
        is_round_ended=bool(rng.random() < 0.5),
        zero=pick(0.8, 0.05, 0.03, 0.12),
        one=pick(0.55, 0.35, 0.1),
        four=pick(0.8, 0.2),
        seven=pick(0.75, 0.08, 0.17),
        six=pick(0.6, 0.4),
        three=pick(0.75, 0.25),
        eye=pick(0.65, 0.35),
        jay=pick(0.7, 0.3),
        em=pick(0.5, 0.5),
        double=pick(0.5, 0.5),
        queue=pick(0.4, 0.35, 0.25),
        gee=pick(0.6, 0.4),
    )
    return DrawnFace("random", strokes)


PRESSES: Final = {"br": 0.6, "mercosur": 0.8, "us": 0.6}
"""Kinds of plates with a face of their own, and the share of them that is drawn in it."""


def pressed_faces(press: str, count: int, rng: np.random.Generator) -> list[DrawnFace]:
    """``count`` faces around the one that plates of a kind of ``PRESSES`` are pressed in.

    Brazil's old face and America's stand W and M upright and draw O nearly as square as D; Brazil's is wide, and its 1
    often a bare bar, America's tall and narrow. Mercosur has the German one, its 1 with a flag, its I with serifs.
    """
    low, high = {"br": (0.5, 0.68), "us": (0.36, 0.56), "mercosur": (0.5, 0.66)}[press]
    ones = {"br": [0.5, 0.05, 0.45], "us": [0.75, 0.15, 0.1], "mercosur": [1.0, 0.0, 0.0]}[press]
    is_german = press == "mercosur"
    faces = []
    for _ in range(count):
        width = round(float(rng.uniform(low, high)), 2)
        strokes = Strokes(
            width=width,
            weight=round(min(float(rng.uniform(0.09, 0.17)), 0.31 * width), 3),
            squareness=round(float(rng.uniform(2.2, 3.2) if is_german else rng.uniform(2.8, 6.5)), 1),
            is_round_ended=bool(rng.random() < 0.25),
            zero=3 if is_german and rng.random() < 0.8 else 0,
            one=int(rng.choice(3, p=ones)),
            six=int(rng.random() < (0.8 if is_german else 0.25)),
            three=int(rng.random() < (0.7 if is_german else 0.15)),
            eye=1 if is_german else int(rng.random() < (0.75 if press == "us" else 0.15)),
            em=int(rng.random() < 0.75),
            double=int(rng.random() < (0.2 if is_german else 0.8)),
            queue=int(rng.integers(3)),
            gee=int(rng.random() < (0.8 if is_german else 0.5)),
            broad=round(float(rng.uniform(0.98, 1.24)), 2),
        )
        faces.append(DrawnFace(f"{press}-pressed", strokes))
    return faces


def font_faces(paths: Sequence[Path]) -> list[FontFace]:
    """Faces of the font files among ``paths``, files and folders alike; unreadable ones are left out."""
    faces = []
    files = sorted(f for p in paths for f in (p.rglob("*.[ot]tf") if p.is_dir() else [p]) if f.is_file())
    for file in files:
        try:
            faces.append(FontFace(str(file)))
        except ValueError:
            continue
    return faces

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

Mask = NDArray[np.uint8]
Sizes = tuple[Mask, Mask, Mask]
REFERENCE_HEIGHT: Final = 72
"""Height in px at which glyphs are kept; layouts scale them down from here."""
CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
class Strokes:
    """How a drawn face bends the skeleton."""

    width: float = 0.55
    """Width of an ordinary character, in heights."""
    weight: float = 0.14
    """Stroke width, in heights."""
    squareness: float = 2.6
    """Exponent of the bowls' superellipse: 2 is a circle's quarter, 6 nearly a corner."""
    is_round_ended: bool = True
    zero: int = 0
    """0 plain, 1 slashed, 2 dotted, 3 gap at the upper right."""
    one: int = 0
    """0 flag, 1 flag and foot, 2 bare."""
    four: int = 0
    """0 closed, 1 open."""
    seven: int = 0
    """0 straight, 1 with a bar, 2 bent."""
    six: int = 0
    """0 bowls with curved tails (6, 9), 1 straight tails."""
    three: int = 0
    """0 round, 1 flat-topped."""
    eye: int = 0
    """The letter I: 0 bare, 1 with serifs."""
    jay: int = 0
    """The letter J: 0 bare, 1 with a serif."""
    em: int = 0
    """The middle of M and W: 0 to the base line, 1 half way."""
    double: int = 0
    """The letter W: 0 slanted, 1 upright, an M on its head."""
    queue: int = 0
    """The tail of Q: 0 across the bowl, 1 outside, 2 inside."""
    gee: int = 0
    """The letter G: 0 bar and spur, 1 bar only."""
    broad: float = 1.24
    """Width of M, and of a W that is one on its head, relative to an ordinary character's."""


Point = tuple[float, float]
_CORNERED: Final = "BDEFHKLMNPRTU"
"""Characters that have sharp corners in a face with flat ends: what tells a square D from a square O."""


def _arc(centre: Point, radius: Point, start: float, end: float, exponent: float) -> list[Point]:
    """Points of a superellipse from ``start`` to ``end`` degrees, clockwise on the picture, 0 at the right."""
    return [(centre[0] + radius[0] * x, centre[1] + radius[1] * y) for x, y in _unit_arc(start, end, exponent)]


@lru_cache(maxsize=4096)
def _unit_arc(start: float, end: float, exponent: float) -> list[Point]:
    angles = np.radians(np.linspace(start, end, max(4, int(abs(end - start) / 9))))
    c, s = np.cos(angles), np.sin(angles)
    x, y = np.sign(c) * np.abs(c) ** (2 / exponent), np.sign(s) * np.abs(s) ** (2 / exponent)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _skeleton(character: str, s: Strokes) -> tuple[list[list[Point]], float]:
    """Strokes of ``character`` in a box of width 1 and height 1, and its width relative to an ordinary character's."""
    n = s.squareness
    arc = _arc
    ring = arc((0.5, 0.5), (0.5, 0.5), -90, 270, n)
    match character:
        case "0" | "O":
            lines = [ring]
            if character == "0" and s.zero == 1:
                lines.append([(0.25, 0.72), (0.75, 0.28)])
            if character == "0" and s.zero == 2:
                lines.append([(0.5, 0.47), (0.5, 0.53)])
            if character == "0" and s.zero == 3:
                lines = [arc((0.5, 0.5), (0.5, 0.5), -40, 290, n)]
            return lines, 1.0 if character == "0" else 1.06
        case "Q":
            tail = {
                0: [(0.6, 0.68), (1.0, 1.04)],
                1: [(0.72, 0.84), (1.02, 1.06)],
                2: [(0.5, 0.66), (0.8, 0.88)],
            }[s.queue]
            return [ring, tail], 1.08
        case "1":
            lines = [[(0.62, 0.0), (0.62, 1.0)]]
            if s.one != 2:
                lines.append([(0.12, 0.28), (0.62, 0.0)])
            if s.one == 1:
                lines.append([(0.2, 1.0), (1.0, 1.0)])
            return lines, 0.72 if s.one == 1 else 0.55
        case "2":
            top = arc((0.5, 0.29), (0.5, 0.29), 190, 390, n)
            return [[*top, (0.02, 1.0), (1.0, 1.0)]], 1.0
        case "3":
            low = arc((0.48, 0.7), (0.52, 0.3), -90, 165, n)
            if s.three:
                return [[(0.05, 0.0), (0.95, 0.0), (0.42, 0.4), *low]], 1.0
            high = arc((0.48, 0.23), (0.46, 0.23), 195, 450, n)
            return [high, [(0.35, 0.46), (0.48, 0.46)], arc((0.48, 0.73), (0.52, 0.27), -90, 165, n)], 1.0
        case "4":
            if s.four:
                return [[(0.35, 0.0), (0.0, 0.72), (1.0, 0.72)], [(0.72, 0.42), (0.72, 1.0)]], 1.04
            return [[(0.74, 1.0), (0.74, 0.0), (0.0, 0.72), (1.0, 0.72)]], 1.04
        case "5":
            bowl = arc((0.48, 0.69), (0.52, 0.31), -120, 160, n)
            return [[(0.92, 0.0), (0.12, 0.0), (0.07, 0.48), *bowl]], 1.0
        case "6" | "9":
            bowl = arc((0.5, 0.68), (0.5, 0.32), -180, 180, n)
            if s.six:
                lines = [bowl, [(0.03, 0.6), (0.62, 0.0)]]
            else:
                lines = [bowl, [(0.0, 0.68), *arc((0.5, 0.36), (0.5, 0.36), 180, 325, n)]]
            if character == "9":
                lines = [[(1 - x, 1 - y) for x, y in line] for line in lines]
            return lines, 1.0
        case "7":
            stem = [(0.0, 0.0), (1.0, 0.0), (0.35, 1.0)]
            if s.seven == 2:
                stem = [(0.0, 0.0), (1.0, 0.0), (0.55, 0.5), (0.4, 1.0)]
            lines = [stem]
            if s.seven == 1:
                lines.append([(0.3, 0.5), (0.85, 0.5)])
            return lines, 0.95
        case "8":
            return [
                arc((0.5, 0.235), (0.44, 0.235), -90, 270, n),
                arc((0.5, 0.735), (0.5, 0.265), -90, 270, n),
            ], 1.0
        case "A":
            return [[(0.0, 1.0), (0.5, 0.0), (1.0, 1.0)], [(0.17, 0.68), (0.83, 0.68)]], 1.14
        case "B":
            high = [(0.0, 0.47), (0.0, 0.0), (0.4, 0.0), *arc((0.55, 0.235), (0.38, 0.235), -90, 90, n), (0.0, 0.47)]
            low = [(0.0, 0.47), (0.5, 0.47), *arc((0.58, 0.735), (0.42, 0.265), -90, 90, n), (0.0, 1.0), (0.0, 0.47)]
            return [high, low], 1.04
        case "C":
            return [arc((0.5, 0.5), (0.5, 0.5), -35, -325, n)], 1.0
        case "D":
            bowl = [(0.0, 0.0), (0.4, 0.0), *arc((0.5, 0.5), (0.5, 0.5), -90, 90, n), (0.0, 1.0), (0.0, 0.0)]
            return [bowl], 1.06
        case "E":
            return [[(0.95, 0.0), (0.0, 0.0), (0.0, 1.0), (0.95, 1.0)], [(0.0, 0.49), (0.82, 0.49)]], 0.92
        case "F":
            return [[(0.95, 0.0), (0.0, 0.0), (0.0, 1.0)], [(0.0, 0.49), (0.8, 0.49)]], 0.9
        case "G":
            curve = arc((0.5, 0.5), (0.5, 0.5), -35, -340 if s.gee else -325, n)
            end = [(1.0, 0.55), (0.55, 0.55)] if s.gee else [(1.0, 0.75), (1.0, 0.55), (0.55, 0.55)]
            return [[*curve, *end]], 1.06
        case "H":
            return [[(0.0, 0.0), (0.0, 1.0)], [(1.0, 0.0), (1.0, 1.0)], [(0.0, 0.49), (1.0, 0.49)]], 1.04
        case "I":
            lines = [[(0.5, 0.0), (0.5, 1.0)]]
            if s.eye:
                lines += [[(0.0, 0.0), (1.0, 0.0)], [(0.0, 1.0), (1.0, 1.0)]]
            return lines, 0.62 if s.eye else 0.12
        case "J":
            hook = [(0.9, 0.0), (0.9, 0.66), *arc((0.45, 0.66), (0.45, 0.34), 0, 165, n)]
            return [hook, [(0.35, 0.0), (0.9, 0.0)]] if s.jay else [hook], 0.9
        case "K":
            return [[(0.0, 0.0), (0.0, 1.0)], [(0.95, 0.0), (0.02, 0.6)], [(0.33, 0.42), (1.0, 1.0)]], 1.08
        case "L":
            return [[(0.0, 0.0), (0.0, 1.0), (0.95, 1.0)]], 0.88
        case "M":
            middle = 1.0 if s.em == 0 else 0.6
            return [[(0.0, 1.0), (0.0, 0.0), (0.5, middle * 0.86), (1.0, 0.0), (1.0, 1.0)]], s.broad
        case "N":
            return [[(0.0, 1.0), (0.0, 0.0), (1.0, 1.0), (1.0, 0.0)]], 1.08
        case "P" | "R":
            lines = [[(0.0, 1.0), (0.0, 0.0), (0.5, 0.0), *arc((0.56, 0.28), (0.42, 0.28), -90, 90, n), (0.0, 0.56)]]
            if character == "R":
                lines.append([(0.48, 0.56), (1.0, 1.0)])
            return lines, 1.0
        case "S":
            high = arc((0.5, 0.24), (0.47, 0.24), -25, -270, n)
            return [[*high, *arc((0.5, 0.74), (0.5, 0.26), -90, 155, n)]], 1.0
        case "T":
            return [[(0.0, 0.0), (1.0, 0.0)], [(0.5, 0.0), (0.5, 1.0)]], 0.98
        case "U":
            return [[(0.0, 0.0), (0.0, 0.6), *arc((0.5, 0.6), (0.5, 0.4), 180, 0, n), (1.0, 0.0)]], 1.04
        case "V":
            return [[(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)]], 1.1
        case "W":
            if s.double:
                return [[(0.0, 0.0), (0.0, 1.0), (0.5, 0.14 if s.em == 0 else 0.4), (1.0, 1.0), (1.0, 0.0)]], s.broad
            middle = 0.1 if s.em == 0 else 0.45
            return [[(0.0, 0.0), (0.27, 1.0), (0.5, middle), (0.73, 1.0), (1.0, 0.0)]], 1.4
        case "X":
            return [[(0.0, 0.0), (1.0, 1.0)], [(1.0, 0.0), (0.0, 1.0)]], 1.08
        case "Y":
            return [[(0.0, 0.0), (0.5, 0.5), (1.0, 0.0)], [(0.5, 0.5), (0.5, 1.0)]], 1.08
        case "Z":
            return [[(0.03, 0.0), (0.97, 0.0), (0.03, 1.0), (0.97, 1.0)]], 1.0
    raise ValueError(f"no plate character {character!r}")


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
    lines, stretch = _skeleton(character, s)
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

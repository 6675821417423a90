"""The skeletons of drawn characters: strokes on a grid, bent by a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Point = tuple[float, float]


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


def _arc(centre: Point, radius: Point, start: float, end: float, exponent: float) -> list[Point]:
    """Points of a superellipse from ``start`` to ``end`` degrees, clockwise on the picture, 0 at the right."""
    return [(centre[0] + radius[0] * x, centre[1] + radius[1] * y) for x, y in _unit_arc(start, end, exponent)]


@lru_cache(maxsize=4096)
def _unit_arc(start: float, end: float, exponent: float) -> list[Point]:
    angles = np.radians(np.linspace(start, end, max(4, int(abs(end - start) / 9))))
    c, s = np.cos(angles), np.sin(angles)
    x, y = np.sign(c) * np.abs(c) ** (2 / exponent), np.sign(s) * np.abs(s) ** (2 / exponent)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def skeleton(character: str, s: Strokes) -> tuple[list[list[Point]], float]:
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

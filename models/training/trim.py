"""Lamps, grilles, lettering, bumpers and badges of training vehicles: what a detector may take for a plate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.workbench import SIDE, WIDTH, Workbench, lettering, slats, write


def _lamp(bench: Workbench, box: tuple[float, float, float, float], tone: NDArray[np.float64], skew: float) -> None:
    x0, y0, x1, y1 = box
    for is_right in (False, True):
        points = [(x0, y0), (x1, y0 + skew * (y1 - y0)), (x1 - 0.02, y1), (x0 + 0.01, y1 - skew * 0.5 * (y1 - y0))]
        placed = [(1 - x if is_right else x, y) for x, y in points]
        bench.poly(placed, tone)
        for _ in range(int(bench.rng.integers(0, 4))):  # the glass's grooves
            x, y, shade = bench.between(x0, x1), bench.between(y0, y1), bench.between(0.5, 1.6)
            stroke = [(x, y), (x, y + (y1 - y0) * 0.5)] if bench.chance(0.4) else [(x0, y), (x1, y)]
            ends = [(round((1 - a if is_right else a) * WIDTH + SIDE), round(b)) for a, b in stroke]
            cv2.line(bench.bgra, ends[0], ends[1], [*map(float, np.clip(tone * shade, 0, 255)), 255.0], 2, cv2.LINE_AA)
        for _ in range(int(bench.rng.integers(1, 5))):
            cx, cy = bench.between(x0 + 0.02, x1), bench.between(y0, y1)
            r = (y1 - y0) * bench.between(0.12, 0.4)
            at = (round((1 - cx if is_right else cx) * WIDTH + SIDE), round(cy))
            inner = np.clip(tone * bench.between(0.5, 1.7) + bench.rng.normal(0, 15, 3), 0, 255)
            cv2.circle(bench.bgra, at, max(2, round(r)), [*map(float, inner), 255.0], -1, cv2.LINE_AA)


def tail_lamps(bench: Workbench) -> None:
    """Red lamps with white and amber parts, at the edges."""
    face = bench.low - bench.waist
    top = bench.waist + face * bench.between(-0.25, 0.25)
    tall = bench.chance(0.4)
    high = face * (bench.between(0.4, 0.8) if tall else bench.between(0.15, 0.35))
    wide = bench.between(0.06, 0.12) if tall else bench.between(0.12, 0.28)
    tone = np.array([bench.between(20, 60), bench.between(15, 50), bench.between(100, 230)])
    _lamp(bench, (0.01, top, wide, top + high), tone, bench.between(-0.2, 0.3))
    if bench.chance(0.6):  # the white and amber parts
        y = top + high * bench.between(0.2, 0.8)
        for x in (0.03, 0.97 - wide * 0.6):
            tones = np.array([200.0, 210, 220]) if bench.chance(0.5) else np.array([30.0, 130, 230])
            bench.poly(
                [(x, y), (x + wide * 0.6, y), (x + wide * 0.6, y + high * 0.2), (x, y + high * 0.2)],
                tones * bench.between(0.6, 1.1),
            )


def head_lamps(bench: Workbench) -> None:
    """Bright lamps, and perhaps fog lamps below."""
    face = bench.low - bench.waist
    top = bench.waist + face * bench.between(0.05, 0.3)
    high, wide = face * bench.between(0.13, 0.3), bench.between(0.14, 0.3)
    _lamp(bench, (0.01, top, wide, top + high), np.full(3, bench.between(90, 235)), bench.between(-0.1, 0.5))
    if bench.chance(0.5):
        y = bench.low - face * bench.between(0.12, 0.25)
        for x in (0.1, 0.9):
            at = (round(x * WIDTH + SIDE), round(y))
            cv2.circle(
                bench.bgra,
                at,
                round(face * bench.between(0.04, 0.09)),
                [*([bench.between(90, 240)] * 3), 255.0],
                -1,
                cv2.LINE_AA,
            )


def grilles(bench: Workbench) -> None:
    """The openings above and in the bumper."""
    face = bench.low - bench.waist
    for low, high, p in ((0.08, 0.4, 0.85), (0.68, 0.92, 0.75)):
        if not bench.chance(p):
            continue
        y0, y1 = (
            bench.waist + face * (low + bench.between(0, 0.08)),
            bench.waist + face * (high - bench.between(0, 0.08)),
        )
        half, taper = bench.between(0.14, 0.34), bench.between(0.75, 1.1)
        shape = [(0.5 - half, y0), (0.5 + half, y0), (0.5 + half * taper, y1), (0.5 - half * taper, y1)]
        if bench.chance(0.5):
            rim = bench.between(2, 7)
            r = rim / WIDTH
            frame = [
                (shape[0][0] - r, y0 - rim),
                (shape[1][0] + r, y0 - rim),
                (shape[2][0] + r, y1 + rim),
                (shape[3][0] - r, y1 + rim),
            ]
            bench.poly(frame, np.full(3, bench.between(120, 230)))
        bench.poly(shape, bench.dark * 0.7)
        inner = half * min(1.0, taper)
        box = (
            round((0.5 - inner) * WIDTH) + SIDE,
            round(y0) + 2,
            round((0.5 + inner) * WIDTH) + SIDE,
            round(y1) - 1,
        )
        level = bench.between(40, 220)
        slats(bench.bgra, bench.rng, box, [level, level, level, 255.0])


def boot(bench: Workbench) -> None:
    """A chrome strip, the names of make and model, exhausts."""
    face = bench.low - bench.waist
    if bench.chance(0.6):
        y = bench.waist + face * bench.between(0.25, 0.45)
        half = bench.between(0.15, 0.38)
        tone = np.full(3, bench.between(150, 235)) if bench.chance(0.6) else bench.paint * 0.6
        bench.poly(
            [(0.5 - half, y), (0.5 + half, y), (0.5 + half, y + face * 0.04), (0.5 - half, y + face * 0.04)], tone
        )
    for _ in range(int(bench.rng.integers(0, 4))):  # names of the make and the model in chrome
        x, y = bench.between(0.12, 0.75), bench.waist + face * bench.between(0.15, 0.6)
        level = bench.between(150, 240) if bench.paint.mean() < 150 else bench.between(40, 130)
        write(
            bench.bgra,
            bench.rng,
            lettering(bench.rng, 8),
            (x * WIDTH + SIDE, y),
            bench.between(7, 21),
            [level, level, level, 255.0],
        )
    if bench.chance(0.3):
        for x in (0.15, 0.8):
            at = (round(x * WIDTH + SIDE), round(bench.low))
            cv2.ellipse(bench.bgra, at, (16, 9), 0, 0, 360, (90, 90, 90, 255), -1, cv2.LINE_AA)


def bumper(bench: Workbench) -> None:
    """A strip in another colour, sensors, reflectors, a tow ball."""
    face = bench.low - bench.waist
    y = bench.low - face * bench.between(0.12, 0.4)
    if bench.chance(0.45):
        tone = bench.dark if bench.chance(0.7) else np.full(3, bench.between(130, 220))
        h = face * bench.between(0.06, 0.3)
        bench.poly([(0.02, y), (0.98, y), (0.97, y + h), (0.03, y + h)], tone)
    if bench.chance(0.3):
        for x in (0.2, 0.38, 0.62, 0.8):
            cv2.circle(
                bench.bgra,
                (round(x * WIDTH + SIDE), round(y + 5)),
                4,
                (*map(float, bench.paint * 0.5), 255.0),
                -1,
                cv2.LINE_AA,
            )
    if bench.chance(0.3):  # reflectors
        for x in (0.06, 0.86):
            bench.poly(
                [(x, y + 8), (x + 0.08, y + 8), (x + 0.08, y + 16), (x, y + 16)], (40, 40, bench.between(120, 220))
            )
    if bench.is_rear and bench.chance(0.15):  # a tow ball
        cv2.circle(
            bench.bgra, (round(0.5 * WIDTH + SIDE), round(bench.low - 4)), 10, (110, 110, 110, 255), -1, cv2.LINE_AA
        )


def badge(bench: Workbench, plate: tuple[float, float]) -> None:
    """The maker's mark: above the plate or anywhere."""
    x, y = (
        (0.5, plate[1] - bench.between(30, 80))
        if bench.chance(0.6)
        else (bench.between(0.1, 0.9), bench.between(bench.waist, bench.low))
    )
    level = bench.between(120, 245)
    wide, high = bench.between(7, 26), bench.between(6, 19)
    tone = (level, level, level, 255.0) if bench.chance(0.75) else (*bench.rng.uniform(20, 220, 3), 255.0)
    at, axes = (round(x * WIDTH + SIDE), round(y)), (round(wide), round(high))
    draw = bench.rng.random()
    if draw < 0.35:  # a field within the ring
        inner = (*bench.rng.uniform(20, 200, 3), 255.0)
        cv2.ellipse(bench.bgra, at, axes, 0, 0, 360, inner, -1, cv2.LINE_AA)
    if draw < 0.8:
        cv2.ellipse(bench.bgra, at, axes, 0, 0, 360, tone, 3 if bench.chance(0.7) else -1, cv2.LINE_AA)
    if draw < 0.2 or draw > 0.9:
        text = lettering(bench.rng, 6)[:6]
        write(bench.bgra, bench.rng, text, (at[0] - wide * 0.8, at[1] + high * 0.4), high * 0.9, tone)
        return
    for _ in range(int(bench.rng.integers(1, 5))):  # strokes, rings, wings
        ends = [(round(at[0] + bench.between(-wide, wide)), round(at[1] + bench.between(-high, high))) for _ in (0, 1)]
        if bench.chance(0.5):
            cv2.line(bench.bgra, ends[0], ends[1], tone, int(bench.rng.integers(1, 5)), cv2.LINE_AA)
        else:
            inside = (max(2, round(wide * bench.between(0.2, 0.8))), max(2, round(high * bench.between(0.2, 0.8))))
            cv2.ellipse(bench.bgra, at, inside, bench.between(0, 90), 0, 360, tone, 2, cv2.LINE_AA)


def advert(bench: Workbench) -> None:
    """Lines of lettering across the vehicle, on its paint or on a board."""
    y = bench.between(bench.waist * 0.9, bench.low * 0.7)
    high = bench.between(9, 32)
    tone = [*bench.rng.uniform(0, 255, 3), 255.0]
    lines = int(bench.rng.integers(1, 4))
    if bench.chance(0.5):
        bench.poly(
            [
                (0.1, y - high * 1.3),
                (0.9, y - high * 1.3),
                (0.9, y + high * 1.4 * lines),
                (0.1, y + high * 1.4 * lines),
            ],
            bench.rng.uniform(0, 255, 3),
        )
    for k in range(lines):
        write(
            bench.bgra,
            bench.rng,
            lettering(bench.rng),
            (SIDE + WIDTH * bench.between(0.1, 0.4), y + k * high * 1.4),
            high,
            tone,
        )

"""Vehicles for the plate detector's training: ends of cars, vans and lorries, each drawn by chance.

``models.training.vehicle`` draws the few tidy vehicles of the simulation. A detector that saw those alone takes every
grille, lamp, badge and sticker for a plate: here all of these vary, panes and paint mirror photographs, and dirt and
shadow lie over everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.training import trim
from models.training.workbench import SIDE, WIDTH, Image, Workbench


@dataclass(frozen=True, slots=True, eq=False)
class Coach:
    """A vehicle's end ``(H, W, 4) uint8`` BGRA and where its plate goes: the middle, and a long plate's width (px)."""

    bgra: Image
    plate: tuple[float, float]
    plate_width: float


def random_vehicle(rng: np.random.Generator, pictures: Sequence[Image] = ()) -> Coach:
    """A vehicle's front or rear; ``pictures`` are what its panes and paint mirror."""
    bench = Workbench(rng, pictures)
    wheel = bench.between(0.1, 0.17)
    for x in (0.03, 0.97 - wheel):
        bench.poly(
            [(x, bench.height * 0.7), (x + wheel, bench.height * 0.7), (x + wheel, bench.height), (x, bench.height)],
            (20,) * 3,
        )
    if bench.chance(0.3):
        _flank(bench)
    _cabin(bench)
    _shell(bench)
    _shine(bench)
    if bench.is_rear:
        trim.tail_lamps(bench)
        trim.boot(bench)
    else:
        trim.head_lamps(bench)
        trim.grilles(bench)
    trim.bumper(bench)
    middle = _recess(bench)
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.15, 0.4, 0.25, 0.2]))):
        trim.badge(bench, middle)
    if bench.chance(0.12):
        trim.advert(bench)
    soft = cv2.GaussianBlur(bench.bgra, (0, 0), 0.7)
    return Coach(np.asarray(soft, np.uint8), (middle[0] * WIDTH + SIDE, middle[1]), WIDTH * bench.between(0.25, 0.32))


def _flank(bench: Workbench) -> None:
    """The side of a vehicle seen aslant, with windows and a wheel."""
    reach = bench.between(0.06, 0.2)
    left = bench.chance(0.5)
    near, far = (0.04, -reach) if left else (0.96, 1 + reach)
    top, drop = bench.between(0.05, 0.15) * bench.height, bench.between(0.03, 0.12) * bench.height
    bench.poly(
        [(near, top), (far, top + drop), (far, bench.low - drop), (near, bench.low)],
        bench.paint * bench.between(0.5, 0.9),
    )
    bench.poly(
        [(near, top * 1.6), (far, top * 1.6 + drop), (far, bench.waist * 0.95), (near, bench.waist * 0.95)],
        bench.dark * 1.5,
    )
    bench.poly(
        [(near, bench.height * 0.72), (far, bench.height * 0.7), (far, bench.height * 0.93), (near, bench.height)],
        (24,) * 3,
    )


def _cabin(bench: Workbench) -> None:
    inset = bench.between(0.0, 0.04) if bench.is_tall else bench.between(0.08, 0.2)
    roof = bench.waist * bench.between(0.02, 0.12)
    shape = [(inset, roof), (1 - inset, roof), (0.98, bench.waist), (0.02, bench.waist)]
    bench.poly(shape, bench.paint * bench.between(0.8, 1.1))
    if bench.is_tall and bench.is_rear and bench.chance(0.5):  # a closed back: doors without panes
        for edge in (0.49, 0.51):
            bench.poly(
                [(edge, roof), (edge + 0.004, roof), (edge + 0.004, bench.low), (edge, bench.low)], bench.paint * 0.5
            )
        return
    top, bottom = roof + bench.waist * bench.between(0.06, 0.2), bench.waist * bench.between(0.85, 0.97)
    a, b = inset + bench.between(0.02, 0.06), bench.between(0.05, 0.13)
    pane = [(a, top), (1 - a, top), (1 - b, bottom), (b, bottom)]
    bench.poly(pane, bench.dark * bench.between(0.8, 2.2))
    if bench.chance(0.5):  # head rests and seats
        for x in (0.27, 0.62):
            y = bottom - (bottom - top) * bench.between(0.3, 0.6)
            bench.poly(
                [(x, y), (x + 0.12, y), (x + 0.14, bottom), (x - 0.02, bottom)], bench.dark * bench.between(0.4, 1.6)
            )
    bench.reflect(bench.mask(pane), bench.between(0.1, 0.75))
    if bench.chance(0.3):  # a sticker or a paper behind the pane
        x, y, w = bench.between(0.15, 0.75), bench.between(top, bottom * 0.9), bench.between(0.03, 0.12)
        h = w * WIDTH * bench.between(0.3, 1)
        bench.poly([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], bench.rng.uniform(60, 250, 3))
    if bench.is_rear and bench.chance(0.5):
        y = top + (bottom - top) * bench.between(-0.05, 0.1)
        bench.poly([(0.4, y), (0.6, y), (0.6, y + 6), (0.4, y + 6)], (40, 30, bench.between(90, 220)))
    if bench.chance(0.4):
        foot = (round(SIDE + WIDTH * 0.5), round(bottom))
        tip = (round(SIDE + WIDTH * bench.between(0.2, 0.8)), round(bottom - (bottom - top) * 0.3))
        cv2.line(bench.bgra, foot, tip, (15, 15, 15, 255), 3, cv2.LINE_AA)
    if not bench.is_rear or bench.chance(0.3):
        for x in (-0.09, 0.99):
            y = bench.waist * bench.between(0.72, 0.85)
            h = bench.waist * 0.17
            bench.poly(
                [(x, y), (x + 0.1, y), (x + 0.1, y + h), (x, y + h)],
                bench.paint * 0.7 if bench.chance(0.7) else bench.dark,
            )


def _shell(bench: Workbench) -> None:
    belly = (bench.waist + bench.low) / 2
    top = bench.waist * bench.between(0.94, 1.0)
    bench.poly([(0.03, top), (0.97, top), (1, belly), (0.98, bench.low), (0.02, bench.low), (0, belly)], bench.paint)
    rows = np.arange(bench.bgra.shape[0])
    bends = np.interp(
        rows,
        [top, top + (belly - top) * 0.4, belly, bench.low],
        [bench.between(1.0, 1.3), 1.0, bench.between(0.75, 1.0), bench.between(0.35, 0.8)],
    )
    body = (rows >= top)[:, None, None]
    shaded = np.clip(bench.bgra[..., :3] * bends[:, None, None], 0, 255)
    bench.bgra[..., :3] = np.where(body, shaded, bench.bgra[..., :3]).astype(np.uint8)
    for _ in range(int(bench.rng.integers(0, 4))):  # seams and folds
        y = bench.between(top, bench.low)
        bow = bench.between(-12, 12)
        points = np.array([(SIDE + WIDTH * x, y + bow * (2 * x - 1) ** 2) for x in np.linspace(0.05, 0.95, 12)])
        tone = (bench.paint * bench.between(0.5, 1.4)).clip(0, 255)
        cv2.polylines(
            bench.bgra,
            [points.round().astype(np.int32)],
            False,
            [*map(float, tone), 255.0],
            int(bench.rng.integers(1, 4)),
            cv2.LINE_AA,
        )


def _shine(bench: Workbench) -> None:
    mask = np.where(bench.bgra[..., 3] > 200, np.uint8(255), np.uint8(0))
    mask[: int(bench.waist)] = 0
    if bench.chance(0.6):
        bench.reflect(mask, bench.between(0.05, 0.35))


def _recess(bench: Workbench) -> tuple[float, float]:
    """Where the plate goes, often in a hollow of its own; ``(x as a share, y px)``."""
    face = bench.low - bench.waist
    is_low = bench.chance(0.35 if bench.is_rear else 0.9)
    y = bench.waist + face * (bench.between(0.66, 0.9) if is_low else bench.between(0.35, 0.62))
    x = 0.5 if bench.chance(0.85) else bench.between(0.3, 0.7)
    if bench.chance(0.5):
        half, high = bench.between(0.16, 0.26), face * bench.between(0.08, 0.2)
        tone = bench.paint * bench.between(0.35, 0.85) if bench.chance(0.7) else bench.dark
        bench.poly(
            [(x - half, y - high), (x + half, y - high), (x + half * 0.94, y + high), (x - half * 0.94, y + high)],
            tone,
        )
    return x, y

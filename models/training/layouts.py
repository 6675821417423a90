"""Plates of the world by format: Kazakhstan, its neighbours, Europe, the Americas, and anything at all.

Every layout is a function of a random generator; ``random_design`` draws one by the shares of ``LAYOUTS``. A format's
name is what the reader answers with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from models.training.americas import american, brazilian
from models.training.design import GREY, WHITE, YELLOW, Design, Sheet
from models.training.europe import european
from models.training.grammar import fill, runs
from models.training.kazakhstan import kazakh
from models.training.neighbours import (
    CYRILLIC_LIKE,
    armenian,
    belarusian,
    chinese,
    georgian,
    kyrgyz,
    russian,
    turkish,
    ukrainian,
    uzbek,
)
from models.training.pieces import band, groups_between, inverse, pick, pick_colour


def anything(rng: np.random.Generator) -> Design:
    """Any characters in one line or two: keeps the reader from leaning on the formats it knows."""
    is_two = rng.random() < 0.4
    length = int(rng.choice([4, 5, 6, 7, 8, 9, 10], p=[0.05, 0.08, 0.2, 0.27, 0.25, 0.09, 0.06]))
    pattern = runs(length, rng) if rng.random() < 0.7 else "?" * length
    text = fill(pattern, rng, str(rng.choice(["ABCDEFGHIJKLMNOPQRSTUVWXYZ", CYRILLIC_LIKE])))
    if rng.random() < 0.3:
        text = fill("9" * length, rng) if rng.random() < 0.5 else fill("A" * length, rng)
    if is_two:
        sheet = Sheet(rng, "other", float(rng.uniform(180, 340)), float(rng.uniform(150, 215)), lines=2)
    else:
        sheet = Sheet(rng, "other", float(rng.uniform(300, 540)), float(rng.uniform(100, 160)))
    sheet.ground = pick_colour(rng, WHITE, WHITE, YELLOW, GREY, (210, 200, 190))
    if sheet.chance(0.12):
        sheet.ground, sheet.ink = inverse(rng)
    sheet.border(0.7)
    left = band(sheet, fill("AA", rng), sheet.width * 0.09) if sheet.chance(0.3) else sheet.width * 0.05
    right = sheet.width * 0.95
    if is_two:
        cut = int(rng.integers(2, length - 1))
        row = sheet.height * sheet.between(0.3, 0.42)
        sheet.write(text[:cut], (left, sheet.height * sheet.between(0.06, 0.14), right - left, row))
        sheet.write(text[cut:], (sheet.width * 0.06, sheet.height * sheet.between(0.5, 0.56), sheet.width * 0.88, row))
        return sheet.done()
    height = sheet.height * sheet.between(0.5, 0.78)
    if (length < 7 and sheet.chance(0.5)) or length > 8:
        groups = [text]
    else:
        cut = int(rng.integers(1, length))
        groups = [text[:cut], text[cut:]]
    groups_between(sheet, groups, left, right, height, pick(rng, " ", "-", ".", "arms", "seals"))
    return sheet.done()


LAYOUTS: Final[dict[str, tuple[Callable[[np.random.Generator], Design], float]]] = {
    "kz": (kazakh, 0.32),
    "ru": (russian, 0.045),
    "kg": (kyrgyz, 0.02),
    "uz": (uzbek, 0.02),
    "by": (belarusian, 0.015),
    "ua": (ukrainian, 0.06),
    "ge": (georgian, 0.01),
    "am": (armenian, 0.01),
    "cn": (chinese, 0.015),
    "eu": (european, 0.15),
    "tr": (turkish, 0.015),
    "us": (american, 0.16),
    "br": (brazilian, 0.12),
    "other": (anything, 0.06),
}
"""By country: how its plates are drawn, and its share of the training pictures."""

FORMATS: Final = (
    "kz2012", "kz2012-legal", "kz1993", "kz-motorcycle", "kz-trailer", "kz-transit", "kz-diplomatic", "kz-foreign",
    "ru", "kg", "uz", "by", "ua", "ge", "am", "cn", "eu", "tr", "us", "br", "other", "none",
)  # fmt: skip
"""Names of the formats in the order of the reader's output; ``none`` is no plate."""


_COUNTRIES: Final = tuple(LAYOUTS)
_SHARES: Final = [share / sum(share for _, share in LAYOUTS.values()) for _, share in LAYOUTS.values()]


def random_design(rng: np.random.Generator, country: str | None = None) -> Design:
    """A random plate; of ``country`` (a key of ``LAYOUTS``) if given."""
    if country is None:
        country = _COUNTRIES[int(rng.choice(len(_COUNTRIES), p=_SHARES))]
    return LAYOUTS[country][0](rng)

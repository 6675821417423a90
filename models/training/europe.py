"""Plates of the European Union, Britain, Switzerland, Norway and Serbia."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.training.design import BLUE, GREEN, RED, YELLOW, Design, Mark, Sheet
from models.training.grammar import LETTERS, fill
from models.training.pieces import EU_BLUE, band, groups_between, inverse, pick, pick_colour

_EU: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "SK": (("AA 999AA",), ("arms", "arms", "-", "seals", "arms")),
    "CZ": (("9A9 9999", "9AA 9999", "AAA 99-99", "9A 99999"), ("seals", "seals", " ", "arms")),
    "D": (
        ("A AA 999", "AA A 9999", "AAA AA 99", "AA AA 999", "A A 9999", "AA AA 9999"),
        ("seals", "-", "seals", " "),
    ),
    "PL": (("AA 99999", "AAA 9999", "AAA A999", "AA 9999A", "AA 99-99A", "AAA 99-99"), ("seals", " ", "-", "arms")),
    "H": (("AAA 999", "AA AA 999"), ("-", "arms", " ")),
    "A": (("A 99999A", "AA 999AA", "AA 9999A", "A 9999AA"), ("arms", "-")),
    "I": (("AA 999AA",), (" ", "seals")),
    "F": (("AA 999 AA", "999 AAA 99"), ("-", " ")),
    "E": (("9999 AAA", "A 9999 AA"), (" ", "-")),
    "NL": (("AA 99 AA", "99 AAA 9", "A 999 AA", "99 AA AA"), ("-",)),
    "B": (("9 AAA 999", "AAA 999"), ("-",)),
    "GB": (("AA99 AAA", "A999 AAA", "AAA 999A"), (" ",)),
    "CH": (("AA 999999", "AA 99999", "AA 9999"), ("arms", ".", " ")),
    "S": (("AAA 999", "AAA 99A"), (" ", "seals")),
    "N": (("AA 99999",), (" ", "seals")),
    "FIN": (("AAA 999",), ("-",)),
    "DK": (("AA 99999", "AA 99 999"), (" ",)),
    "LT": (("AAA 999",), ("seals", " ")),
    "LV": (("AA 9999",), ("-",)),
    "EST": (("999 AAA",), (" ",)),
    "RO": (("AA 99 AAA", "A 99 AAA", "A 999 AAA"), (" ",)),
    "BG": (("AA 9999 AA", "A 9999 AA"), (" ",)),
    "SLO": (("AA A9 999", "AA AA 999"), ("arms", "-")),
    "HR": (("AA 999 AA", "AA 9999 AA"), ("arms", "-")),
    "SRB": (("AA 999 AA",), ("arms",)),
    "GR": (("AAA 9999",), ("-", " ")),
    "P": (("99 99 AA", "AA 99 99", "99 AA 99", "AA 99 AA"), ("-",)),
}
_LETTERS: Final = {"SK": "ABCDEFGHIJKLMNOPRSTUVXYZ", "CZ": "ABCDEFHIJKLMNPRSTUVXYZ"}
"""Alphabets that lack letters; elsewhere all 26 are taken."""
_EU_SHARES: Final = {"SK": 0.22, "CZ": 0.16, "D": 0.16, "PL": 0.06, "GB": 0.05}


def european(rng: np.random.Generator) -> Design:
    """A plate of the European Union, Britain, Switzerland, Norway or Serbia; vanity texts too."""
    rest = (1 - sum(_EU_SHARES.values())) / (len(_EU) - len(_EU_SHARES))
    codes = list(_EU)
    code = codes[int(rng.choice(len(codes), p=[_EU_SHARES.get(c, rest) for c in codes]))]
    patterns, joints = _EU[code]
    pattern = pick(rng, *patterns)
    letters = _LETTERS.get(code, LETTERS)
    groups = [fill(g, rng, letters) for g in pattern.replace("-", "").split()]
    joint = pick(rng, *joints)
    if rng.random() < 0.07:  # a text of the owner's wish
        words = fill("AAAAAAAA"[: int(rng.integers(3, 9))], rng)
        groups = [words] if rng.random() < 0.6 else [words[:2], words[2:]]
    is_two = rng.random() < 0.12
    width = 520.0 if code != "CH" else 500.0
    if is_two:
        return _european_square(rng, groups)
    sheet = Sheet(rng, "eu", width, 112)
    draw = rng.random()
    if draw < 0.08:
        sheet.ground = YELLOW
    elif draw < 0.13:
        sheet.ground, sheet.ink = inverse(rng)
    elif draw < 0.18:
        sheet.ink = pick_colour(rng, GREEN, RED, BLUE)
    sheet.border(0.75)
    left = band(sheet, code) if sheet.chance(0.7) else sheet.between(10, 30)
    if code == "SK" and sheet.chance(0.25) and left < 31:  # the older kind: arms over the country code
        sheet.mark(Mark.SEAL, (8, 20, 30, 36), BLUE)
        sheet.write("SK", (8, 66, 30, 26), is_read=False)
        left = 46
    right = 520 - sheet.between(8, 24)
    if code in ("F", "I", "AL") and sheet.chance(0.6):
        sheet.mark(Mark.BAND, (width - 40, 0, 40, 112), EU_BLUE)
        right = width - 48
    height = sheet.between(66, 86)
    if code == "GB" and sheet.chance(0.3):
        height = sheet.between(76, 90)
    groups_between(sheet, groups, left, right, height, joint)
    if len(groups) > 2 and joint in ("seals", "arms"):
        return _single_seal(sheet)
    return sheet.done()


def _single_seal(sheet: Sheet) -> Design:
    """The seals stand at the first gap alone on most plates of three groups; both ways are drawn."""
    seals = [d for d in sheet.decorations if d.mark is Mark.SEAL]
    if sheet.chance(0.7):
        first = min(d.x for d in seals)
        sheet.decorations = [d for d in sheet.decorations if d.mark is not Mark.SEAL or d.x < first + 60]
    return sheet.done()


def _european_square(rng: np.random.Generator, groups: list[str]) -> Design:
    sheet = Sheet(rng, "eu", 280, float(rng.uniform(180, 210)), lines=2)
    sheet.border()
    left = band(sheet, pick(rng, "D", "CZ", "SK", "PL", "I"), 40) if sheet.chance(0.5) else 14.0
    text = "".join(groups)
    cut = len(groups[0]) if len(groups) > 1 else len(text) // 2
    cut = min(max(cut, 2), len(text) - 2)
    row = sheet.height * sheet.between(0.36, 0.42)
    sheet.write(text[:cut], (left, sheet.height * 0.07, 270 - left, row), align=sheet.between(0.2, 0.7))
    sheet.write(text[cut:], (14 if sheet.chance(0.6) else left, sheet.height * 0.54, 250, row))
    return sheet.done()

"""Kazakhstan's plates: the formats of 2012 and 1993, one line and two, and the special kinds."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.training.design import BLACK, BLUE, RED, WHITE, YELLOW, Colour, Design, Mark, Sheet
from models.training.grammar import fill

TURQUOISE: Final[Colour] = (0, 160, 190)
REGIONS: Final = tuple(f"{n:02d}" for n in range(1, 21))
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _region(rng: np.random.Generator) -> str:
    return str(rng.choice(REGIONS)) if rng.random() < 0.94 else fill("99", rng)


def _colours(sheet: Sheet) -> None:
    """White mostly; yellow for foreign owners, red, blue and dark ones now and then."""
    draw = sheet.rng.random()
    if draw < 0.1:
        sheet.ground = YELLOW
    elif draw < 0.13:
        sheet.ground, sheet.ink = RED, WHITE
    elif draw < 0.15:
        sheet.ground, sheet.ink = BLUE, WHITE
    elif draw < 0.3:
        sheet.ground = (int(sheet.between(190, 255)), int(sheet.between(190, 250)), int(sheet.between(185, 245)))


def _flag(sheet: Sheet, box: tuple[float, float, float, float]) -> None:
    """The flag over the letters KZ, both unread, in ``box`` mm."""
    x, y, w, h = box
    if sheet.chance(0.94):
        share = sheet.between(0.35, 0.55)
        sheet.mark(Mark.FLAG, (x, y, w, h * share), TURQUOISE)
        text_h = h * sheet.between(0.25, min(0.5, 0.95 - share))
        sheet.write("KZ", (x, y + h - text_h, w, text_h), is_read=False, spacing=0.08)
    elif sheet.chance(0.5):
        sheet.write("KZ", (x, y + h * 0.4, w, h * 0.3), is_read=False, spacing=0.08)


def one_line(rng: np.random.Generator, pattern: tuple[str, str], name: str) -> Design:
    """``123 ABC | 02``: flag, digits, letters, and the region in a field of its own."""
    sheet = Sheet(rng, name, 520, 112)
    _colours(sheet)
    sheet.border()
    left = sheet.between(46, 70)
    right = 520 - sheet.between(92, 122)
    _flag(sheet, (sheet.between(8, 14), sheet.between(16, 26), left - sheet.between(12, 18), sheet.between(56, 72)))
    height = sheet.between(70, 92)
    ratio = 1.0 if sheet.chance(0.35) else sheet.between(0.68, 0.95)
    base = 56 + height / 2 + sheet.between(-4, 4)
    digits, letters = (fill(p, rng) for p in pattern)
    room = 3 if sheet.chance(0.4) else len(letters)  # two letters may stand in the room of three
    share = len(digits) / (len(digits) + room * (0.75 + 0.3 * ratio)) + sheet.between(-0.03, 0.03)
    start = left + sheet.between(2, 14)
    middle = start + (right - start - 8) * share
    spacing = sheet.between(0.05, 0.2)
    align = sheet.between(0.2, 0.8)
    sheet.write(digits, (start, base - height, middle - start - 6, height), align=align, spacing=spacing)
    low = base if sheet.chance(0.75) else 56 + height * ratio / 2
    box = (middle + 2, low - height * ratio, right - middle - 12, height * ratio)
    sheet.write(letters, box, align=align, spacing=spacing * sheet.between(0.8, 1.8))
    if sheet.chance(0.93):
        tall = sheet.between(0, 12)
        sheet.mark(Mark.LINE, (right - 4, tall, 0, 112 - 2 * tall), thickness=sheet.between(1.5, 4))
    region_h = height * (1.0 if sheet.chance(0.5) else sheet.between(0.75, 1.0))
    box = (right + 2, base - region_h - (0 if sheet.chance(0.6) else sheet.between(0, 10)), 520 - right - 12, region_h)
    sheet.write(_region(rng), box, spacing=spacing)
    return sheet.done()


def two_line(rng: np.random.Generator, pattern: tuple[str, str], name: str) -> Design:
    """Flag and digits above, letters and the boxed region below."""
    wide, tall = (280.0, 202.0) if sheet_is_square(rng) else (290.0, float(rng.uniform(165, 215)))
    sheet = Sheet(rng, name, wide, tall, lines=2)
    _colours(sheet)
    sheet.border()
    digits, letters = (fill(p, rng) for p in pattern)
    row = tall * sheet.between(0.36, 0.43)
    top, bottom = tall * sheet.between(0.06, 0.11), tall * sheet.between(0.53, 0.58)
    left = wide * sheet.between(0.16, 0.3)
    _flag(sheet, (wide * 0.05, top + sheet.between(0, 10), left - wide * 0.08, row * sheet.between(0.75, 0.95)))
    spacing = sheet.between(0.06, 0.24)
    sheet.write(digits, (left, top, wide * 0.95 - left, row), spacing=spacing, align=sheet.between(0.3, 0.8))
    field = wide * sheet.between(0.27, 0.36)
    low = row * (1.0 if sheet.chance(0.6) else sheet.between(0.8, 1.0))
    edge = wide * 0.95 - field
    sheet.write(letters, (wide * 0.05, bottom, edge - wide * 0.08, low), spacing=spacing, align=sheet.between(0.3, 0.7))
    region_h = low * sheet.between(0.7, 1.0)
    draw = sheet.rng.random()
    pen = sheet.between(1.5, 4)
    if draw < 0.7:
        sheet.mark(Mark.BOX, (edge, bottom - tall * 0.03, field, low + tall * 0.06), thickness=pen)
    elif draw < 0.85:
        sheet.mark(Mark.LINE, (edge, bottom - tall * 0.04, 0, low + tall * 0.1), thickness=pen)
        sheet.mark(Mark.LINE, (edge, bottom - tall * 0.04, field, 0), thickness=pen)
    box = (edge + 4, bottom + (low - region_h) / 2, field - 8, region_h)
    sheet.write(_region(rng), box, spacing=sheet.between(0.05, 0.15))
    return sheet.done()


def sheet_is_square(rng: np.random.Generator) -> bool:
    """Whether a two-line plate has the usual 280 x 202 mm."""
    return bool(rng.random() < 0.6)


def old_one_line(rng: np.random.Generator) -> Design:
    """1993: ``A 123 BCD`` with the flag at the right."""
    sheet = Sheet(rng, "kz1993", 520, 112)
    _colours(sheet)
    sheet.border()
    height = sheet.between(68, 90)
    y = 56 - height / 2 + sheet.between(-4, 4)
    ratio = 1.0 if sheet.chance(0.6) else sheet.between(0.75, 0.95)
    letter, digits, tail = fill("A", rng), fill("999", rng), fill("AAA" if sheet.chance(0.7) else "AA", rng)
    flag_left = sheet.chance(0.15)
    start, end = (70.0, 505.0) if flag_left else (sheet.between(10, 25), 520 - sheet.between(62, 82))
    spacing = sheet.between(0.05, 0.2)
    cut = start + (end - start) * (0.15 + sheet.between(-0.01, 0.03))
    middle = start + (end - start) * (0.55 + sheet.between(-0.03, 0.03))
    is_joined = sheet.chance(0.5)
    if is_joined:
        sheet.write(letter + digits, (start, y, middle - start - 4, height), spacing=spacing)
    else:
        sheet.write(letter, (start, y + height * (1 - ratio), cut - start - 2, height * ratio), spacing=spacing)
        sheet.write(digits, (cut, y, middle - cut - 4, height), spacing=spacing)
    box = (middle + 4, y + height * (1 - ratio), end - middle - 6, height * ratio)
    sheet.write(tail, box, spacing=spacing, align=sheet.between(0.2, 0.6))
    x = 12.0 if flag_left else end + 6
    _flag(sheet, (x, sheet.between(18, 30), 46, sheet.between(54, 70)))
    return sheet.done()


def old_two_line(rng: np.random.Generator) -> Design:
    """1993 on a square mount: ``A 123`` over ``BCD``."""
    sheet = Sheet(rng, "kz1993", 280, 202, lines=2)
    _colours(sheet)
    sheet.border()
    spacing = sheet.between(0.06, 0.25)
    row = sheet.between(70, 86)
    sheet.write(fill("A999", rng), (14, 16, 252, row), spacing=spacing)
    flag = sheet.between(50, 66)
    at_left = sheet.chance(0.5)
    box = (14 + (flag if at_left else 0), 108, 252 - flag, row)
    sheet.write(fill("AAA" if sheet.chance(0.75) else "AA", rng), box, spacing=spacing)
    _flag(sheet, (16 if at_left else 266 - flag + 8, 112, flag - 10, row * 0.9))
    return sheet.done()


def special(rng: np.random.Generator) -> Design:
    """Diplomats (red), foreign firms (yellow), transit (paper-like)."""
    draw = rng.random()
    if draw < 0.35:
        name, text = (
            "kz-diplomatic",
            str(rng.choice(["D", "T", "HC", "UN", "K"])) + fill("999999"[: int(rng.integers(4, 7))], rng),
        )
    elif draw < 0.7:
        name, text = "kz-foreign", str(rng.choice(["H", "M", "K", "P", "F"])) + fill("9999", rng) + _region(rng)
    else:
        name, text = "kz-transit", fill("AA9999", rng) + _region(rng)
    sheet = Sheet(rng, name, 520, 112)
    if name == "kz-diplomatic" and sheet.chance(0.8):
        sheet.ground, sheet.ink = RED, WHITE
    elif name == "kz-foreign" and sheet.chance(0.8):
        sheet.ground = YELLOW
    elif name == "kz-transit":
        sheet.ink = BLACK if sheet.chance(0.5) else RED
    sheet.border()
    _flag(sheet, (10, 20, 46, 70))
    height = sheet.between(66, 86)
    sheet.write(text, (66, 56 - height / 2, 440, height))
    return sheet.done()


def kazakh(rng: np.random.Generator) -> Design:
    """A plate of Kazakhstan, the common kinds most often, two-line ones more often than on the road."""
    draw = rng.random()
    is_two = rng.random() < 0.45
    if draw < 0.66:
        pattern, name = ("999", "AAA"), "kz2012"
    elif draw < 0.78:
        pattern, name = ("999", "AA"), "kz2012-legal"
    elif draw < 0.82:
        pattern, name = ("99", "AA"), "kz-motorcycle"
        is_two = rng.random() < 0.8
    elif draw < 0.86:
        pattern, name = ("99", "AAA") if rng.random() < 0.6 else ("9999", "AA"), "kz-trailer"
    elif draw < 0.97:
        return old_two_line(rng) if rng.random() < 0.25 else old_one_line(rng)
    else:
        return special(rng)
    return two_line(rng, pattern, name) if is_two else one_line(rng, pattern, name)

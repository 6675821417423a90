"""Plates of Brazil and of the United States."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.training.design import BLACK, BLUE, GREEN, GREY, RED, WHITE, YELLOW, Design, Mark, Sheet
from models.training.grammar import LETTERS, fill
from models.training.pieces import EU_BLUE, pick, pick_colour

_TOWNS: Final = (
    "BRASILIA",
    "SALVADOR",
    "SAO PAULO",
    "RIO DE JANEIRO",
    "CAMPINAS",
    "BELO HORIZONTE",
    "FEIRA",
    "GOIANIA",
)
_STATES: Final = (
    "CALIFORNIA", "TEXAS", "FLORIDA", "NEW YORK", "ARIZONA", "WASHINGTON", "OHIO", "GEORGIA", "ILLINOIS", "OREGON",
    "NEVADA", "COLORADO", "VIRGINIA", "MICHIGAN", "NEW JERSEY", "UTAH", "IDAHO", "MARYLAND", "ARKANSAS", "TENNESSEE",
)  # fmt: skip
_SLOGANS: Final = (
    "THE GOLDEN STATE", "LONE STAR", "SUNSHINE STATE", "GRAND CANYON STATE", "DMV CA GOV", "EVERGREEN", "DEALER SALES",
    "FIRST IN FLIGHT", "TOYOTA OF HERE", "AUTO MALL", "WILD WONDERFUL", "ORANGE COUNTY",
)  # fmt: skip
_PATTERNS: Final = (
    # the states of most cars again and again: California, Texas, Florida, New York, Illinois
    "9AAA999", "9AAA999", "9AAA999", "9A99999", "AAA9999", "AAA 9999", "AAA 9999", "AAA 999", "AA9 A999", "AA9 A999",
    "AAA A99", "AAA A99", "A99 9AA", "A99 99A", "AA 99999", "A99 9999", "AA9 9999", "999 9999", "999 AAA", "999 AAA",
    # the others
    "AAA99A", "A99 AAA", "AAA 99A", "AA9 9AA", "AA9 A9A", "AA9 A9A", "99A A99", "99A 999", "9A9 999", "99AAA9",
    "9A AA999", "9A 99999", "9A 9999", "9AA A99", "9AA AA9", "9AA9999", "9AA A99", "999A", "999AA", "999AAA", "AAA999",
    "AAA9AA", "A999999", "999999A", "99999A9", "99 9999", "9 99999", "999 999", "9999 AA", "AA 9999", "A99999",
    "999999",
)  # fmt: skip


def brazilian(rng: np.random.Generator) -> Design:
    """Grey ``ABC-1234`` under the town's name, and Mercosur's ``ABC1D23`` under a blue band."""
    is_mercosur = rng.random() < 0.25
    is_two = rng.random() < 0.15
    sheet = Sheet(rng, "br", *((200.0, 170.0) if is_two else (400.0, 130.0)), lines=2 if is_two else 1)
    sheet.press = "mercosur" if is_mercosur else "br"
    head, tail = fill("AAA", rng), fill("9A99" if is_mercosur else "9999", rng)
    if is_mercosur:
        sheet.mark(Mark.BAND, (0, 0, sheet.width, sheet.height * 0.23), EU_BLUE)
        sheet.write("BRASIL", (sheet.width * 0.3, 6, sheet.width * 0.4, 16), is_read=False, ink=WHITE)
    else:
        draw = rng.random()
        sheet.ground = GREY if draw < 0.6 else (200, 200, 195)
        if draw > 0.86:
            sheet.ground, sheet.ink = (RED, WHITE) if draw < 0.95 else (WHITE, BLACK)
        town = pick(rng, "BA", "SP", "RJ", "DF", "MG", "ES", "SE", "PR") + " " + pick(rng, *_TOWNS)
        w = sheet.width * sheet.between(0.3, 0.6)
        sheet.write(town, ((sheet.width - w) / 2, 7, w, sheet.between(12, 17)), is_read=False, spacing=0.15)
    sheet.border(0.6)
    if is_two:
        sheet.write(head, (14, 36, 172, 56), spacing=sheet.between(0.15, 0.4))
        sheet.write(tail, (14, 104, 172, 56), spacing=sheet.between(0.1, 0.25))
        return sheet.done()
    height = sheet.between(58, 72)
    y = 128 - height - sheet.between(14, 28)
    spacing = sheet.between(0.1, 0.24)
    dash = 0.0 if is_mercosur else sheet.between(18, 32)
    left, right = sheet.between(10, 30), 400 - sheet.between(10, 30)
    middle = left + (right - left - dash) * (3 / 7 + sheet.between(-0.02, 0.04))
    sheet.write(head, (left, y, middle - left - 3, height), spacing=spacing, align=0.6)
    if dash:
        r = sheet.between(4, 7)
        box = (middle + dash / 2 - r, y + height * sheet.between(0.45, 0.6) - r, 2 * r, 2 * r)
        sheet.mark(Mark.DOT, box) if sheet.chance(0.7) else sheet.mark(Mark.DASH, (box[0] - 4, box[1], 2 * r + 8, r))
    sheet.write(tail, (middle + dash + 3, y, right - middle - dash - 3, height), spacing=spacing, align=0.4)
    for x in (sheet.between(30, 60), 400 - sheet.between(30, 60)):
        if sheet.chance(0.5):
            sheet.mark(Mark.BOLT, (x, 10, 12, 12), (70, 70, 70) if sheet.chance(0.6) else (190, 120, 60))
    return sheet.done()


def american(rng: np.random.Generator) -> Design:
    """A plate of a state: its name above, a slogan or a frame below, perhaps a printed scene."""
    sheet = Sheet(rng, "us", 305, 153, press="us")
    draw = rng.random()
    if draw < 0.4:
        sheet.ground = (int(sheet.between(180, 255)), int(sheet.between(180, 250)), int(sheet.between(180, 250)))
    elif draw < 0.5:
        sheet.ground = (int(sheet.between(60, 250)), int(sheet.between(60, 250)), int(sheet.between(60, 250)))
    if sum(sheet.ground) < 300:
        sheet.ink = WHITE
    elif sheet.chance(0.6):
        sheet.ink = pick_colour(rng, (25, 35, 110), (20, 30, 80), (130, 20, 30), (20, 80, 50), (40, 40, 40))
    if sheet.chance(0.6):
        sheet.mark(Mark.PICTURE, (0, 0, 305, 153), sheet.ground, thickness=sheet.between(0.15, 0.8))
    if sheet.chance(0.25):
        sheet.mark(Mark.BAND, (0, 0, 305, sheet.between(20, 38)), pick_colour(rng, BLUE, RED, (90, 130, 190), GREEN))
    if sheet.chance(0.2):
        sheet.mark(
            Mark.BAND, (0, 153 - sheet.between(14, 30), 305, 40), pick_colour(rng, BLUE, RED, (90, 130, 190), GREEN)
        )
    ink = pick_colour(rng, BLUE, RED, (30, 30, 40), WHITE)
    if sheet.chance(0.85):
        w = sheet.between(90, 200)
        sheet.write(
            pick(rng, *_STATES), ((305 - w) / 2, sheet.between(6, 14), w, sheet.between(14, 26)), is_read=False, ink=ink
        )
    if sheet.chance(0.6):
        w = sheet.between(90, 220)
        sheet.write(
            pick(rng, *_SLOGANS),
            ((305 - w) / 2, sheet.between(130, 138), w, sheet.between(8, 14)),
            is_read=False,
            ink=ink,
        )
    pattern = pick(rng, *_PATTERNS)
    # Most states leave out the letters that look like digits.
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ" if rng.random() < 0.75 else LETTERS
    groups = [fill(g, rng, letters) for g in pattern.split()]
    if rng.random() < 0.03:
        groups = [fill("???????"[: int(rng.integers(3, 8))], rng)]
    height = sheet.between(58, 82)
    y = 78 - height / 2 + sheet.between(-4, 8)
    left, right = sheet.between(10, 30), 305 - sheet.between(10, 30)
    gap = sheet.between(10, 44) if len(groups) > 1 else 0.0
    room = right - left - gap
    spacing = sheet.between(0.05, 0.16)
    x = left
    for i, group in enumerate(groups):
        width = room * len(group) / sum(map(len, groups))
        sheet.write(group, (x, y, width, height), spacing=spacing)
        x += width
        if i + 1 < len(groups):
            kind = rng.random()
            size = min(gap * 0.8, 26)
            if kind < 0.6:
                tall = size * sheet.between(1.0, 2.0)
                tone = (int(sheet.between(40, 240)), int(sheet.between(80, 200)), int(sheet.between(40, 160)))
                sheet.mark(Mark.SEAL, (x + (gap - size) / 2, y + (height - tall) / 2, size, tall), tone)
            elif kind < 0.8:
                sheet.mark(Mark.DASH, (x + gap * 0.2, y + height * 0.45, gap * 0.6, height * 0.12))
            x += gap
    for cx, cy in ((25, 12), (280, 12), (25, 140), (280, 140)):
        if sheet.chance(0.3):
            w = sheet.between(8, 34)
            sheet.mark(
                Mark.BAND, (cx - w / 2, cy - 8, w, 16), pick_colour(rng, YELLOW, RED, GREEN, (120, 120, 120), WHITE)
            )
    sheet.border(0.3)
    return sheet.done()

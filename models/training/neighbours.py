"""Plates of Kazakhstan's neighbours and of what lies near: the CIS, the Caucasus, China, Turkey."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.training.design import BLACK, BLUE, RED, WHITE, YELLOW, Design, Mark, Sheet
from models.training.grammar import fill
from models.training.pieces import band, groups_between, pick

CYRILLIC_LIKE: Final = "ABEKMHOPCTYX"
UKRAINIAN: Final = "ABCEHIKMOPTX"


def russian(rng: np.random.Generator) -> Design:
    """``A123BC77``: small letters, tall digits, the region in a field with RUS and the flag under it."""
    is_two = rng.random() < 0.25
    region = fill("99" if rng.random() < 0.5 else "999", rng)
    body = pick(rng, "A999AA", "A999AA", "A999AA", "A999AA", "AA999", "9999AA", "AA9999", "A9999")
    text = fill(body, rng, CYRILLIC_LIKE)
    if is_two:
        sheet = Sheet(rng, "ru", 290, 170, lines=2)
        sheet.border()
        row = sheet.between(58, 68)
        cut = 4 if body[0] == "A" and body[1] == "9" else 3
        sheet.write(text[:cut], (14, 14, 262, row), spacing=sheet.between(0.15, 0.4))
        sheet.write(text[cut:], (14, 90, 130, row), spacing=0.15)
        sheet.write(region, (160, 92, 112, row * 0.85), spacing=0.1)
        return sheet.done()
    sheet = Sheet(rng, "ru", 520, 112)
    if rng.random() < 0.08:
        sheet.ground, sheet.ink = (YELLOW, BLACK) if rng.random() < 0.6 else (BLUE, WHITE)
    sheet.border()
    right = 520 - sheet.between(115, 135)
    tall = sheet.between(72, 82)
    base = 56 + tall / 2 + sheet.between(-3, 3)
    low = tall * (sheet.between(0.72, 0.84) if sheet.chance(0.85) else 1.0)
    x = sheet.between(18, 32)
    unit = (right - x - 10) / len(text)
    i = 0
    spacing = sheet.between(0.1, 0.2)
    while i < len(text):
        j = i
        while j < len(text) and text[j].isdigit() == text[i].isdigit():
            j += 1
        height = tall if text[i].isdigit() else low
        sheet.write(text[i:j], (x + unit * i, base - height, unit * (j - i), height), spacing=spacing)
        i = j
    sheet.mark(Mark.LINE, (right, 3, 0, 106), thickness=sheet.between(2, 4))
    height = sheet.between(54, 64)
    sheet.write(region, (right + 6, sheet.between(8, 16), 520 - right - 14, height), spacing=0.12)
    sheet.write("RUS", (right + 10, 82, 50, 20), is_read=False)
    if sheet.chance(0.8):
        sheet.mark(Mark.FLAG, (right + 68, 82, 34, 20), WHITE)
    return sheet.done()


def kyrgyz(rng: np.random.Generator) -> Design:
    """``01 KG 123 ABC`` (the code and the flag stand small) or the older ``B 1234 AB``."""
    sheet = Sheet(rng, "kg", 520, 112)
    sheet.border()
    height = sheet.between(66, 84)
    if rng.random() < 0.75:
        sheet.write(f"{int(rng.integers(1, 10)):02d}", (12, 12, 74, sheet.between(46, 60)))
        sheet.mark(Mark.FLAG, (14, 74, 34, 22), RED)
        sheet.write("KG", (52, 76, 34, 20), is_read=False)
        sheet.mark(Mark.LINE, (96, 2, 0, 108), thickness=sheet.between(1.5, 4))
        groups_between(sheet, [fill("999", rng), fill(pick(rng, "AAA", "AA"), rng)], 108, 505, height)
    else:
        groups_between(sheet, [fill("A", rng), fill("9999", rng), fill(pick(rng, "A", "AA"), rng)], 20, 440, height)
        sheet.mark(Mark.FLAG, (455, 24, 44, 28), RED)
        sheet.write("KG", (455, 60, 44, 28), is_read=False)
    return sheet.done()


def uzbek(rng: np.random.Generator) -> Design:
    """``01 | A 123 BC`` and ``01 | 123 ABC`` with the flag at the right."""
    sheet = Sheet(rng, "uz", 520, 112)
    sheet.border()
    height = sheet.between(66, 84)
    if sheet.chance(0.1):
        sheet.ground = (170, 220, 180)
    region = str(rng.choice(["01", "10", "20", "25", "30", "40", "50", "60", "70", "75", "80", "85", "90", "95"]))
    sheet.write(region, (12, 56 - height * 0.45, 84, height * 0.9))
    sheet.mark(Mark.LINE, (102, 2, 0, 108), thickness=sheet.between(1.5, 4))
    groups = ["A", "999", "AA"] if rng.random() < 0.6 else ["999", "AAA"]
    groups_between(sheet, [fill(g, rng) for g in groups], 112, 450, height)
    sheet.mark(Mark.FLAG, (462, 24, 42, 26), (0, 150, 190))
    sheet.write("UZ", (462, 58, 42, 30), is_read=False)
    return sheet.done()


def belarusian(rng: np.random.Generator) -> Design:
    """``1234 AB-7``."""
    sheet = Sheet(rng, "by", 520, 112)
    sheet.border()
    sheet.mark(Mark.FLAG, (10, 22, 40, 26), RED)
    sheet.write("BY", (10, 56, 40, 28), is_read=False)
    height = sheet.between(66, 84)
    groups = ["9999", "AA"] if rng.random() < 0.8 else ["AA", "9999"]
    groups_between(sheet, [fill(g, rng, UKRAINIAN) for g in groups], 60, 410, height)
    sheet.mark(Mark.DASH, (416, 52, 18, 8))
    sheet.write(fill("9", rng), (440, 56 - height / 2, 62, height))
    return sheet.done()


def ukrainian(rng: np.random.Generator) -> Design:
    """``AA 1234 BB`` in one line or two, and the older ``123-45 AB``, ``1234 AB`` on a shield-like square."""
    draw = rng.random()
    if draw < 0.72:
        sheet = Sheet(rng, "ua", 520, 112)
        sheet.border()
        left = sheet.between(8, 24)
        if sheet.chance(0.9):
            if sheet.chance(0.6):
                left = band(sheet, "UA", 44, (30, 80, 170))
            else:
                sheet.mark(Mark.FLAG, (8, 16, 36, 26), YELLOW)
                sheet.mark(Mark.BAND, (8, 16, 36, 13), (30, 80, 190))
                sheet.write("UA", (8, 54, 36, 28), is_read=False)
                left = 52
        groups = ["AA", "9999", "AA"] if rng.random() < 0.92 else ["99999", "AA"]
        groups_between(sheet, [fill(g, rng, UKRAINIAN) for g in groups], left, 508, sheet.between(66, 86))
        return sheet.done()
    is_square = draw < 0.86
    sheet = Sheet(rng, "ua", 280, 202 if is_square else sheet_height(rng), lines=2)
    sheet.border()
    row = sheet.height * sheet.between(0.36, 0.43)
    top, bottom = sheet.height * 0.08, sheet.height * 0.54
    if is_square:
        left = 60.0
        if sheet.chance(0.8):
            sheet.mark(Mark.FLAG, (14, top + 6, 36, 26), YELLOW)
            sheet.write("UA", (14, top + 42, 36, 24), is_read=False)
        else:
            left = 14.0
        if rng.random() < 0.5:
            high, low = fill("AA9999", rng, UKRAINIAN), fill("AA", rng, UKRAINIAN)
        else:
            high, low = fill("AA", rng, UKRAINIAN), fill("9999AA", rng, UKRAINIAN)
    else:
        left = 14.0
        high, low = fill(pick(rng, "9999", "99999"), rng), fill("AA", rng, UKRAINIAN)
    sheet.write(high, (left, top, 268 - left, row))
    inset = 0.0 if len(low) > 3 else sheet.between(10, 60)
    sheet.write(low, (14 + inset, bottom, 252 - 2 * inset, row))
    return sheet.done()


def sheet_height(rng: np.random.Generator) -> float:
    """Height in mm of a two-line plate between a motorcycle's and a square."""
    return float(rng.uniform(170, 280))


def georgian(rng: np.random.Generator) -> Design:
    """``AA-123-AA`` and the older ``ABC-123``."""
    sheet = Sheet(rng, "ge", 520, 112)
    sheet.border()
    left = band(sheet, "GE") if sheet.chance(0.85) else 14.0
    groups = ["AA", "999", "AA"] if rng.random() < 0.75 else ["AAA", "999"]
    groups_between(sheet, [fill(g, rng) for g in groups], left, 506, sheet.between(66, 84), pick(rng, "-", " ", "."))
    return sheet.done()


def armenian(rng: np.random.Generator) -> Design:
    """``12 AB 345``."""
    sheet = Sheet(rng, "am", 520, 112)
    sheet.border()
    sheet.mark(Mark.FLAG, (10, 22, 36, 26), RED)
    sheet.write("AM", (10, 58, 36, 26), is_read=False)
    groups = pick(rng, "99 AA 999", "999 AA 99").split()
    groups_between(sheet, [fill(g, rng) for g in groups], 58, 506, sheet.between(66, 84))
    return sheet.done()


def chinese(rng: np.random.Generator) -> Design:
    """The Latin part of ``X A·12345`` (blue) and ``X AD12345`` (green); the province's sign isn't read."""
    is_green = rng.random() < 0.35
    sheet = Sheet(rng, "cn", 480 if is_green else 440, 140)
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    if is_green:
        sheet.ground = (int(sheet.between(120, 220)), 225, int(sheet.between(150, 210)))
    elif sheet.chance(0.75):
        sheet.ground, sheet.ink = BLUE, WHITE
    elif sheet.chance(0.7):
        sheet.ground = YELLOW
    sheet.border()
    height = sheet.between(84, 96)
    y = 70 - height / 2
    sheet.mark(Mark.GLYPH, (14, y, 46, height), thickness=sheet.between(5, 9))
    tail = fill(pick(rng, "99999", "A9999", "9999A", "99A99"), rng, letters)
    if is_green:
        tail = str(rng.choice(["D", "F", "A", "B"])) + fill("99999", rng)
    sheet.write(fill("A", rng, letters), (70, y, 54, height), spacing=0.12)
    sheet.mark(Mark.DOT, (130, 66, 9, 9))
    sheet.write(tail, (146, y, sheet.width - 160, height), spacing=sheet.between(0.08, 0.2))
    return sheet.done()


def turkish(rng: np.random.Generator) -> Design:
    """``34 ABC 123``."""
    sheet = Sheet(rng, "tr", 520, 112)
    sheet.border()
    left = band(sheet, "TR") if sheet.chance(0.85) else 14.0
    letters = "ABCDEFGHIJKLMNOPRSTUVYZ"
    tail = pick(rng, "A 9999", "A 99999", "AA 999", "AA 9999", "AAA 99", "AAA 999").split()
    groups = [f"{int(rng.integers(1, 82)):02d}", *(fill(g, rng, letters) for g in tail)]
    groups_between(sheet, groups, left, 506, sheet.between(66, 84))
    return sheet.done()

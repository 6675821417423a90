"""Draws a plate's design into pixels: needs numpy and OpenCV alone.

``draw`` gives the clean plate, seen straight on and evenly lit, with the box of every character that is read; the
simulation puts it on vehicles, the reader's training sends it through ``degrade``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.design import BLUE, RED, WHITE, Colour, Decoration, Design, Mark, Run
from models.training.faces import Face

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Glyph:
    """A drawn character that is read, and its box ``(x, y, width, height)`` in px of the plate's picture."""

    character: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Plate:
    """A clean plate: ``image`` is ``(height, width, 3) uint8`` RGB, or ``(height, width)`` where drawn in grey."""

    image: Image
    text: str
    format: str
    lines: int
    glyphs: tuple[Glyph, ...]


def draw(
    design: Design, face: Face, px_per_mm: float = 0.6, small_face: Face | None = None, is_grey: bool = False
) -> Plate:
    """Draw ``design`` with the characters of ``face``; what isn't read comes in ``small_face``."""
    canvas = _Canvas(design, px_per_mm, is_grey)
    for decoration in design.decorations:
        canvas.decorate(decoration)
    glyphs: list[Glyph] = []
    for run in design.runs:
        glyphs += canvas.write(run, face if run.is_read or small_face is None else small_face)
    canvas.ink()
    canvas.emboss()
    return Plate(canvas.image, design.text, design.format, design.lines, tuple(glyphs))


def saturated(pixels: NDArray[np.floating]) -> Image:
    """Rounded and cut off at 0 and 255."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(pixels, 0)), np.uint8)


def covered(image: Image, cover: Image, tone: float) -> Image:
    """A grey ``image`` with ``tone`` over it: none where ``cover`` is 0, nothing else where it is 255."""
    kept = cv2.multiply(image, cv2.bitwise_not(cover), scale=1 / 255)
    return np.asarray(cv2.add(kept, cv2.convertScaleAbs(cover, alpha=tone / 255)), np.uint8)


class _Canvas:
    def __init__(self, design: Design, scale: float, is_grey: bool) -> None:
        self._design, self._scale, self._is_grey = design, scale, is_grey
        size = (max(8, round(design.height * scale)), max(16, round(design.width * scale)))
        self.image: Image = np.empty(size if is_grey else (*size, 3), np.uint8)
        self.image[:] = self._tone(design.ground)
        self._relief: Image = np.zeros(size, np.uint8)
        self._inks: dict[tuple[int, ...], Image] = {}

    def _tone(self, colour: Colour) -> tuple[int, ...]:
        if self._is_grey:
            return (round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]),)
        return colour

    def write(self, run: Run, face: Face) -> list[Glyph]:
        """Set a run, to be seen after ``ink``; its characters' boxes if it is read."""
        s = self._scale
        top, height = round(run.y * s), max(3, round(run.height * s))
        gap = run.spacing * run.height
        masks = [None if character == " " else face.mask(character, height) for character in run.text]
        widths = [0.0 if mask is None else mask.shape[1] / mask.shape[0] * run.height for mask in masks]
        steps = [gap if mask is not None else gap * 2.5 for mask in masks]
        total = sum(widths) + sum(steps[:-1])
        press = min(1.0, run.width / max(total, 1e-6))
        x = run.x + (run.width - total * press) * run.align
        glyphs: list[Glyph] = []
        tone = self._tone(run.ink or self._design.ink)
        if tone not in self._inks:
            self._inks[tone] = np.zeros_like(self._relief)
        layer = self._inks[tone]
        for character, mask, width, step in zip(run.text, masks, widths, steps, strict=True):
            if mask is not None:
                left, size = round(x * s), (max(2, round(width * press * s)), height)
                self._put(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), left, top, layer)
                if run.is_read:
                    glyphs.append(Glyph(character, (left, top, *size)))
            x += (width + step) * press
        return glyphs

    def _put(self, shape: Image, x: int, y: int, layer: Image) -> None:
        rows, columns = shape.shape
        part = layer[y : y + rows, x : x + columns]
        if part.shape != shape.shape:  # over the edge
            top, left = max(-y, 0), max(-x, 0)
            part = layer[y + top : max(y + rows, 0), x + left : max(x + columns, 0)]
            shape = shape[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(part, shape, out=part)

    def ink(self) -> None:
        """What was written comes over what was drawn."""
        for tones, layer in self._inks.items():
            planes = zip(cv2.split(self.image), tones, strict=True)
            self.image = np.asarray(cv2.merge([covered(plane, layer, tone) for plane, tone in planes]), np.uint8)
            np.maximum(self._relief, layer, out=self._relief)

    def emboss(self) -> None:
        """Pressed characters catch light at one edge and lose it at the other."""
        if self._design.emboss <= 0:
            return
        soft = cv2.GaussianBlur(self._relief, (3, 3), 0).astype(np.int16)
        edge = (soft[:-2, :-2] - soft[2:, 2:]) * np.float32(0.25 * self._design.emboss)
        inner = self.image[1:-1, 1:-1]
        inner[:] = saturated(inner + (edge if inner.ndim == 2 else edge[..., None]))

    def decorate(self, d: Decoration) -> None:
        """Draw a decoration."""
        s = self._scale
        x0, y0, x1, y1 = (round(v * s) for v in (d.x, d.y, d.x + d.width, d.y + d.height))
        tone, pen = self._tone(d.colour), max(1, round(d.thickness * s))
        match d.mark:
            case Mark.BORDER | Mark.BOX:
                cv2.rectangle(self.image, (x0, y0), (x1, y1), tone, pen, cv2.LINE_AA)
                cv2.rectangle(self._relief, (x0, y0), (x1, y1), 255, pen)
            case Mark.LINE:
                cv2.line(self.image, (x0, y0), (x1, y1), tone, pen, cv2.LINE_AA)
            case Mark.BAND | Mark.STRIPE | Mark.DASH:
                cv2.rectangle(self.image, (x0, y0), (x1, y1), tone, -1)
            case Mark.DOT | Mark.BOLT:
                centre = ((x0 + x1) // 2, (y0 + y1) // 2)
                cv2.circle(self.image, centre, max(1, (x1 - x0) // 2), tone, -1, cv2.LINE_AA)
            case Mark.FLAG:
                self._flag(d, x0, y0, x1, y1)
            case Mark.SEAL:
                self._seal(d, x0, y0, x1, y1)
            case Mark.PICTURE:
                self._picture(d, x0, y0, x1, y1)
            case Mark.GLYPH:
                self._strokes(d, x0, y0, x1, y1)

    def _flag(self, d: Decoration, x0: int, y0: int, x1: int, y1: int) -> None:
        """A flag of one to three fields, perhaps with a disc."""
        rng = random.Random(d.seed)
        cv2.rectangle(self.image, (x0, y0), (x1, y1), self._tone(d.colour), -1)
        if rng.random() < 0.4:
            colours = rng.choices(_COLOURS, k=2)
            third = max(1, (y1 - y0) // 3)
            for i, colour in enumerate(colours):
                cv2.rectangle(
                    self.image, (x0, y0 + (i + 1) * third), (x1, min(y1, y0 + (i + 2) * third)), self._tone(colour), -1
                )
        else:
            centre = ((x0 + x1) // 2, (y0 + y1) // 2)
            cv2.circle(self.image, centre, max(1, (y1 - y0) // 4), self._tone((235, 200, 40)), -1, cv2.LINE_AA)

    def _seal(self, d: Decoration, x0: int, y0: int, x1: int, y1: int) -> None:
        """A coat of arms or a control sticker: a round or shield-shaped patch of mixed colours."""
        rng = random.Random(d.seed)
        centre = ((x0 + x1) // 2, (y0 + y1) // 2)
        axes = (max(1, (x1 - x0) // 2), max(1, (y1 - y0) // 2))
        cv2.ellipse(self.image, centre, axes, 0, 0, 360, self._tone(d.colour), -1, cv2.LINE_AA)
        for _ in range(rng.randrange(1, 4)):
            colour = rng.choice(_COLOURS)
            at = (rng.randrange(x0, max(x1, x0 + 1)), rng.randrange(y0, max(y1, y0 + 1)))
            inner = (max(1, axes[0] // 2), max(1, axes[1] // 2))
            at = ((at[0] + centre[0]) // 2, (at[1] + centre[1]) // 2)
            cv2.ellipse(self.image, at, inner, 0, 0, 360, self._tone(colour), -1, cv2.LINE_AA)

    def _picture(self, d: Decoration, x0: int, y0: int, x1: int, y1: int) -> None:
        """A printed ground, as American plates wear: soft blobs, a fading sky, a ridge, a round thing in it."""
        rng = np.random.default_rng(d.seed)
        part = self.image[max(0, y0) : y1, max(0, x0) : x1]
        if part.size == 0:
            return
        rows, columns = part.shape[:2]
        depth = min(1.0, d.thickness)
        base = np.array(self._tone(d.colour), np.float32)
        coarse = base + rng.normal(0, 45 * depth, (5, 9, base.size))
        if rng.random() < 0.5:  # the sky, or the ground, runs out towards the middle
            fall = np.clip(1 - np.arange(5) / rng.uniform(1.5, 4), 0, 1)
            fall = fall if rng.random() < 0.5 else fall[::-1]
            coarse += fall[:, None, None] * rng.normal(0, 140 * depth, base.size)
        scene = cv2.resize(np.clip(coarse, 0, 255).astype(np.uint8), (columns, rows), interpolation=cv2.INTER_CUBIC)
        tones = np.clip(base + rng.normal(0, 110 * depth, (2, base.size)), 0, 255)
        if rng.random() < 0.4:
            heights = rows * (rng.uniform(0.3, 0.95) + rng.normal(0, 0.1, 9))
            ridge = np.stack([np.linspace(0, columns, 9), heights], 1)
            outline = np.round(np.vstack([ridge, [[columns, rows], [0, rows]]])).astype(np.int32)
            cv2.fillPoly(scene, [outline], tones[0].tolist(), cv2.LINE_AA)
        if rng.random() < 0.35:
            centre = (round(columns * rng.uniform(0.3, 0.7)), round(rows * rng.uniform(0.35, 0.75)))
            axes = (round(columns * rng.uniform(0.04, 0.2)) + 1, round(rows * rng.uniform(0.1, 0.4)) + 1)
            cv2.ellipse(scene, centre, axes, float(rng.uniform(-30, 30)), 0, 360, tones[1].tolist(), -1, cv2.LINE_AA)
        part[:] = scene.reshape(part.shape)

    def _strokes(self, d: Decoration, x0: int, y0: int, x1: int, y1: int) -> None:
        """Something like a character that is none of ours."""
        rng = random.Random(d.seed)
        pen = max(1, round(d.thickness * self._scale))
        for _ in range(rng.randrange(4, 9)):
            across = rng.random() < 0.5
            a = (rng.randrange(x0, x1 + 1), rng.randrange(y0, y1 + 1))
            b = (x1 - rng.randrange(0, 3), a[1]) if across else (a[0], rng.randrange(y0, y1 + 1))
            cv2.line(self.image, a, b, self._tone(d.colour), pen, cv2.LINE_AA)


_COLOURS: Final[tuple[Colour, ...]] = (RED, BLUE, WHITE, (30, 120, 60), (0, 150, 190), (230, 190, 40), (225, 120, 30))

"""Training pictures for the reader: crops as a plate detector would cut them, with what there is to read.

``CropMaker(seed, ...)`` gives the same batches for the same seed, faces and OpenCV, whichever process asks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.alphabet import BLANK, SLOTS, encode
from models.training import degrade
from models.training.design import Design
from models.training.dice import Dice
from models.training.faces import PRESSES, Face, drawn_faces, pressed_faces, random_drawn_face
from models.training.layouts import FORMATS, random_design
from models.training.plates import Image, Plate, covered, draw

INPUT_HEIGHT: Final = 48
INPUT_WIDTH: Final = 144
NONE: Final = FORMATS.index("none")


def fit(crop: Image) -> Image:
    """A grey crop as the reader takes it: ``(48, 144) uint8``, stretched.

    Sides that are too long are shrunk by area, then what is too short is stretched linearly.
    """
    rows, columns = crop.shape[:2]
    small = (min(columns, INPUT_WIDTH), min(rows, INPUT_HEIGHT))
    if small != (columns, rows):
        crop = cv2.resize(crop, small, interpolation=cv2.INTER_AREA)
    if small != (INPUT_WIDTH, INPUT_HEIGHT):
        crop = cv2.resize(crop, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_LINEAR)
    return crop


@dataclass(frozen=True, slots=True)
class CropBatch:
    """Crops and what they show.

    ``images`` (n, 48, 144) uint8; ``characters`` (n, 10) int64 codes; ``formats`` (n,) int64 into ``FORMATS``;
    ``lines`` (n,) int64, 0 for one line and 1 for two; ``is_text`` (n,) bool, whether the
    characters may be taught: false for no plate and for plates cut through.
    """

    images: NDArray[np.uint8]
    characters: NDArray[np.int64]
    formats: NDArray[np.int64]
    lines: NDArray[np.int64]
    is_text: NDArray[np.bool_]
    places: NDArray[np.float32]
    """(n, 10, 2) centre (x, y) of each character as a share of the crop's sides; -9 where there is none."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A grey crop ``image``, its text, format, number of lines, whether all of the plate is inside, and the characters'
    centres ``places`` (characters, 2) as shares of the crop's sides."""

    image: Image
    text: str
    format: str
    lines: int
    is_whole: bool
    places: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Subject:
    """A plate before it is seen: its design, the faces of its text and of the rest, the seed of its dirt and frame."""

    design: Design
    face: Face
    small_face: Face
    seed: int


class CropMaker:
    """Makes batches of crops. ``fonts`` are faces besides the drawn ones; ``font_share`` of the plates use them."""

    def __init__(
        self, seed: int, fonts: Sequence[Face] = (), font_share: float = 0.65, junk_share: float = 0.05
    ) -> None:
        self._seed = seed
        families: dict[str, list[Face]] = {}
        for font in fonts:
            families.setdefault(re.split(r"[-_]", font.name)[0], []).append(font)
        self._families = list(families.values())
        self._font_share, self._junk_share = font_share, junk_share
        pool = np.random.default_rng([seed, 77])
        self._pressed = {press: pressed_faces(press, 80, pool) for press in PRESSES}
        self._drawn: list[Face] = [*drawn_faces(), *(random_drawn_face(pool) for _ in range(300))]

    def batch(self, number: int, size: int) -> CropBatch:
        """Batch ``number`` of ``size`` crops; the same for the same number."""
        rng = Dice(self._seed, number)
        images = np.empty((size, INPUT_HEIGHT, INPUT_WIDTH), np.uint8)
        characters = np.full((size, SLOTS), BLANK, np.int64)
        formats = np.full(size, NONE, np.int64)
        lines = np.zeros(size, np.int64)
        is_text = np.zeros(size, np.bool_)
        places = np.full((size, SLOTS, 2), -9, np.float32)
        for i in range(size):
            if rng.random() < self._junk_share:
                images[i] = fit(self.junk(rng))
                continue
            crop = self.crop(rng)
            images[i] = fit(crop.image)
            formats[i], lines[i] = FORMATS.index(crop.format), crop.lines - 1
            characters[i], is_text[i] = encode(crop.text), crop.is_whole
            places[i, : len(crop.text)] = crop.places
        return CropBatch(images, characters, formats, lines, is_text, places)

    def face(self, rng: np.random.Generator, press: str = "") -> Face:
        """A random face; where plates are pressed in a kind of their own, often one of these."""
        if press and rng.random() < PRESSES[press]:
            return self._pressed[press][int(rng.integers(len(self._pressed[press])))]
        pool = self._drawn
        if self._families and rng.random() < self._font_share:
            pool = self._families[int(rng.integers(len(self._families)))]
        return pool[int(rng.integers(len(pool)))]

    def crop(self, rng: np.random.Generator, country: str | None = None) -> Crop:
        """A crop of a random plate, of ``country`` if given."""
        subject = self.subject(rng, country)
        return self.seen(rng, subject, _width_px(rng, subject.design.width / subject.design.height))

    def subject(self, rng: np.random.Generator, country: str | None = None) -> Subject:
        """A random plate, of ``country`` if given, that any number of crops can show."""
        design = random_design(rng, country)
        face = self.face(rng, design.press)
        return Subject(design, face, face if rng.random() < 0.6 else self.face(rng), int(rng.integers(1 << 31)))

    def seen(self, rng: np.random.Generator, subject: Subject, wide: float) -> Crop:
        """A crop that shows ``subject`` some ``wide`` px wide."""
        plate, image, corner = self.worn(subject, wide)
        design = subject.design
        view = degrade.random_view(rng, image.shape[1] / image.shape[0], wide)
        is_whole = True
        if rng.random() < 0.02:
            view, is_whole = _cut(rng, view), False
        ground = degrade.surroundings(rng, view.width, view.height)
        matrix = degrade.projection(image, view)
        crop = degrade.place(rng, image, matrix, view, ground)
        stroke = wide / design.width * 10.0
        crop = degrade.light(rng, crop)
        crop = degrade.lens(rng, crop, stroke)
        if rng.random() < 0.3:
            crop = _resampled(rng, crop, stroke)
        crop = degrade.sensor(rng, crop)
        is_small = wide < 110 and rng.random() < 0.25
        crop = degrade.second_hand(rng, crop) if is_small else degrade.codec(rng, crop)
        centres = np.array([[(g.box[0] + g.box[2] / 2, g.box[1] + g.box[3] / 2)] for g in plate.glyphs]) + corner
        seen = cv2.perspectiveTransform(centres, matrix).reshape(-1, 2)
        places = (seen / [view.width, view.height]).astype(np.float32)
        return Crop(crop, plate.text, plate.format, plate.lines, is_whole, places)

    def worn(self, subject: Subject, wide: float) -> tuple[Plate, Image, tuple[int, int]]:
        """``subject`` drawn for a view ``wide`` px wide: as made, its picture with dirt and frame, and where in that
        the plate's own corner (x, y) px stands."""
        scale = min(max(wide * 1.2 / subject.design.width, 0.12), 0.6)
        plate = draw(subject.design, subject.face, scale, subject.small_face, is_grey=True)
        past = random.Random(subject.seed)
        image = degrade.wear(past, plate.image)
        corner = (0, 0)
        if past.random() < 0.25:
            letters = self._letters(past, subject.small_face) if past.random() < 0.5 else None
            image, corner = degrade.frame(past, image, letters)
        return plate, image, corner

    def junk(self, rng: np.random.Generator) -> Image:
        """A crop without a plate: a car's parts, noise, foreign lettering, nothing."""
        width, height = int(rng.integers(20, 240)), int(rng.integers(12, 120))
        image = degrade.surroundings(rng, width, height)
        for _ in range(int(rng.integers(0, 3))):
            more = degrade.surroundings(rng, width, height)
            image = cv2.addWeighted(image, 0.5, more, 0.5, 0)
        draw_ = rng.random()
        if draw_ < 0.3:
            letters = self._letters(random.Random(int(rng.integers(1 << 31))), self.face(rng))
            h = max(3, int(height * rng.uniform(0.1, 0.4)))
            w = max(3, min(width - 1, int(letters.shape[1] * h / letters.shape[0])))
            mask = cv2.resize(letters, (w, h), interpolation=cv2.INTER_AREA)
            y, x = int(rng.integers(0, height - h)), int(rng.integers(0, max(1, width - w)))
            part = image[y : y + h, x : x + w]
            part[:] = covered(part, mask[: part.shape[0], : part.shape[1]], rng.uniform(0, 255))
        elif draw_ < 0.4:
            image = rng.integers(0, 256, (height, width), np.uint8)
        elif draw_ < 0.5:
            image[:] = int(rng.integers(0, 256))
        image = degrade.light(rng, image)
        image = degrade.lens(rng, image, 3.0)
        return degrade.codec(rng, degrade.sensor(rng, image))

    def _letters(self, rng: random.Random, face: Face) -> Image:
        """A word as a mask, as dealers put it on frames."""
        word = rng.choices("ABCDEFGHIKLMNOPRSTUVWYZ0123456789", k=rng.randrange(4, 14))
        parts = [cv2.copyMakeBorder(face.mask(c), 0, 0, 3, 6, cv2.BORDER_CONSTANT, value=0) for c in word]
        return np.hstack(parts)


def _width_px(rng: np.random.Generator, aspect: float) -> float:
    """Width in px of a plate as a camera sees it: often small, sometimes large; squarer plates are narrower."""
    draw = rng.random()
    if draw < 0.27:
        wide = rng.uniform(56, 100)
    elif draw < 0.84:
        wide = rng.uniform(85, 180)
    else:
        wide = np.exp(rng.uniform(np.log(160), np.log(320)))
    if rng.random() < 0.06:
        wide = rng.uniform(40, 60)
    return float(wide) * (0.72 if aspect < 2.5 else 1.0)


def _cut(rng: np.random.Generator, view: degrade.View) -> degrade.View:
    """A view that loses a good part of the plate at one end."""
    share = rng.uniform(0.25, 0.6)
    corners = view.corners.copy()
    if rng.random() < 0.5:
        corners[:, 0] -= share * view.width
    return degrade.View(corners, max(8, round(view.width * (1 - share))), view.height)


def _resampled(rng: np.random.Generator, crop: Image, stroke: float) -> Image:
    """Scaled by somebody else on its way: a digital zoom, a re-encoded stream."""
    rows, columns = crop.shape
    factor = rng.uniform(0.6, 1.0) if stroke > 1.6 else rng.uniform(1.0, 2.2)
    size = (max(8, round(columns * factor)), max(6, round(rows * factor)))
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST)[
        int(rng.choice(4, p=[0.35, 0.35, 0.25, 0.05]))
    ]
    out: Image = cv2.resize(crop, size, interpolation=way)
    return out

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from index.alphabet import SLOTS
from models.training.faces import CHARACTERS, REFERENCE_HEIGHT, FontFace, drawn_faces, random_drawn_face
from models.training.layouts import FORMATS, LAYOUTS, random_design
from models.training.plates import draw

SHAPES = {
    "kz2012": r"\d{3}[A-Z]{3}\d{2}",
    "kz2012-legal": r"\d{3}[A-Z]{2}\d{2}",
    "kz1993": r"[A-Z]\d{3}[A-Z]{2,3}",
    "kz-motorcycle": r"\d{2}[A-Z]{2}\d{2}",
    "kz-trailer": r"(\d{2}[A-Z]{3}|\d{4}[A-Z]{2})\d{2}",
    "kz-transit": r"[A-Z]{2}\d{6}",
    "kz-diplomatic": r"[A-Z]{1,2}\d{4,6}",
    "kz-foreign": r"[A-Z]\d{6}",
    "kg": r"\d{5}[A-Z]{2,3}|[A-Z]\d{4}[A-Z]{1,2}",
    "uz": r"\d{2}([A-Z]\d{3}[A-Z]{2}|\d{3}[A-Z]{3})",
    "by": r"(\d{4}[A-Z]{2}|[A-Z]{2}\d{4})\d",
    "br": r"[A-Z]{3}\d[A-Z\d]\d{2}",
}


@pytest.mark.parametrize("country", list(LAYOUTS))
def test_the_text_drawn_is_the_label(country: str) -> None:
    rng = np.random.default_rng(5)
    faces = drawn_faces()
    for _ in range(40):
        design = random_design(rng, country)
        plate = draw(design, faces[int(rng.integers(len(faces)))], 0.5)
        assert "".join(glyph.character for glyph in plate.glyphs) == plate.text == design.text
        assert re.fullmatch(r"[0-9A-Z]{1,10}", plate.text)
        assert len(plate.text) <= SLOTS
        assert plate.format in FORMATS
        assert plate.image.shape == (round(design.height * 0.5), round(design.width * 0.5), 3)


@pytest.mark.parametrize("country", list(LAYOUTS))
def test_characters_stand_inside_the_plate_in_reading_order(country: str) -> None:
    rng = np.random.default_rng(6)
    for _ in range(40):
        plate = draw(random_design(rng, country), drawn_faces()[0], 0.5)
        rows, columns = plate.image.shape[:2]
        centres = [(g.box[0] + g.box[2] / 2, g.box[1] + g.box[3] / 2) for g in plate.glyphs]
        assert all(0 <= x <= columns and 0 <= y <= rows for x, y in centres)
        if plate.lines == 1:
            assert [x for x, _ in centres] == sorted(x for x, _ in centres)
        else:
            turns = sum(b[0] < a[0] for a, b in itertools.pairwise(centres))
            assert turns == 1


def test_every_format_is_drawn_and_keeps_its_shape() -> None:
    rng = np.random.default_rng(7)
    designs = [random_design(rng, country) for country in LAYOUTS for _ in range(150)]
    designs += [random_design(rng, "kz") for _ in range(600)]
    assert {design.format for design in designs} == set(FORMATS) - {"none"}
    for design in designs:
        assert re.fullmatch(SHAPES.get(design.format, r".*"), design.text), (design.format, design.text)
    for name in ("kz2012", "kz2012-legal", "kz1993", "ua", "ru", "eu", "br"):
        assert {design.lines for design in designs if design.format == name} == {1, 2}


def test_the_same_seed_draws_the_same_plate() -> None:
    first, again, other = (draw(random_design(np.random.default_rng(s)), drawn_faces()[0]) for s in (3, 3, 4))
    assert np.array_equal(first.image, again.image)
    assert first.text == again.text
    assert first.text != other.text


def test_ink_stands_where_the_glyphs_say() -> None:
    rng = np.random.default_rng(8)
    plate = draw(random_design(rng, "by"), drawn_faces()[0], 0.8, is_grey=True)
    for glyph in plate.glyphs:
        x, y, width, height = glyph.box
        part = plate.image[y : y + height, x : x + width]
        assert part.min() < 80
        assert part.max() > 150


def test_drawn_faces_tell_their_characters_apart() -> None:
    rng = np.random.default_rng(9)
    for face in [*drawn_faces(), *(random_drawn_face(rng) for _ in range(5))]:
        masks = {character: face.mask(character) for character in CHARACTERS}
        assert all(mask.shape[0] == REFERENCE_HEIGHT and mask.max() == 255 for mask in masks.values())
        assert len({mask.tobytes() for character, mask in masks.items() if character not in "O0"}) == 34


def test_the_face_inside_opencv_works_and_a_missing_font_is_named() -> None:
    assert FontFace("sans", 600).mask("K").shape[0] == REFERENCE_HEIGHT
    with pytest.raises(ValueError, match="nowhere"):
        FontFace("/nowhere/at/all.ttf")

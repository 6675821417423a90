"""The weights in the repository, asked through ONNX Runtime alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from index.alphabet import ALPHABET, SLOTS, decode
from models.training.crops import CropMaker, fit
from models.training.faces import drawn_faces
from models.training.layouts import FORMATS, random_design
from models.training.plates import draw

WEIGHTS = Path(__file__).parents[3] / "models" / "weights" / "reader.onnx"


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"])


def test_the_file_keeps_its_promises(session: onnxruntime.InferenceSession) -> None:
    meta = session.get_modelmeta().custom_metadata_map
    assert WEIGHTS.stat().st_size <= 3_000_000
    assert meta["alphabet"] == ALPHABET
    assert tuple(json.loads(meta["formats"])) == FORMATS
    images = CropMaker(21).batch(0, 16).images
    characters, formats, lines, legibility = session.run(None, {"plates": images})
    assert characters.shape == (16, SLOTS, len(ALPHABET))
    for scores in (characters, formats, lines):
        assert np.allclose(np.exp(scores).sum(-1), 1, atol=1e-3)
    assert ((legibility >= 0) & (legibility <= 1)).all()


@pytest.mark.parametrize(("country", "least"), [("kz", 0.9), ("eu", 0.8), ("ru", 0.8), ("br", 0.8)])
def test_clean_plates_are_read(session: onnxruntime.InferenceSession, country: str, least: float) -> None:
    rng = np.random.default_rng(22)
    plates = [draw(random_design(rng, country), drawn_faces()[0], 0.6, is_grey=True) for _ in range(60)]
    characters = session.run(None, {"plates": np.stack([fit(plate.image) for plate in plates])})[0]
    right = [decode(row.argmax(-1)) == plate.text for row, plate in zip(characters, plates, strict=True)]
    assert np.mean(right) >= least


def garbage() -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(23)
    return {
        "black": np.zeros((40, 100), np.uint8),
        "white": np.full((30, 90), 255, np.uint8),
        "one pixel": np.full((1, 1), 128, np.uint8),
        "a line of pixels": rng.integers(0, 256, (1, 300), np.uint8),
        "huge": np.full((2000, 3000), 90, np.uint8),
        "noise": rng.integers(0, 256, (60, 160), np.uint8),
        "gradient": np.tile(np.arange(256, dtype=np.uint8), (40, 1)),
    }


@pytest.mark.parametrize("kind", list(garbage()))
def test_garbage_is_not_legible(session: onnxruntime.InferenceSession, kind: str) -> None:
    *scores, legibility = session.run(None, {"plates": fit(garbage()[kind])[None]})
    assert all(np.isfinite(score).all() for score in scores)
    assert legibility[0] < 0.1


def test_legibility_tells_readable_from_hopeless(session: onnxruntime.InferenceSession) -> None:
    maker, rng = CropMaker(24), np.random.default_rng(25)
    junk = np.stack([fit(maker.junk(rng)) for _ in range(40)])
    clean = np.stack(
        [fit(draw(random_design(rng, "kz"), drawn_faces()[0], 0.6, is_grey=True).image) for _ in range(40)]
    )
    assert np.median(session.run(None, {"plates": junk})[3]) < 0.05
    assert np.median(session.run(None, {"plates": clean})[3]) > 0.8

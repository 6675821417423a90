"""Readers turn what their networks say into posteriors over beket's own alphabet."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from index.alphabet import ALPHABET, SLOTS
from models.catalogue import open_plate_reader
from models.errors import ModelError
from models.paddle import PaddleReader
from models.ports import PlateReader
from models.reader import NetworkReader
from models.slots import SlotReader, SlotSettings
from models.supply.manifest import Manifest
from models.supply.store import ModelStore
from simulation.number_plate import draw_number_plate

CROPS = [np.full((20, 90, 3), 200, np.uint8), np.full((64, 128, 3), 30, np.uint8)]


def spread(text: str, slots: int, alphabet: str = ALPHABET, sure: float = 0.9) -> NDArray[np.float32]:
    """Probabilities ``(1, slots, symbols)`` for ``text``."""
    rest = (1 - sure) / (len(alphabet) - 1)
    given = np.full((1, slots, len(alphabet)), rest, np.float32)
    for slot, symbol in enumerate(text.ljust(slots, "_")):
        given[0, slot, alphabet.index(symbol)] = sure
    return given


def model(
    path: Path, name: str, kind: int, shape: list[int | str], outputs: dict[str, NDArray[np.float32]], **metadata: str
) -> Path:
    """A model that says the same of each picture, as often as there are pictures."""
    nodes = [helper.make_node("Shape", [name], ["count"], start=0, end=1)]
    initializers = []
    for output, values in outputs.items():
        initializers.append(numpy_helper.from_array(values, f"{output}/one"))
        ones = numpy_helper.from_array(np.ones(values.ndim - 1, np.int64), f"{output}/ones")
        initializers.append(ones)
        nodes.append(helper.make_node("Concat", ["count", f"{output}/ones"], [f"{output}/shape"], axis=0))
        nodes.append(helper.make_node("Tile", [f"{output}/one", f"{output}/shape"], [output]))
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", *v.shape[1:]]) for n, v in outputs.items()],
        initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(made, metadata)
    path.write_bytes(made.SerializeToString())
    return path


def test_a_slot_reader_of_nine_slots_fills_ten(tmp_path: Path) -> None:
    path = model(tmp_path / "v1.onnx", "input", TensorProto.UINT8, ["n", 64, 128, 3], {"plate": spread("123ABC02", 9)})
    reader = SlotReader(path)
    assert (reader.settings.max_plate_slots, reader.settings.image_color_mode) == (9, "rgb")
    readings = reader.read(CROPS)
    assert [r.posterior.text for r in readings] == ["123ABC02", "123ABC02"]
    posterior = readings[0].posterior
    assert posterior.log_probs.shape == (SLOTS, len(ALPHABET))
    np.testing.assert_allclose(np.exp(posterior.log_probs).sum(axis=1), 1, atol=1e-5)
    assert posterior.characters == pytest.approx([0.9] * 8, abs=1e-3)
    assert readings[0].legibility == pytest.approx(0.9, abs=1e-3)
    assert reader.read([]) == []


def test_a_slot_reader_takes_its_configuration_from_beside_the_model(tmp_path: Path) -> None:
    alphabet = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210-"
    outputs = {
        "plate": spread("AB12CD-".rstrip("-"), 10, alphabet.replace("-", "_")),
        "region": np.array([[0.1, 0.9]], np.float32),
    }
    path = model(tmp_path / "v2.onnx", "input", TensorProto.UINT8, ["n", 64, 128, 1], outputs)
    (tmp_path / "v2_plate_config.yaml").write_text(
        f"max_plate_slots: 10\nalphabet: '{alphabet}'\npad_char: '-'\nimg_height: 64\nimg_width: 128\n"
        "keep_aspect_ratio: true\ninterpolation: cubic\nimage_color_mode: grayscale\n"
        "plate_regions: [Russia, Kazakhstan]\n"
    )
    (reading, _) = SlotReader(path).read(CROPS)
    assert (reading.posterior.text, reading.country) == ("AB12CD", "Kazakhstan")


def test_an_alphabet_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", "input", TensorProto.UINT8, ["n", 64, 128, 1], {"plate": spread("A", 9)})
    with pytest.raises(ModelError, match="has symbols that beket's has not"):
        SlotReader(path, settings=SlotSettings(alphabet="AБ_"))
    (tmp_path / "m.yaml").write_text("max_plate_slots: many")
    with pytest.raises(ModelError, match=r"m\.yaml: not a plate configuration"):
        SlotReader(path)


def own(path: Path, **changes: str) -> Path:
    metadata = {
        "height": "48",
        "width": "144",
        "alphabet": ALPHABET,
        "formats": json.dumps(["kz1993", "ru", "kz-trailer", "none"]),
    }
    outputs = {
        "characters": np.log(spread("A482KTM", SLOTS)),
        "format": np.log(np.array([[0.1, 0.1, 0.7, 0.1]], np.float32)),
        "lines": np.log(np.array([[0.2, 0.8]], np.float32)),
        "legibility": np.array([0.75], np.float32),
    }
    return model(path, "plates", TensorProto.UINT8, ["n", 48, 144], outputs, **(metadata | changes))


def test_our_own_reader_keeps_the_contract(tmp_path: Path) -> None:
    (reading, other) = NetworkReader(own(tmp_path / "own.onnx")).read(CROPS)
    assert reading.posterior.text == other.posterior.text == "A482KTM"
    assert (reading.country, reading.format, reading.lines) == ("kz", "kz-trailer", 2)
    assert reading.legibility == pytest.approx(0.75)
    with pytest.raises(ModelError, match="metadata is not that of a reader"):
        NetworkReader(own(tmp_path / "bad.onnx", formats="kz"))
    with pytest.raises(ModelError, match="has the alphabet"):
        NetworkReader(own(tmp_path / "other.onnx", alphabet="AB_"))
    slots = model(tmp_path / "s.onnx", "input", TensorProto.UINT8, ["n", 64, 128, 3], {"plate": spread("A", 9)})
    with pytest.raises(ModelError, match="metadata is not that of a reader"):
        NetworkReader(slots)


def test_steps_along_a_line_become_slots(tmp_path: Path) -> None:
    symbols = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabк-"
    steps = np.full((1, 12, len(symbols) + 1), 0.001, np.float32)
    for step, symbol in enumerate(["1", "1", None, "1", "A", "a", None, "к", "-", "0", None, None]):
        steps[0, step, 0 if symbol is None else symbols.index(symbol) + 1] = 0.9
    steps[0, 0, symbols.index("7") + 1] = 0.05
    path = model(
        tmp_path / "p.onnx", "x", TensorProto.FLOAT, ["n", 3, 48, "w"], {"y": steps}, character="\n".join(symbols)
    )
    (reading, _) = PaddleReader(path).read(CROPS)
    assert reading.posterior.text == "11AK0", (
        "repeats without a blank between them are one; what no plate bears is left out"
    )
    assert reading.posterior.log_probs.shape == (SLOTS, len(ALPHABET))


def test_the_default_reader_reads_a_drawn_plate(model_store: ModelStore) -> None:
    picture = draw_number_plate("417KTA02", "kz2012").picture
    crop = cv2.resize(picture, (208, 45), interpolation=cv2.INTER_AREA)
    (reading,) = open_plate_reader(model_store).read([crop])
    assert "417KTA02" in reading.posterior.text


def test_a_manifest_opens_a_users_own_model(tmp_path: Path) -> None:
    path = model(tmp_path / "v1.onnx", "input", TensorProto.UINT8, ["n", 64, 128, 3], {"plate": spread("77AA", 9)})
    source = {
        "name": "mine",
        "adapter": "slots",
        "path": str(path),
        "licence": "MIT",
        "options": {"img_height": 64, "img_width": 128, "image_color_mode": "rgb"},
    }
    store = ModelStore(tmp_path / "store", Manifest.model_validate({"roles": {"plate_reader": [source]}}))
    reader: PlateReader = open_plate_reader(store)
    assert reader.read(CROPS)[0].posterior.text == "77AA"
    wrong = source | {"adapter": "yolo"}
    store = ModelStore(tmp_path / "store", Manifest.model_validate({"roles": {"plate_reader": [wrong]}}))
    with pytest.raises(ModelError, match="adapter 'yolo' is none of slots"):
        open_plate_reader(store)
    wrong = source | {"options": {"img_height": "tall"}}
    store = ModelStore(tmp_path / "store", Manifest.model_validate({"roles": {"plate_reader": [wrong]}}))
    with pytest.raises(ModelError, match="options in the manifest are wrong"):
        open_plate_reader(store)

"""Detectors over tiny networks whose answers are known, and over the real ones."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from index.read import Box
from models.catalogue import open_face_detector, open_plate_detector, open_vehicle_detector
from models.errors import ModelError, ModelMissing
from models.faces import CenterFace
from models.picture import suppress
from models.plates import YoloPlateDetector
from models.runtime.session import Session, SessionOptions
from models.supply.manifest import Manifest
from models.supply.store import ModelStore
from models.supply.yolo_graph import build
from models.training.vehicle import View
from models.vehicles import YoloVehicleDetector
from models.yolo import DetectorOptions, Yolo
from simulation.clip import truth
from simulation.scene import Scene
from simulation.traffic import Drive
from simulation.traffic import build as build_scene
from tests.models.tiny import CLASSES, Builder

Picture = NDArray[np.uint8]


def constant_model(
    outputs: dict[str, NDArray[np.float32]], shape: list[int | str], kind: int = TensorProto.FLOAT, **metadata: str
) -> bytes:
    """A model that says the same whatever it is shown."""
    nodes = [helper.make_node("Constant", [], [n], value=numpy_helper.from_array(v)) for n, v in outputs.items()]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


def grey(height: int, width: int) -> Picture:
    return np.full((height, width, 3), 90, np.uint8)


def test_boxes_are_carried_back_to_the_picture() -> None:
    """A 1280 x 640 picture in a 320 x 320 input is halved twice and stands 80 pixels down."""
    cells = np.zeros((1, 6, 3), np.float32)
    cells[0, :, 0] = [100, 160, 40, 20, 0.9, 0.1]
    cells[0, :, 1] = [101, 160, 40, 20, 0.8, 0.1]
    cells[0, :, 2] = [300, 90, 60, 40, 0.1, 0.7]
    model = constant_model({"output0": cells}, [1, 3, 320, 320], names="{0: 'plate', 1: 'person'}")
    ((plate, person),) = Yolo(model).find([grey(640, 1280)])
    assert plate.name == "plate"
    assert plate.score == pytest.approx(0.9)
    assert plate.box == pytest.approx((320, 280, 160, 80))
    assert (person.name, person.box) == ("person", pytest.approx((1080, 0, 200, 120))), "cut at the picture's edges"
    ((only,),) = Yolo(model, wanted=["plate"]).find([grey(640, 1280)])
    assert only.name == "plate"


def test_exports_that_end_in_suppression_are_read() -> None:
    rows = np.array([[0, 10, 20, 110, 70, 0, 0.9], [0, 0, 0, 5, 5, 0, 0.1]], np.float32)
    (found,) = Yolo(constant_model({"out": rows}, [1, 3, 384, 384])).find([grey(384, 384)])
    assert [(f.box, f.name) for f in found] == [(Box(10, 20, 100, 50), "plate")]


def test_no_person_leaves_the_vehicle_detector() -> None:
    cells = np.zeros((1, 6, 2), np.float32)
    cells[0, :, 0] = [100, 160, 40, 90, 0.99, 0.0]
    cells[0, :, 1] = [200, 160, 90, 40, 0.0, 0.8]
    model = constant_model({"output0": cells}, [1, 3, 320, 320], names="{0: 'person', 1: 'truck'}")
    (found,) = YoloVehicleDetector(model).detect([grey(320, 320)])
    assert [v.kind for v in found] == ["truck"]
    nobody = constant_model({"output0": cells[:, :5]}, [1, 3, 320, 320], names="{0: 'person'}")
    with pytest.raises(ModelError, match="knows none of car"):
        YoloVehicleDetector(nobody)


def test_a_detector_says_when_a_model_is_no_detector() -> None:
    strange = constant_model({"out": np.zeros((1, 2), np.float32)}, [1, 3, 64, 64])
    with pytest.raises(ModelError, match="no detector's known here"):
        Yolo(strange).find([grey(64, 64)])
    with pytest.raises(ModelError, match="can't load it"):
        Session(b"<html>")
    with pytest.raises(ModelError, match=r"TensorrtExecutionProvider.*set the provider to cpu"):
        Session(strange, SessionOptions(provider="tensorrt"))


@pytest.fixture(scope="module")
def tiny() -> bytes:
    builder = Builder()
    builder.content()
    return bytes(build(builder.folded, CLASSES, [0, 1], {}).SerializeToString())


def test_pictures_of_all_sizes_go_in_one_call(tiny: bytes) -> None:
    rng = np.random.default_rng(3)
    pictures = [
        rng.integers(0, 255, (h, w, 3), np.uint8) for h, w in ((90, 160), (64, 64), (90, 160), (1, 500), (300, 7))
    ]
    detector = YoloPlateDetector(tiny, DetectorOptions(size=160, score=0.3), SessionOptions(max_batch=2))
    together = detector.detect(pictures)
    assert any(together)
    for picture, found in zip(pictures, together, strict=True):
        (alone,) = detector.detect([picture])
        assert [f.box for f in found] == [pytest.approx(f.box, abs=0.01) for f in alone]
        for plate in found:
            assert plate.box.x >= 0
            assert plate.box.x + plate.box.w <= picture.shape[1] + 1e-3
            assert plate.box.y + plate.box.h <= picture.shape[0] + 1e-3
    assert detector.detect([]) == []
    assert detector.detect(pictures[:1], size=320) != together[:1]


def test_small_pictures_are_not_enlarged_for_nothing(tiny: bytes) -> None:
    """What is looked at in its own size is seen as a network of that very size sees it."""
    picture = np.random.default_rng(5).integers(0, 255, (64, 96, 3), np.uint8)
    loose, exact = DetectorOptions(size=640, score=0.3, enlarges=False), DetectorOptions(size=96, score=0.3)
    assert Yolo(tiny, loose).find([picture]) == Yolo(tiny, exact).find([picture])


def test_a_detector_serves_many_threads(tiny: bytes) -> None:
    rng = np.random.default_rng(4)
    pictures = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(24)]
    detector = YoloPlateDetector(tiny, DetectorOptions(size=96, score=0.3))
    want = [detector.detect([picture])[0] for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda picture: detector.detect([picture])[0], pictures))
    assert [[p.box for p in found] for found in got] == [[p.box for p in found] for found in want]


@pytest.mark.parametrize("picture", [grey(0, 5), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_picture_is_refused(tiny: bytes, picture: Picture) -> None:
    with pytest.raises(ValueError, match=r"a picture is \(H, W, 3\) uint8"):
        YoloPlateDetector(tiny).detect([picture])


def test_options_out_of_range_are_refused() -> None:
    for options in ({"size": 100}, {"score": 0.0}, {"iou": 2.0}):
        with pytest.raises(ValueError, match=r"multiple of 32|between 0 and 1"):
            DetectorOptions(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 or more"):
        SessionOptions(threads=0)


def test_suppression_keeps_the_best_of_those_that_overlap() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 0, 0]], np.float32)
    assert suppress(boxes, np.array([0.5, 0.9, 0.7, 0.1], np.float32), 0.5).tolist() == [1, 2, 3]
    assert suppress(boxes[:0], np.zeros(0, np.float32), 0.5).tolist() == []


def test_faces_are_decoded() -> None:
    heat, scale, offset = (np.zeros((1, c, 8, 16), np.float32) for c in (1, 2, 2))
    heat[0, 0, 4, 8] = 0.9
    scale[0, :, 4, 8] = np.log([4, 2])
    model = constant_model({"heat": heat, "scale": scale, "offset": offset}, [1, 3, "h", "w"])
    ((face,),) = CenterFace(model).detect([grey(32, 64)])
    assert face == pytest.approx((15, 5, 4, 8)), "the network saw the picture enlarged to twice its size"


def _scene() -> Scene:
    drives = (
        Drive("123ABC02", "kz2012", "car", "red", 0, 0.2, 90),
        Drive("803BMN01", "kz2012", "suv", "white", 1, 0.5, 80, View.REAR),
    )
    return build_scene("test", drives, duration_s=4.0, fps=5)


def _overlap(a: Box, b: Box) -> float:
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    shared = max(w, 0) * max(h, 0)
    return shared / (a.w * a.h + b.w * b.h - shared)


def test_the_real_detectors_see_a_drawn_road(model_store: ModelStore) -> None:
    scene = _scene()
    frames = list(scene.frames())
    plates, vehicles = open_plate_detector(model_store), open_vehicle_detector(model_store)
    for passing in truth(scene):
        t, x, y, w, h = min(passing.boxes, key=lambda box: abs(box[3] - 48))
        frame = frames[round(t * scene.fps)]
        overlaps = [_overlap(p.box, Box(x, y, w, h)) for p in plates.detect([frame])[0]]
        assert max(overlaps, default=0) > 0.3, f"the plate {passing.text} is found"
        around = [v.box for v in vehicles.detect([frame])[0]]
        assert any(b.x <= x and x + w <= b.x + b.w and b.y <= y and y + h <= b.y + b.h for b in around)


def test_the_real_vehicle_detector_agrees_with_the_published_export(model_store: ModelStore) -> None:
    """The graph that we write from the published weights says what the published graph says, of the kinds we keep."""
    stored = model_store.get("vehicle_detector")
    unconverted = stored.source.model_copy(update={"convert": None, "classes": ()})
    published = ModelStore(model_store.folder / "published", Manifest(roles={"vehicle_detector": (unconverted,)}))
    theirs = Session(published.ensure("vehicle_detector").path)
    ours = Session(stored.path)
    picture = next(iter(_scene().frames()))[:640, :640]
    assert json.loads(ours.metadata["classes"]) == ["car", "motorcycle", "bus", "truck"]
    boxes, scores = ours.run({"images": picture[None]})
    planar = np.ascontiguousarray(picture[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32) / np.float32(255)
    (output,) = theirs.run({"images": planar})
    cells = output.transpose(0, 2, 1)
    np.testing.assert_allclose(scores, cells[..., [4 + 2, 4 + 3, 4 + 5, 4 + 7]], atol=1e-4)
    np.testing.assert_allclose((boxes[..., :2] + boxes[..., 2:]) / 2, cells[..., :2], atol=0.05)
    np.testing.assert_allclose(boxes[..., 2:] - boxes[..., :2], cells[..., 2:4], atol=0.05)


def test_the_real_face_detector_takes_any_size_and_knows_no_landmarks(model_store: ModelStore) -> None:
    detector = open_face_detector(model_store)
    assert detector.detect([grey(96, 200), grey(33, 31)]) == [[], []]
    graph = onnx.load(model_store.get("face_detector").path).graph
    assert len(graph.output) == 3


def test_a_closed_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="beket models pull plate_detector"):
        open_plate_detector(ModelStore(tmp_path), pull=False)

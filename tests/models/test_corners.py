"""Plates with corners: cells become plates in the picture's own pixels."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from index.read import Box
from models.corners import CornerPlateDetector, PlateCorners
from models.errors import ModelError
from models.runtime.session import SessionOptions
from models.yolo import DetectorOptions


def _model(
    cells: dict[tuple[int, int], float],
    rows: int,
    columns: int,
    input_name: str = "pictures",
    half: tuple[int, int] = (16, 4),
) -> bytes:
    """A model that gives the same cells for every picture: plates of twice ``half`` about each cell's centre."""
    scores = np.zeros((1, rows, columns), np.float32)
    for (row, column), score in cells.items():
        scores[0, row, column] = score
    x, y = half
    quad = np.array([-x, -y, x, -y, x, y, -x, y], np.float32)
    corners = np.broadcast_to(quad[None, :, None, None], (1, 8, rows, columns)).copy()
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in (("scores", scores), ("corners", corners))
    ]
    inputs = [helper.make_tensor_value_info(input_name, TensorProto.UINT8, ["n", "h", "w", 3])]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("scores", "corners")]
    graph = helper.make_graph(nodes, "corners", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx.ModelProto.SerializeToString(model)


def test_a_plate_comes_back_in_the_pictures_own_pixels() -> None:
    detector = CornerPlateDetector(_model({(4, 6): 0.9, (1, 2): 0.1}, 8, 16), DetectorOptions(size=128))
    (plates,) = detector.detect([np.zeros((128, 256, 3), np.uint8)])
    assert [round(p.score, 3) for p in plates] == [0.9], "0.1 is too little"
    assert plates[0].box == pytest.approx((2 * (52 - 16), 2 * (36 - 4), 64, 16))
    corners = plates[0].corners
    assert corners is not None
    assert corners[0] == pytest.approx((72, 64))
    assert corners[2] == pytest.approx((136, 80))


def test_cells_that_agree_are_one_plate_between_them() -> None:
    cells = {(4, 6): 0.8, (4, 7): 0.8, (4, 8): 0.4, (4, 13): 0.5}
    detector = CornerPlateDetector(_model(cells, 8, 16), DetectorOptions(size=128))
    (plates,) = detector.detect([np.zeros((64, 128, 3), np.uint8)])
    assert [round(p.score, 3) for p in plates] == [0.8, 0.5], "the last stands apart"
    corners = plates[0].corners
    assert corners is not None
    middles = np.array([52.0, 60.0, 68.0])
    weights = np.array([0.8, 0.8, 0.4]) ** 2
    assert corners[0] == pytest.approx((float(middles @ weights / weights.sum()) - 16, 32), abs=1e-3)


def test_boxes_are_cut_at_the_pictures_edge_and_corners_are_not() -> None:
    detector = CornerPlateDetector(_model({(0, 0): 0.9}, 8, 8), DetectorOptions(size=64))
    (plates,) = detector.detect([np.zeros((64, 64, 3), np.uint8)])
    assert plates[0].box == pytest.approx((0, 0, 20, 8))
    assert plates[0].corners is not None
    assert plates[0].corners[0] == pytest.approx((-12, 0))


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no corner detector"):
        CornerPlateDetector(_model({}, 8, 8, input_name="images"))


def test_corners_of_known_plates_are_found_in_the_frames_own_pixels() -> None:
    """The model's one plate, 80 x 20 px, is seen amid each part that it is shown: a known plate is 80 px wide there."""
    corners = PlateCorners(
        CornerPlateDetector(_model({(3, 9): 0.9}, 8, 20, half=(40, 10)), session_options=SessionOptions(max_batch=1))
    )
    frame = np.zeros((400, 600, 3), np.uint8)
    boxes = [Box(100, 80, 80, 20), Box(300, 200, 160, 40), Box(300, 200, 40, 40)]
    near, large, other = corners.find(frame, boxes)
    assert near is not None
    assert large is not None
    assert other is None, "what is seen there is of another shape"
    assert near[0] == pytest.approx((100, 80), abs=6)
    assert near[2] == pytest.approx((180, 100), abs=6)
    assert large[0] == pytest.approx((300, 200), abs=12)
    assert large[2] == pytest.approx((460, 240), abs=12)
    assert corners.find(frame, []) == []

"""An ONNX graph of a YOLOv8 detector, written from its weights alone.

The published weights come as torch pickles or as ONNX files frozen to one picture of 640 x 640 with every class they
were trained on. Writing the graph ourselves gives one that takes any batch and any multiple of 32, takes pictures as
they lie in memory (``(N, H, W, 3) uint8`` BGR), and holds only the classes we want: a class that is left out has no
weights in the file, so it can't be found by it.

Layout of YOLOv8 (Jocher et al., 2023): a backbone of strided convolutions and C2f blocks, SPPF, a two-way pyramid, and
a head without anchors that predicts, for each cell, the distribution of the distances to the four sides (DFL) and the
classes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.errors import ModelRefused

OPSET: Final = 18
STRIDES: Final = (8, 16, 32)
BINS: Final = 16

LAYOUT: Final[tuple[tuple[str, tuple[int, ...]], ...]] = (
    ("Conv", (-1,)), ("Conv", (-1,)), ("C2f", (-1,)), ("Conv", (-1,)), ("C2f", (-1,)), ("Conv", (-1,)), ("C2f", (-1,)),
    ("Conv", (-1,)), ("C2f", (-1,)), ("SPPF", (-1,)), ("Upsample", (-1,)), ("Concat", (-1, 6)), ("C2f", (-1,)),
    ("Upsample", (-1,)), ("Concat", (-1, 4)), ("C2f", (-1,)), ("Conv", (-1,)), ("Concat", (-1, 12)), ("C2f", (-1,)),
    ("Conv", (-1,)), ("Concat", (-1, 9)), ("C2f", (-1,)), ("Detect", (15, 18, 21)),
)  # fmt: skip
"""Each layer's kind and the layers it reads; -1 is the one before."""
BACKBONE_END: Final = 9
"""C2f blocks up to here add their input back (shortcut); the pyramid's don't."""

Weights = Mapping[str, NDArray[Any]]
"""Convolutions with their normalisation folded in, by the names of the original: ``model.0.conv.weight`` ..."""


class _Graph:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def split(self, source: str, parts: int, axis: int) -> list[str]:
        outputs = [f"split_{len(self.nodes)}_{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [source], outputs, axis=axis, num_outputs=parts))
        return outputs

    def constant(self, values: Any, dtype: Any) -> str:
        array = np.asarray(values, dtype)
        name = f"constant_{array.dtype}_{'x'.join(map(str, array.shape))}_{zlib.crc32(array.tobytes()):08x}"
        return self.tensor(name, array)

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def weight(self, name: str) -> NDArray[np.float32]:
        if name not in self._weights:
            raise ModelRefused(f"these are not the weights of a YOLOv8 detector: {name} is missing")
        array = np.asarray(self._weights[name], np.float32)
        if not np.isfinite(array).all():
            raise ModelRefused(f"the weights {name} hold values that are not finite")
        return array

    def has(self, name: str) -> bool:
        return name in self._weights

    def conv(self, source: str, name: str, stride: int = 1, keep: Sequence[int] | None = None) -> str:
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        if weight.ndim != 4 or bias.shape != weight.shape[:1]:
            raise ModelRefused(f"{name}: shapes {weight.shape} and {bias.shape} are no convolution's")
        if keep is not None:
            weight, bias = weight[list(keep)], bias[list(keep)]
        if name == "model.0.conv":  # pictures come as BGR of 0-255: let the first convolution turn and scale them
            weight = weight[:, ::-1] / np.float32(255)
        kernel = weight.shape[2]
        inputs = [source, self.tensor(f"{name}.weight", weight), self.tensor(f"{name}.bias", bias)]
        return self.add("Conv", inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def block(self, source: str, name: str, stride: int = 1) -> str:
        """Convolution and SiLU."""
        mapped = self.conv(source, f"{name}.conv", stride)
        return self.add("Mul", [mapped, self.add("Sigmoid", [mapped])])

    def c2f(self, source: str, name: str, shortcut: bool) -> str:
        parts = self.split(self.block(source, f"{name}.cv1"), 2, axis=1)
        step = 0
        while self.has(f"{name}.m.{step}.cv1.conv.weight"):
            inner = self.block(self.block(parts[-1], f"{name}.m.{step}.cv1"), f"{name}.m.{step}.cv2")
            parts.append(self.add("Add", [parts[-1], inner]) if shortcut else inner)
            step += 1
        return self.block(self.add("Concat", parts, axis=1), f"{name}.cv2")

    def sppf(self, source: str, name: str) -> str:
        parts = [self.block(source, f"{name}.cv1")]
        for _ in range(3):
            parts.append(self.add("MaxPool", [parts[-1]], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
        return self.block(self.add("Concat", parts, axis=1), f"{name}.cv2")

    def upsample(self, source: str) -> str:
        scales = self.constant([1, 1, 2, 2], np.float32)
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", [source, "", scales], **how)

    def centres(self, source: str, stride: int) -> str:
        """Centre of each cell of a map ``(N, C, h, w)``, in pixels of the input: ``(1, 2, h * w)``."""
        shape = self.add("Shape", [source], start=2, end=4)
        # counted by sums: ONNX Runtime refuses Range where the input's size is fixed
        each = self.add("ConstantOfShape", [shape], value=numpy_helper.from_array(np.full(1, stride, np.float32)))
        lines = []
        for axis in (1, 0):
            ends = self.add("CumSum", [each, self.constant(axis, np.int64)])
            centres = self.add("Sub", [ends, self.constant(stride / 2, np.float32)])
            lines.append(self.add("Reshape", [centres, self.constant([1, 1, -1], np.int64)]))
        return self.add("Concat", lines, axis=1)

    def detect(self, sources: Sequence[str], name: str, keep: Sequence[int]) -> tuple[str, str]:
        """Boxes ``(N, A, 4)`` in pixels of the input and scores ``(N, A, C)`` over the three maps' cells."""
        boxes, scores = [], []
        for level, (source, stride) in enumerate(zip(sources, STRIDES, strict=True)):
            sides = self.block(self.block(source, f"{name}.cv2.{level}.0"), f"{name}.cv2.{level}.1")
            sides = self.conv(sides, f"{name}.cv2.{level}.2")
            classes = self.block(self.block(source, f"{name}.cv3.{level}.0"), f"{name}.cv3.{level}.1")
            classes = self.conv(classes, f"{name}.cv3.{level}.2", keep=keep)
            scores.append(self.add("Reshape", [classes, self.constant([0, len(keep), -1], np.int64)]))
            bins = self.add(
                "Softmax", [self.add("Reshape", [sides, self.constant([0, 4, BINS, -1], np.int64)])], axis=2
            )
            ramp = self.constant(np.arange(BINS).reshape(1, 1, BINS, 1) * stride, np.float32)
            reach = self.add("ReduceSum", [self.add("Mul", [bins, ramp]), self.constant([2], np.int64)], keepdims=0)
            before, after = self.split(reach, 2, axis=1)
            centres = self.centres(source, stride)
            corners = [self.add("Sub", [centres, before]), self.add("Add", [centres, after])]
            boxes.append(self.add("Concat", corners, axis=1))
        joined = self.add("Transpose", [self.add("Concat", boxes, axis=2)], perm=[0, 2, 1])
        chances = self.add("Sigmoid", [self.add("Concat", scores, axis=2)])
        return joined, self.add("Transpose", [chances], perm=[0, 2, 1])


def build(
    weights: Weights, names: Sequence[str], keep: Sequence[int], provenance: Mapping[str, str]
) -> onnx.ModelProto:
    """The detector as an ONNX model, opset 18.

    ``names``: every class the weights know, in order; ``keep``: the indices of those to build in.
    Input ``images (N, H, W, 3) uint8`` BGR, H and W multiples of 32; outputs ``boxes (N, A, 4)`` as x1 y1 x2 y2 in
    pixels of the input and ``scores (N, A, len(keep))``. ``provenance`` goes into the model's metadata.
    Raises ``ModelRefused`` when the weights are not a YOLOv8 detector's.
    """
    graph = _Graph(weights)
    head = f"model.{len(LAYOUT) - 1}"
    count = graph.weight(f"{head}.cv3.0.2.weight").shape[0]
    if count != len(names) or not keep or not all(0 <= k < count for k in keep):
        raise ModelRefused(f"the head knows {count} classes, named are {len(names)}, wanted {list(keep)}")
    if graph.weight(f"{head}.cv2.0.2.weight").shape[0] != 4 * BINS:
        raise ModelRefused(f"the head's distances are not over {BINS} bins")
    pictures = graph.add("Transpose", [graph.add("Cast", ["images"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    outputs: list[str] = []
    for index, (kind, sources) in enumerate(LAYOUT[:-1]):
        name = f"model.{index}"
        inputs = [outputs[s] if outputs else pictures for s in sources]
        if kind == "Conv":
            outputs.append(graph.block(inputs[0], name, stride=2))
        elif kind == "C2f":
            outputs.append(graph.c2f(inputs[0], name, shortcut=index <= BACKBONE_END))
        elif kind == "SPPF":
            outputs.append(graph.sppf(inputs[0], name))
        elif kind == "Upsample":
            outputs.append(graph.upsample(inputs[0]))
        else:
            outputs.append(graph.add("Concat", inputs, axis=1))
    boxes, scores = graph.detect([outputs[s] for s in LAYOUT[-1][1]], head, keep)
    graph.nodes += [
        helper.make_node("Identity", [boxes], ["boxes"]),
        helper.make_node("Identity", [scores], ["scores"]),
    ]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "yolov8",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", "height", "width", 3])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", "cells", 4]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "cells", len(keep)]),
            ],
            list(graph.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=10,
        producer_name="beket",
    )
    helper.set_model_props(
        model, {**provenance, "classes": json.dumps([names[k] for k in keep]), "stride": str(STRIDES[-1])}
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelRefused(f"the weights' shapes don't fit together: {error}") from error
    return model

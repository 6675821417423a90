"""An ONNX graph of MobileNetV2's features, written from its weights alone (Sandler et al., 2018).

The classifier is left out: what remains is a description of a picture, not a name for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.errors import ModelRefused
from models.supply import checkpoint

FEATURES: Final = 1280
_BLOCKS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, repeats and first stride of each stage: table 2 of the paper."""
_MEAN: Final = (0.485, 0.456, 0.406)
_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, RGB, as torchvision trains."""
_EPSILON: Final = 1e-5


def convert_mobilenet(source: Path, target: Path) -> None:
    """Write torchvision's MobileNetV2 as ONNX: ``images (N, H, W, 3) uint8`` BGR to ``features (N, 1280) float32``.

    Raises ``ModelRefused`` when the file is hostile or holds other weights.
    """
    graph = _Graph(checkpoint.load(source))
    scaled = graph.add("Cast", ["images"], to=TensorProto.FLOAT)
    mean, deviation = (np.asarray(values, np.float32)[::-1] * 255 for values in (_MEAN, _DEVIATION))
    scaled = graph.add("Sub", [scaled, graph.tensor("mean", mean)])
    scaled = graph.add("Div", [scaled, graph.tensor("deviation", deviation)])
    mapped = graph.conv(graph.add("Transpose", [scaled], perm=[0, 3, 1, 2]), "features.0.0", "features.0.1", stride=2)
    index, channels = 1, 32
    for expansion, wide, repeats, first in _BLOCKS:
        for repeat in range(repeats):
            stride = first if repeat == 0 else 1
            inner, name, step = mapped, f"features.{index}.conv", 0
            if expansion > 1:
                inner = graph.conv(inner, f"{name}.0.0", f"{name}.0.1")
                step = 1
            inner = graph.conv(inner, f"{name}.{step}.0", f"{name}.{step}.1", stride=stride)
            inner = graph.conv(inner, f"{name}.{step + 1}", f"{name}.{step + 2}", clips=False)
            mapped = graph.add("Add", [mapped, inner]) if stride == 1 and channels == wide else inner
            index, channels = index + 1, wide
    mapped = graph.conv(mapped, "features.18.0", "features.18.1")
    pooled = graph.add("Flatten", [graph.add("GlobalAveragePool", [mapped])], axis=1)
    graph.nodes.append(helper.make_node("Identity", [pooled], ["features"]))
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "mobilenet-v2-features",
        [value("images", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [value("features", TensorProto.FLOAT, ["batch", FEATURES])],
        graph.tensors,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="beket")
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString())


class _Graph:
    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def conv(self, source: str, name: str, norm: str, *, stride: int = 1, clips: bool = True) -> str:
        """Convolution with its normalisation folded in and, unless it is a bottleneck's end, ReLU6."""
        weight = self._weight(f"{name}.weight", 4)
        gain = self._weight(f"{norm}.weight", 1) / np.sqrt(self._weight(f"{norm}.running_var", 1) + _EPSILON)
        shift = self._weight(f"{norm}.bias", 1) - self._weight(f"{norm}.running_mean", 1) * gain
        if gain.shape != weight.shape[:1]:
            raise ModelRefused(f"{name}: normalisation {gain.shape} doesn't fit the convolution {weight.shape}")
        kernel, depthwise = weight.shape[2], weight.shape[1] == 1
        inputs = [
            source,
            self.tensor(f"{name}.weight", weight * gain[:, None, None, None]),
            self.tensor(f"{name}.bias", shift),
        ]
        mapped = self.add(
            "Conv",
            inputs,
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=weight.shape[0] if depthwise else 1,
        )
        if not clips:
            return mapped
        if "six" not in {tensor.name for tensor in self.tensors}:
            self.tensor("zero", np.zeros(())), self.tensor("six", np.full((), 6.0))
        return self.add("Clip", [mapped, "zero", "six"])

    def _weight(self, name: str, dimensions: int) -> NDArray[np.float64]:
        array = self._weights.get(name)
        if not isinstance(array, np.ndarray) or array.ndim != dimensions or not np.isfinite(array).all():
            raise ModelRefused(f"these are not the weights of MobileNetV2: {name} is missing or broken")
        return array.astype(np.float64)

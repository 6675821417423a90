"""Published detector weights turned into ONNX models of our own (see ``yolo_graph``)."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from models.errors import ModelRefused
from models.supply import checkpoint, yolo_graph


def convert_yolo(source: Path, target: Path, classes: Sequence[str] = ()) -> None:
    """Write the YOLOv8 detector of ``source`` (a torch ``.pt`` or an exported ``.onnx``) as ONNX to ``target``.

    ``classes``: names of the classes to build in, all when empty; the others' weights are left out. Segmentation
    models give their boxes alone. Raises ``ModelRefused`` when the file is hostile or not a YOLOv8 detector.
    """
    weights, names = _from_onnx(source) if source.suffix == ".onnx" else _from_checkpoint(source)
    missing = [c for c in classes if c not in names]
    if missing:
        raise ModelRefused(f"{source.name} knows no class {', '.join(missing)}; it knows {', '.join(names[:20])}")
    keep = [names.index(c) for c in classes] if classes else list(range(len(names)))
    model = yolo_graph.build(weights, names, keep, {"converted_from": source.name})
    target.write_bytes(model.SerializeToString())


def _from_onnx(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    model = _read_onnx(path)
    names = {p.key: p.value for p in model.metadata_props}.get("names", "")
    weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.name.startswith("model.")}
    try:
        return weights, _names(ast.literal_eval(names))
    except (ValueError, SyntaxError) as error:
        raise ModelRefused(f"{path.name} doesn't say which classes it knows") from error


def _read_onnx(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise ModelRefused(f"{path.name} is not an ONNX model ({error})") from error
    if not model.graph.node:
        raise ModelRefused(f"{path.name} is not an ONNX model")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelRefused(f"{path.name} keeps its weights in other files, which is not allowed here")
    return model


def check_onnx(path: Path) -> None:
    """Raises ``ModelRefused`` when ``path`` holds no ONNX model that is whole in itself."""
    _read_onnx(path)


def _from_checkpoint(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    loaded = checkpoint.load(path)
    model = loaded.get("ema") or loaded.get("model")
    layers = model.get("model") if isinstance(model, checkpoint.Module) else None
    if not isinstance(model, checkpoint.Module) or not isinstance(layers, checkpoint.Module):
        raise ModelRefused(f"{path.name} holds no detector")
    found = [(layer.kind, _sources(layer.get("f"))) for layer in layers.children().values()]
    if tuple(found) != yolo_graph.LAYOUT:
        raise ModelRefused(f"{path.name} is not laid out as YOLOv8: {' '.join(kind for kind, _ in found)[:200]}")
    weights: dict[str, NDArray[Any]] = {}
    _collect(layers, "model", weights)
    return weights, _names(model.get("names"))


def _sources(value: object) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int) else ()


def _names(value: object) -> list[str]:
    if isinstance(value, dict):
        value = [value.get(index) for index in range(len(value))]
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ModelRefused("the model doesn't say which classes it knows")
    return [str(name) for name in value]


def _collect(module: checkpoint.Module, prefix: str, weights: dict[str, NDArray[Any]]) -> None:
    """Convolutions below ``module``, with the normalisation that follows one folded in."""
    children = module.children()
    convolution, norm = children.get("conv"), children.get("bn")
    if convolution is not None and norm is not None:
        weight = np.asarray(convolution.get("weight"), np.float64)
        deviation = np.sqrt(np.asarray(norm.get("running_var"), np.float64) + float(norm.get("eps")))
        gain = np.asarray(norm.get("weight"), np.float64) / deviation
        shift = np.asarray(norm.get("bias"), np.float64) - np.asarray(norm.get("running_mean"), np.float64) * gain
        if weight.ndim != 4 or gain.shape != weight.shape[:1]:
            raise ModelRefused(f"{prefix}: normalisation {gain.shape} doesn't fit the convolution {weight.shape}")
        if convolution.get("bias") is not None:
            shift = shift + np.asarray(convolution.get("bias"), np.float64) * gain
        weights[f"{prefix}.conv.weight"] = weight * gain[:, None, None, None]
        weights[f"{prefix}.conv.bias"] = shift
        return
    if module.kind == "Conv2d":
        for part in ("weight", "bias"):
            if isinstance(module.get(part), np.ndarray):
                weights[f"{prefix}.{part}"] = module.get(part)
    for name, child in children.items():
        _collect(child, f"{prefix}.{name}", weights)


def convert_centerface(source: Path, target: Path) -> None:
    """Write CenterFace with free picture sizes and without its landmarks to ``target``; see ``faces``."""
    model = _read_onnx(source)
    names = [output.name for output in model.graph.output]
    if len(model.graph.input) < 1 or len(names) != 4:
        raise ModelRefused(f"{source.name} is not CenterFace: it has {len(names)} outputs in place of 4")
    producers = {output: node for node in model.graph.node for output in node.output}
    needed: set[str] = set()
    pending = names[:3]
    while pending:
        name = pending.pop()
        node = producers.get(name)
        if node is not None and name not in needed:
            needed.update(node.output)
            pending.extend(node.input)
    kept = [node for node in model.graph.node if needed.intersection(node.output)]
    used = {name for node in kept for name in node.input}
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in used]
    weights = {tensor.name for tensor in tensors}
    (picture,) = (i for i in model.graph.input if i.name in used - weights)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        kept,
        "centerface",
        [value(picture.name, onnx.TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [
            value(n, onnx.TensorProto.FLOAT, ["batch", c, "rows", "columns"])
            for n, c in zip(names, (1, 2, 2), strict=False)
        ],
        tensors,
    )
    made = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=8, producer_name="beket")
    target.write_bytes(made.SerializeToString())

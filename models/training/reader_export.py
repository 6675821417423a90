"""Writes a trained reader as ONNX: its temperature fitted, the graph compared with torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from index.alphabet import ALPHABET, SLOTS
from models.training.crops import INPUT_HEIGHT, INPUT_WIDTH, CropBatch, CropMaker
from models.training.layouts import FORMATS
from models.training.looks import Looks
from models.training.network import ReaderNetwork, Shape

OPSET: Final = 18
_LARGE: Final = 512
"""Weights of at least so many numbers are kept in 16 bits."""
_LARGEST: Final = 32_768
"""And of at least so many in 8."""
OUTPUTS: Final = ("characters", "format", "lines", "legibility")
_TOLERANCE: Final = 5e-3
"""Largest difference of a probability between the graph and torch: the file keeps large weights in 16 bits."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted on rendered plates in faces that were not trained on."""

    temperature: float
    exact: float
    """Share of those plates read right in every character."""


def load_network(checkpoint: Path, name: str = "reader") -> ReaderNetwork:
    """The averaged weights of a network in a checkpoint, ready to read. Raises ``ValueError`` when it isn't there."""
    learners = torch.load(checkpoint, map_location="cpu", weights_only=True).get("learners", {})
    if name not in learners:
        raise ValueError(
            f"{checkpoint} holds no network {name!r}, only {', '.join(learners) or 'what an older run kept'}"
        )
    shape = learners[name]["shape"]
    network = ReaderNetwork(Shape(tuple(shape["widths"]), shape["heads"], shape["columns"]))
    network.load_state_dict(learners[name]["average"])
    network.eval()
    return network


def calibrate(model: Looks, batches: Sequence[CropBatch]) -> Calibration:
    """Set the model's temperature and the scale of its legibility so that both are probabilities that hold.

    The temperature minimises the negative log-likelihood of the true characters; the legibility's scale and offset that
    of "every character is right" (Platt 1999). Fitted on ``batches`` alone.
    """
    with torch.inference_mode():
        readings = [model(torch.from_numpy(batch.images)) for batch in batches]
    scores = torch.cat([reading[0] for reading in readings]).clone()
    doubt = torch.logit(torch.cat([reading[3] for reading in readings]).clone(), eps=1e-7)
    target = torch.from_numpy(np.concatenate([batch.characters for batch in batches]))
    is_text = torch.from_numpy(np.concatenate([batch.is_text for batch in batches]))
    is_right = (scores.argmax(dim=-1) == target).all(dim=-1) & is_text
    grid = np.exp(np.linspace(np.log(0.5), np.log(2.5), 80))
    costs = []
    for value in grid:
        tempered = torch.log_softmax(scores[is_text] / float(value), dim=-1)
        costs.append(float(nn.functional.nll_loss(tempered.transpose(1, 2), target[is_text])))
    temperature = float(grid[int(np.argmin(costs))])
    line = torch.tensor([1.0, 0.0], requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=60)

    def closure() -> Tensor:
        optimiser.zero_grad()
        logit = doubt * line[0] + line[1]
        cost = nn.functional.binary_cross_entropy_with_logits(logit, is_right.float())
        cost.backward()
        return cost

    optimiser.step(closure)
    model.temperature.mul_(temperature)
    scale, offset = (float(v) for v in line.detach())
    model.doubt.copy_(torch.stack([model.doubt[0] * scale, model.doubt[1] * scale + offset]))
    return Calibration(temperature, float(is_right.sum()) / float(is_text.sum()))


def export(
    checkpoint: Path, out: Path, maker: CropMaker, crops: int = 2048, network: str = "reader", looks: int = 3
) -> Calibration:
    """Export the averaged weights of ``network`` in ``checkpoint``, calibrated on ``crops`` crops of ``maker``.

    Raises ``ValueError`` when the graph does not say what torch says.
    """
    model = Looks(load_network(checkpoint, network), looks).eval()
    _round(model.network)
    batches = [maker.batch(number, 64) for number in range(max(1, crops // 64))]
    calibration = calibrate(model, batches)
    out.parent.mkdir(parents=True, exist_ok=True)
    example = torch.from_numpy(batches[0].images[:2])
    torch.onnx.export(
        model,
        (example,),
        str(out),
        input_names=["plates"],
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "n"} for name in ("plates", *OUTPUTS)},
        opset_version=OPSET,
        dynamo=False,
    )
    graph = onnx.load(str(out))
    _pack(graph)
    for dimension, size in zip(
        graph.graph.output[0].type.tensor_type.shape.dim[1:], (SLOTS, len(ALPHABET)), strict=True
    ):
        dimension.dim_value = size
    del graph.metadata_props[:]
    for key, value in _metadata(calibration).items():
        graph.metadata_props.add(key=key, value=value)
    graph.producer_name, graph.producer_version, graph.doc_string = "beket", "", ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(out))
    compare(model, out, batches[0].images)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {calibration}", flush=True)
    return calibration


def _round(network: ReaderNetwork) -> None:
    """Round the largest weights to 8 bits and a scale for each output, before anything is fitted to what they say."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1 and weight.numel() >= _LARGEST:
                scale = weight.abs().amax(dim=tuple(range(1, weight.ndim)), keepdim=True).clamp(min=1e-12) / 127
                weight.copy_((weight / scale).round() * scale)


def _pack(model: onnx.ModelProto) -> None:
    """Keep rounded weights in the 8 bits that they need, large ones in 16; they are floats again once loaded."""
    graph = model.graph
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            kept.append(weight)
        elif values.size < _LARGEST or values.ndim not in (2, 4):
            kept.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{weight.name}/half"))
            nodes.append(onnx.helper.make_node("Cast", [kept[-1].name], [weight.name], to=onnx.TensorProto.FLOAT))
        else:
            outputs = -1 if values.ndim == 2 else 0
            others = tuple(i for i in range(values.ndim) if i != outputs % values.ndim)
            scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
            steps = np.round(values / scale).astype(np.int8)
            name = f"{weight.name}/steps"
            kept.append(onnx.numpy_helper.from_array(steps, name))
            kept.append(onnx.numpy_helper.from_array(scale.astype(np.float32), f"{weight.name}/scale"))
            nodes.append(onnx.helper.make_node("Cast", [name], [f"{name}/float"], to=onnx.TensorProto.FLOAT))
            nodes.append(onnx.helper.make_node("Mul", [f"{name}/float", kept[-1].name], [weight.name]))
    nodes.extend(graph.node)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def unpacked(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """The weights of an exported graph by name, as floats again."""
    stored = {one.name: onnx.numpy_helper.to_array(one).astype(np.float32) for one in graph.initializer}
    steps = {name.removesuffix("/steps") for name in stored if name.endswith("/steps")}
    whole = {name: stored[f"{name}/steps"] * stored[f"{name}/scale"] for name in steps}
    rest = {name for name in stored if not name.endswith(("/steps", "/scale"))}
    return whole | {name.removesuffix("/half"): stored[name] for name in rest}


def _metadata(calibration: Calibration) -> dict[str, str]:
    return {
        "role": "plate reader",
        "licence": "Apache-2.0",
        "input": f"plates: uint8 (n, {INPUT_HEIGHT}, {INPUT_WIDTH}), grey (ITU-R 601), the whole crop stretched: "
        "sides too long shrunk by area first, then sides too short stretched linearly",
        "height": str(INPUT_HEIGHT),
        "width": str(INPUT_WIDTH),
        "alphabet": ALPHABET,
        "formats": json.dumps(FORMATS),
        "outputs": "characters (n, 10, 37), format (n, F), lines (n, 2) log-probabilities; legibility (n,) probability "
        "that every character is right",
        "temperature": f"{calibration.temperature:.4f}",
        "rendered_exact": f"{calibration.exact:.4f}",
    }


def compare(model: nn.Module, path: Path, images: NDArray[np.uint8]) -> None:
    """Raise ``ValueError`` when the graph in ``path`` differs from ``model`` on ``images``."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {"plates": images})
    with torch.inference_mode():
        want = [output.numpy() for output in model(torch.from_numpy(images))]
    for name, ours, theirs in zip(OUTPUTS, got, want, strict=True):
        gap = float(np.abs(np.exp(np.minimum(ours, 0)) - np.exp(np.minimum(theirs, 0))).max())
        if name == "legibility":
            gap = float(np.abs(ours - theirs).max())
        if not gap < _TOLERANCE:
            raise ValueError(f"{path}: output {name} differs from torch by {gap:.2g}")

"""Takes up training from exported weights, where the checkpoint that they came from is gone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.network import ReaderNetwork
from models.training.reader_export import unpacked

_CALIBRATION = ("temperature", "doubt")


def load_weights(network: ReaderNetwork, path: Path, plates: Tensor) -> None:
    """Set ``network`` to the weights of the graph at ``path``; ``plates`` (n, 48, 144) uint8 are typical crops.

    What the graph doesn't hold (the head that is only there while training) or only holds calibrated stays as it is.
    Raises ``ValueError`` when the graph is of another network.
    """
    graph = onnx.load(str(path)).graph
    stored = unpacked(graph)
    state = network.state_dict()
    for name, value in stored.items():
        key = name.removeprefix("network.")
        if key != name and key not in _CALIBRATION:
            _set(state, key, value, path)
    folded: list[list[NDArray[np.float32]]] = []
    for node in graph.node:
        values = [stored[name] for name in node.input[1:] if name in stored]
        if node.op_type == "MatMul" and values:
            _set(state, _parameter(node.name) + ".weight", values[0].T, path)
        if node.op_type == "Conv":
            folded.append(values)
    network.load_state_dict(state)
    _unfold(network, folded, plates)


def _parameter(node: str) -> str:
    """The module of a node, ``look.feed.0`` for ``/network/look/feed/feed.0/MatMul``."""
    parts = node.split("/")[2:-1]
    return ".".join(
        part for part, inner in zip(parts, [*parts[1:], ""], strict=True) if not inner.startswith(f"{part}.")
    )


def _set(state: dict[str, Tensor], name: str, value: NDArray[np.float32], path: Path) -> None:
    if name not in state or tuple(state[name].shape) != value.shape:
        raise ValueError(f"{path} holds {name} {value.shape}, which this network has not: train from nothing")
    state[name] = torch.from_numpy(np.ascontiguousarray(value))


def _unfold(network: ReaderNetwork, folded: list[list[NDArray[np.float32]]], plates: Tensor) -> None:
    """Give the batch normalisations back what exporting folded into the convolutions before them.

    Each takes the statistics that ``plates`` show, and a scale and an offset that undo them: the network gives what the
    graph gives, by its own statistics and by a batch's.
    """
    convolutions = [m for m in network.stem.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in network.stem.modules() if isinstance(m, nn.BatchNorm2d)]
    seen: dict[int, Tensor] = {}

    def look(index: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[index] = output.detach()

    with torch.no_grad():
        for convolution, norm, (weight, bias) in zip(convolutions, norms, folded, strict=True):
            convolution.weight.copy_(torch.from_numpy(weight))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(torch.from_numpy(bias))
        hooks = [c.register_forward_hook(partial(look, i)) for i, c in enumerate(convolutions)]
        network.eval()
        network(plates)
        for index, norm in enumerate(norms):
            mean, variance = seen[index].mean(dim=(0, 2, 3)), seen[index].var(dim=(0, 2, 3))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)
        for hook in hooks:
            hook.remove()

"""The trained plate detector as an ONNX model."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from models.training.detector_network import REACH, PlateNetwork


class _Exported(nn.Module):
    """The network as it is shipped: NHWC pictures, scores as probabilities, corners in px from each cell's centre."""

    def __init__(self, network: PlateNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        score, corners = self.network(pictures.permute(0, 3, 1, 2))
        return torch.sigmoid(score[:, 0]), corners * REACH


def export(checkpoint: Path, path: Path, width: int, size: int) -> int:
    """Write a checkpoint's averaged weights as ONNX; gives the step they are of.

    The model takes ``pictures (N, H, W, 3) uint8`` BGR and gives ``scores (N, H/8, W/8)`` and ``corners (N, 8, H/8,
    W/8)``, as ``models.corners`` reads them.
    """
    network = PlateNetwork(width)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network.load_state_dict({k.removeprefix("module."): v for k, v in state["mean"].items() if k.startswith("module.")})
    network.eval()
    torch.onnx.export(
        _Exported(network),
        (torch.zeros(1, size, size, 3, dtype=torch.uint8),),
        str(path),
        input_names=["pictures"],
        output_names=["scores", "corners"],
        dynamic_axes={
            "pictures": {0: "n", 1: "h", 2: "w"},
            "scores": {0: "n", 1: "h8", 2: "w8"},
            "corners": {0: "n", 2: "h8", 3: "w8"},
        },
        opset_version=18,
        dynamo=False,
    )
    return int(state["step"])

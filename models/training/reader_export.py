"""Writes a trained reader as ONNX, its temperature fitted, with what a port must know."""

from __future__ import annotations

from pathlib import Path

from models.training.crops import CropMaker


def export(checkpoint: Path, out: Path, maker: CropMaker) -> None:
    """Export the averaged weights of ``checkpoint`` to ``out``."""
    raise NotImplementedError(checkpoint, out, maker)

"""Where networks run: ONNX Runtime's providers, what each is told, and which of them this machine can really use."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import onnxruntime as ort

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
Shapes = Mapping[str, Sequence[int | str | None]]
"""Shape of each input; free dimensions are names or None."""

NAMES: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
_BEHIND: Final[Mapping[str, tuple[str, ...]]] = {"cpu": (), "cuda": ("cpu",), "tensorrt": ("cuda", "cpu")}
"""What takes the operators that a provider does not know."""
_SIDES_PX: Final = (32, 320, 1280)
"""Least, usual and most of a picture's free sides, for TensorRT's engines."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GpuOptions:
    """How a GPU is used; what is measured of it stands in docs/performance.md."""

    device: int = 0
    """Among those that the process may see (``CUDA_VISIBLE_DEVICES``)."""
    memory_mb: int | None = None
    """MB of the GPU that one network may take, beside its weights; None leaves it to need."""
    engines: Path | None = None
    """Folder in which TensorRT keeps its engines, which take minutes to build; None builds them at each start."""
    half: bool = False
    """Half precision in TensorRT; CUDA runs a network as it is."""


def chosen(provider: Provider) -> Provider:
    """What ``auto`` comes to: cuda where ONNX Runtime was built with it and a GPU may be seen, else cpu.

    TensorRT is never chosen by itself: a first start that takes minutes is for a person to decide.
    """
    if provider != "auto":
        return provider
    return "cuda" if NAMES["cuda"] in ort.get_available_providers() and is_gpu_visible() else "cpu"


def is_gpu_visible() -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES`` allows any; Ray sets it to what an actor was given."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return allowed is None or allowed.split(",")[0].strip() not in ("", "-1", "NoDevFiles")


def with_options(
    provider: Provider, gpu: GpuOptions, max_batch: int, inputs: Shapes, records: bool = False
) -> list[tuple[str, dict[str, str]]]:
    """``provider`` and those behind it, as ONNX Runtime takes them, as far as it has them. ``records``: CUDA records a
    network's first run, whose input then keeps its shape."""
    available = ort.get_available_providers()
    told = {
        "cpu": {},
        "cuda": _cuda(gpu) | ({"enable_cuda_graph": "1"} if records else {}),
        "tensorrt": _tensorrt(gpu, max_batch, inputs),
    }
    return [(NAMES[one], told[one]) for one in (provider, *_BEHIND[provider]) if NAMES[one] in available]


@cache
def say_once(level: int, line: str) -> None:
    """Log it once in this process, however many networks it is true of."""
    _log.log(level, "%s", line)


def _cuda(gpu: GpuOptions) -> dict[str, str]:
    told = {
        "device_id": str(gpu.device),
        # the default tries all algorithms at each new shape of an input, which takes seconds a shape
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
    return told | ({"gpu_mem_limit": str(gpu.memory_mb * 2**20)} if gpu.memory_mb is not None else {})


def _tensorrt(gpu: GpuOptions, max_batch: int, inputs: Shapes) -> dict[str, str]:
    told = {"device_id": str(gpu.device), "trt_fp16_enable": str(int(gpu.half))}
    if gpu.memory_mb is not None:
        told["trt_max_workspace_size"] = str(gpu.memory_mb * 2**20)
    if gpu.engines is not None:
        told |= {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(gpu.engines),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(gpu.engines),
        }
    # without a profile the engine is built anew whenever a shape goes beyond all earlier ones
    free = {name: shape for name, shape in inputs.items() if not all(isinstance(side, int) for side in shape)}
    for number, which in enumerate(("min", "opt", "max")):
        sizes = [
            f"{name}:{'x'.join(str(_size(axis, side, number, max_batch)) for axis, side in enumerate(shape))}"
            for name, shape in free.items()
        ]
        if sizes:
            told[f"trt_profile_{which}_shapes"] = ",".join(sizes)
    return told


def _size(axis: int, side: int | str | None, number: int, max_batch: int) -> int:
    if isinstance(side, int):
        return side
    return (1, max_batch, max_batch)[number] if axis == 0 else _SIDES_PX[number]

"""Networks: which run, and on what."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from cluster.settings.section import Section

ProviderName = Literal["auto", "cpu", "cuda", "tensorrt"]


class GpuSettings(Section):
    """How nodes that have a GPU use it. What is measured of it: docs/performance.md."""

    device: int = Field(
        default=0, ge=0, le=63, description="number of the GPU, among those that CUDA_VISIBLE_DEVICES leaves a process"
    )
    memory_mb: int | None = Field(
        default=None,
        ge=64,
        le=1_000_000,
        description="MB that one network may take of it, each of its copies; null leaves it to need",
    )
    half: bool = Field(default=False, description="half precision in TensorRT; CUDA runs networks as they are")
    engines: Path | None = Field(
        default=None, description="folder of TensorRT's built engines; null takes `engines` in the home folder"
    )


class ModelSettings(Section):
    """Which networks run, and on what."""

    deny_licences: tuple[str, ...] = Field(default=(), description="SPDX names of licences whose models are not used")
    provider: ProviderName = Field(
        default="auto",
        description="ONNX Runtime's execution provider; auto takes cuda on nodes where it works, else cpu. One that is "
        "named and does not work is an error",
    )
    threads: int = Field(
        default=1, ge=1, le=64, description="threads of one network; several networks run side by side"
    )
    max_batch: int | None = Field(
        default=None,
        ge=1,
        le=512,
        description="pictures in one run; null takes 8 on the CPU and in TensorRT, 32 in CUDA",
    )
    copies: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="of each network, one for each shape of its input; null takes 8 in CUDA, which plans a network "
        "anew when its shape changes, and 1 elsewhere",
    )
    records: bool | None = Field(
        default=None,
        description="how small batches run is recorded at the start, in a copy of the network for each shape; null "
        "does so in CUDA, where launching costs more than computing",
    )
    batch_wait_ms: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="ms that a picture may wait for other cameras', to go through a network with them; null: 40 on "
        "a GPU, 0 on the CPU, where batches gain nothing",
    )
    gpu: GpuSettings = GpuSettings()
    plate_detector: str | None = Field(
        default=None, description="a name from configs/models.yaml; null takes the best permitted"
    )
    plate_reader: str | None = Field(default=None, description="as above")
    vehicle_detector: str | None = Field(default=None, description="as above")

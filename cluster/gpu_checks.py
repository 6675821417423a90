"""What this node's networks run on and what decodes its streams, looked for by trying."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Final

from cluster.finding import Finding, Grade
from cluster.settings import RegionSettings

_TRIAL: Final = Path(__file__).parents[1] / "models" / "weights" / "reader.onnx"
_SETTING_UP: Final = "docs/region.md says how a GPU node is set up"


def inference(settings: RegionSettings) -> Finding:
    """Which of ONNX Runtime's providers run a network here; the one that is named must."""
    from models.errors import ModelError
    from models.runtime.providers import GpuOptions
    from models.runtime.session import Session, SessionOptions

    wanted, gpu = settings.models.provider, settings.models.gpu
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _is_installed(name)]
    if len(installed) > 1:
        mend = "uninstall both, then install one: they overwrite each other's files"
        return Finding("inference", Grade.MISSING, " and ".join(installed), mend)
    options = SessionOptions(provider=wanted, gpu=GpuOptions(gpu.device, gpu.memory_mb, None, gpu.half))
    try:
        runs_on = Session(_TRIAL, options, name=wanted).runs_on
    except ModelError as error:
        return Finding("inference", Grade.MISSING, str(error), _SETTING_UP)
    found = f"{runs_on} ({', '.join(installed)})"
    if wanted == "auto" and runs_on == "cpu" and installed == ["onnxruntime-gpu"]:
        return Finding("inference", Grade.OPTIONAL, found, f"CUDA does not start; {_SETTING_UP}")
    return Finding("inference", Grade.GOOD, found)


def decoder(settings: RegionSettings) -> Finding:
    """What decodes woken streams."""
    from video.watch.hardware import nvdec_fault

    wanted, device = settings.passes.decoder, settings.models.gpu.device
    if wanted == "cpu":
        return Finding("decoder", Grade.GOOD, "cpu")
    fault = nvdec_fault(device)
    if fault is None:
        return Finding("decoder", Grade.GOOD, f"nvdec on GPU {device}")
    if wanted == "auto":
        return Finding("decoder", Grade.GOOD, f"cpu: {fault}")
    return Finding("decoder", Grade.OPTIONAL, f"cpu, where nvdec is wanted: {fault}", _SETTING_UP)


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True

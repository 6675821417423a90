"""ONNX Runtime sessions with explicit threads, so that several actors on one machine don't fight for its cores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.errors import ModelError

Provider = Literal["cpu", "cuda", "tensorrt"]

_PROVIDERS: dict[str, list[str]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a model runs. ``threads``: cores one call may use; idle threads sleep, they never spin."""

    threads: int = 1
    provider: Provider = "cpu"
    max_batch: int = 8
    """Most pictures in one run of the network; models with a fixed batch use their own."""

    def __post_init__(self) -> None:
        if self.threads < 1 or self.max_batch < 1:
            raise ValueError(f"threads and max_batch must be 1 or more, not {self.threads} and {self.max_batch}")


class Session:
    """One loaded network. ``run`` may be called from several threads at once; each call uses the caller's thread
    and, with ``threads`` above 1, the session's own pool."""

    def __init__(self, model: Path | bytes, options: SessionOptions | None = None, *, name: str = "model") -> None:
        """Load ``model`` (a file or its bytes). Raises ``ModelError`` when it can't be, or the provider is absent."""
        options = options or SessionOptions()
        providers = _PROVIDERS[options.provider]
        available = ort.get_available_providers()
        if providers[0] not in available:
            raise ModelError(
                f"{name}: provider {options.provider!r} needs {providers[0]}, but this ONNX Runtime has only "
                f"{', '.join(available)}; install onnxruntime-gpu in place of onnxruntime or set the provider to cpu"
            )
        session_options = ort.SessionOptions()
        session_options.intra_op_num_threads = options.threads
        session_options.inter_op_num_threads = 1
        session_options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        session_options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session_options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        session_options.log_severity_level = 3
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = ort.InferenceSession(
                source, session_options, providers=[p for p in providers if p in available]
            )
        except Exception as error:
            raise ModelError(
                f"{name}: ONNX Runtime can't load it ({error}); pull it again with `beket models pull`"
            ) from error
        self.name = name
        self.options = options
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def inputs(self) -> dict[str, tuple[str, list[int | str | None]]]:
        """Name of each input: its type (``tensor(uint8)``) and shape; free dimensions are names or None."""
        return {i.name: (i.type, list(i.shape)) for i in self._session.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        return list(self._outputs)

    @property
    def metadata(self) -> dict[str, str]:
        """The model's own custom metadata."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def provider(self) -> str:
        """The provider that really runs it."""
        return str(self._session.get_providers()[0])

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Outputs in the model's own order. Raises ``ModelError`` when the network fails on these inputs."""
        try:
            return list(self._session.run(self._outputs, dict(feeds)))
        except Exception as error:
            shapes = {name: value.shape for name, value in feeds.items()}
            raise ModelError(f"{self.name}: the network failed on inputs {shapes}: {error}") from error

    def run_named(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Outputs by name."""
        return dict(zip(self._outputs, self.run(feeds), strict=True))


def chunks(count: int, size: int) -> Sequence[range]:
    """Consecutive ranges of at most ``size`` that cover ``range(count)``."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]

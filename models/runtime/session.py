"""ONNX Runtime sessions with explicit threads, so that several actors on one machine don't fight for its cores."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.errors import ModelError
from models.runtime.batching import Batcher, BatchOptions
from models.runtime.cuda import load_cuda
from models.runtime.providers import NAMES, GpuOptions, Provider, Shapes, chosen, say_once, with_options
from models.runtime.recorded import RecordedNetwork, free_sizes
from models.runtime.shapes import CopiesByShape, Shape, room

__all__ = ["GpuOptions", "Provider", "Session", "SessionOptions", "chunks"]

_MAX_BATCH: Final[Mapping[Provider, int]] = {"cpu": 8, "cuda": 32, "tensorrt": 8}
_GPU_WAIT_S: Final = 0.04
_GPU_SQUARE_PX: Final = 160
_CUDA_COPIES: Final = 8

Feeds = Mapping[str, NDArray[Any]]
Outputs = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a model runs. ``threads``: cores one call may use; idle threads sleep, they never spin."""

    threads: int = 1
    provider: Provider = "cpu"
    """``auto``: a GPU where there is one that works, else the CPU. Another that does not work is an error."""
    max_batch: int | None = None
    """Most pictures in one run of the network; models with a fixed batch use their own. None: 8 on the CPU and in
    TensorRT, 32 in CUDA."""
    batch_wait_s: float | None = None
    """How long a call may wait for others, to go through the network with them. 0: each goes alone. None: 0.04 on a
    GPU, 0 on the CPU, where batches gain nothing (docs/performance.md)."""
    square_px: int | None = None
    """Pictures of any form are padded to squares of so many pixels, of twice as many, of four times as many, so that
    those of several cameras share a run. 0: they are not. None: 160 on a GPU, where pixels are cheap and new shapes
    dear, 0 on the CPU."""
    copies: int | None = None
    """Of a network, one for each shape of its input, batches being filled up to powers of two. None: 8 in CUDA, which
    plans a network anew when its shape changes, 1 elsewhere."""
    records: bool | None = None
    """Whether ``record`` does. None: in CUDA."""
    gpu: GpuOptions = field(default_factory=GpuOptions)

    def __post_init__(self) -> None:
        counts = (self.threads, self.max_batch, self.copies)
        if any(count is not None and count < 1 for count in counts):
            raise ValueError("threads, max_batch and copies must be 1 or more, not {}, {} and {}".format(*counts))


class Session:
    """One loaded network. ``run`` may be called from several threads at once; each call uses the caller's thread
    and, with ``threads`` above 1, the session's own pool. Where calls are batched, a thread of the session's runs them.
    """

    def __init__(self, model: Path | bytes, options: SessionOptions | None = None, *, name: str = "model") -> None:
        """Load ``model`` (a file or its bytes). Raises ``ModelError`` when it can't be, or the provider is absent."""
        self.name = name
        self.options = options or SessionOptions()
        self.runs_on = chosen(self.options.provider)
        """The provider that really runs it, never ``auto``."""
        self.max_batch = self._max_batch()
        self._model = model
        self._session = self._load()
        if self._session.get_providers()[0] != NAMES[self.runs_on]:
            self._fall_back()
        say_once(logging.INFO, f"networks run on {NAMES[self.runs_on]}")
        self._outputs = [output.name for output in self._session.get_outputs()]
        ends = (*self._session.get_inputs(), *self._session.get_outputs())
        rows = {each.shape[0] if each.shape else None for each in ends}
        # a row of an output is a row of the input only where both dimensions have one name
        self._any_rows = len(rows) == 1 and isinstance(next(iter(rows)), str)
        copies = self.options.copies or (_CUDA_COPIES if self.runs_on == "cuda" else 1)
        self._copies = CopiesByShape(self._session, self._copy, copies) if copies > 1 else None
        self._recorded: dict[Shape, RecordedNetwork] = {}
        self._recording: Executor | None = None
        self._batcher = self._make_batcher()

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

    def padded(self, shape: tuple[int, int]) -> tuple[int, int]:
        """``(height, width)`` of the input that a picture of ``shape`` is put into, by ``square_px``."""
        step = self._square_px
        if not step:
            return shape
        side = step << (-(-max(shape) // step) - 1).bit_length()
        return side, side

    @property
    def _square_px(self) -> int:
        given = self.options.square_px
        return given if given is not None else 0 if self.runs_on == "cpu" else _GPU_SQUARE_PX

    def record(self, squares: int = 0) -> None:
        """Record how small batches run (``models/runtime/recorded.py``), of the network's own size or of the first
        ``squares`` sizes of ``padded``. To be called before the process uses CUDA otherwise."""
        wanted = self.options.records
        if not self._any_rows or not (self.runs_on == "cuda" if wanted is None else wanted):
            return
        shape = next(iter(self.inputs.values()))[1]
        sides = [self._square_px << doubled for doubled in range(squares if self._square_px else 0)]
        device = "cuda" if self.runs_on == "cuda" else "cpu"
        self._recording = ThreadPoolExecutor(1, f"{self.name} recorded")
        for sizes in free_sizes(shape, self.max_batch, sides):
            try:
                network = RecordedNetwork(self._load(sizes), device, self.options.gpu.device, self._recording)
            except Exception as error:  # noqa: BLE001 - of memory, of CUDA: what is recorded so far serves
                why = f"{error}; where the GPU is full, run fewer ingests on it or set models.records to false"
                say_once(logging.WARNING, f"{self.name}: {len(self._recorded)} shapes are recorded, no more: {why}")
                return
            self._recorded[network.shape] = network

    def run(self, feeds: Feeds) -> Outputs:
        """Outputs in the model's own order. Raises ``ModelError`` when the network fails on these inputs."""
        if self._batcher is None:
            return self._run([feeds])
        return self._batcher.ask(
            feeds, _rows(feeds), tuple((name, each.dtype, each.shape[1:]) for name, each in feeds.items())
        )

    def run_named(self, feeds: Feeds) -> dict[str, NDArray[np.float32]]:
        """Outputs by name."""
        return dict(zip(self._outputs, self.run(feeds), strict=True))

    def close(self) -> None:
        """End the threads that batch and run calls; what stands in line is answered. For those who don't keep a network
        for the life of their process."""
        if self._batcher is not None:
            self._batcher.close()
        if self._recording is not None:
            self._recording.shutdown()

    def _run(self, asked: list[Feeds]) -> Outputs:
        """One run of all that was asked."""
        feeds, rows = asked[0], 0
        if self._any_rows:
            rows = sum(_rows(each) for each in asked)
            feeds = self._joined(asked, rows)
        try:
            shape = tuple(value.shape for value in feeds.values())
            network = self._recorded.get(shape)
            if network is None:
                network = self._session if self._copies is None else self._copies.of(shape)
            outputs = list(network.run(self._outputs, dict(feeds)))
        except Exception as error:
            shapes = {name: value.shape for name, value in feeds.items()}
            raise ModelError(f"{self.name}: the network failed on inputs {shapes}: {error}") from error
        if not self._any_rows:
            return outputs
        if any(len(output) != _rows(feeds) for output in outputs):
            raise ModelError(f"{self.name}: gives {[len(o) for o in outputs]} rows for {_rows(feeds)} inputs")
        return [output[:rows] for output in outputs]

    def _joined(self, asked: list[Feeds], rows: int) -> Feeds:
        """Everyone's rows, and such of nothing as fill a batch up."""
        is_filled = self._copies is not None or self._recorded
        size = room(rows, self.max_batch) if is_filled else rows
        if len(asked) == 1 and size == rows:
            return asked[0]
        joined = {name: np.empty((size, *one.shape[1:]), one.dtype) for name, one in asked[0].items()}
        for name, whole in joined.items():
            np.concatenate([feeds[name] for feeds in asked], out=whole[:rows])
            whole[rows:] = 0
        return joined

    def _run_together(self, asked: list[Feeds]) -> list[Outputs]:
        outputs = self._run(asked)
        ends = np.cumsum([_rows(feeds) for feeds in asked])
        parts = [np.split(output, ends[:-1]) for output in outputs]
        return [list(each) for each in zip(*parts, strict=True)]

    def _make_batcher(self) -> Batcher[Feeds, Outputs] | None:
        wait_s = self.options.batch_wait_s
        if wait_s is None:
            wait_s = 0.0 if self.runs_on == "cpu" else _GPU_WAIT_S
        if wait_s <= 0 or not self._any_rows:
            return None
        return Batcher(self._run_together, BatchOptions(wait_s, self.max_batch), f"{self.name} batches")

    def _load(self, sizes: Mapping[str, int] | None = None) -> Any:
        """The network; for inputs whose free dimensions are ``sizes``, to be recorded."""
        source = self._model if isinstance(self._model, bytes) else str(self._model)
        provider, options = self.runs_on, _ort_options(self.options.threads)
        for name, size in (sizes or {}).items():
            options.add_free_dimension_override_by_name(name, size)
        available = ort.get_available_providers()
        if NAMES[provider] not in available:
            raise ModelError(
                f"{self.name}: provider {provider!r} needs {NAMES[provider]}, but this ONNX Runtime has only "
                f"{', '.join(available)}; install onnxruntime-gpu in place of onnxruntime or set the provider to cpu"
            )
        try:
            shapes: Shapes = {}
            if provider != "cpu":
                load_cuda(self.options.gpu.device)
            if provider == "tensorrt":
                plain = ort.InferenceSession(source, options, providers=[NAMES["cpu"]])
                shapes = {each.name: each.shape for each in plain.get_inputs()}
                if self.options.gpu.engines is not None:
                    self.options.gpu.engines.mkdir(parents=True, exist_ok=True)
            told = with_options(provider, self.options.gpu, self.max_batch, shapes, records=sizes is not None)
            return ort.InferenceSession(source, options, providers=told)
        except Exception as error:
            mend = "pull it again with `beket models pull`"
            if provider != "cpu":
                mend = "see what models.gpu says of the GPU, or set models.provider to cpu"
            raise ModelError(f"{self.name}: ONNX Runtime can't load it ({error}); {mend}") from error

    def _copy(self) -> Any:
        network = self._load()
        if network.get_providers()[0] != NAMES[self.runs_on]:
            raise ModelError(f"{self.name}: {NAMES[self.runs_on]} takes no more of it")
        return network

    def _fall_back(self) -> None:
        """The provider was built in but does not work here: ONNX Runtime took the CPU, with a line on stderr."""
        why = f"{NAMES[self.runs_on]} does not start here; see that the GPU's driver, CUDA and cuDNN are those it wants"
        if self.options.provider != "auto":
            raise ModelError(f"{self.name}: {why}, or set the provider to auto or cpu")
        say_once(logging.WARNING, f"networks run on the CPU: {why} (docs/performance.md)")
        self.runs_on = "cpu"
        self.max_batch = self._max_batch()

    def _max_batch(self) -> int:
        return self.options.max_batch or _MAX_BATCH[self.runs_on]


def chunks(count: int, size: int) -> Sequence[range]:
    """Consecutive ranges of at most ``size`` that cover ``range(count)``."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _rows(feeds: Feeds) -> int:
    return len(next(iter(feeds.values())))


def _ort_options(threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options

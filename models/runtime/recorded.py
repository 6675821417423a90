"""Networks on CUDA whose kernels are recorded once and launched together (a CUDA graph).

Launching a network's 200 kernels one by one takes 2 to 3 ms of CPU, whatever the picture's size, and the GPU waits in
between. Recorded, a run takes 0.25 ms of CPU and half the time (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.runtime.shapes import Shape

MOST_PX: Final = 2 * 320 * 320
"""Of all pictures of a run, up to which it is recorded: what cameras ask most. Each copy takes some 260 MB of a GPU."""
_TYPES: Final = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32, "tensor(int64)": np.int64}


class RecordedNetwork:
    """A loaded network for inputs of one shape, which stay in their place on ``device``. Safe in several threads.

    ``thread`` runs it, always the same one: ORT records anew for each thread. Making it records, where the session was
    loaded with ``enable_cuda_graph``: CUDA then refuses what other threads of the process ask of it. Raises what ONNX
    Runtime raises.
    """

    def __init__(self, session: Any, device: str, number: int, thread: Executor) -> None:
        self._session = session
        self._thread = thread
        self._binding = session.io_binding()
        self._inputs, self._outputs = (
            {
                end.name: ort.OrtValue.ortvalue_from_shape_and_type(end.shape, _TYPES[end.type], device, number)
                for end in ends
            }
            for ends in (session.get_inputs(), session.get_outputs())
        )
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self._outputs.items():
            self._binding.bind_ortvalue_output(name, value)
        thread.submit(session.run_with_iobinding, self._binding).result()

    @property
    def shape(self) -> Shape:
        """Of each input."""
        return tuple(tuple(value.shape()) for value in self._inputs.values())

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """As ``InferenceSession.run``."""
        return self._thread.submit(self._run, outputs, feeds).result()

    def _run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        for name, value in feeds.items():
            self._inputs[name].update_inplace(np.ascontiguousarray(value))
        self._session.run_with_iobinding(self._binding)
        return [np.array(self._outputs[name].numpy()) for name in outputs]


def free_sizes(shape: Sequence[int | str | None], max_rows: int, sides_px: Sequence[int]) -> Iterator[dict[str, int]]:
    """What the free dimensions of an input come to in each shape worth recording: batches filled up to powers of two,
    of squares of ``sides_px`` where more than the rows are free."""
    rows, *rest = shape
    free = [size for size in rest if not isinstance(size, int)]
    fixed_px = int(np.prod([size for size in rest if isinstance(size, int)]))
    for side in sides_px if free else (0,):
        px = side * side if free else fixed_px
        count = 1
        while count <= max_rows and count * px <= MOST_PX:
            yield {str(name): side for name in free} | {str(rows): count}
            count *= 2

"""Batches of training crops, rendered ahead by processes of their own and handed over in order."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

import cv2

from models.training.crops import CropBatch, CropMaker
from models.training.faces import font_faces

_AHEAD: Final = 12
"""Batches each process renders ahead."""
_GONE_S: Final = 300.0
"""Seconds without a batch after which the renderer is taken for dead."""


def _render(seed: int, fonts: list[Path], size: int, start: int, stride: int, out: Queue[CropBatch]) -> None:
    cv2.setNumThreads(1)
    maker = CropMaker(seed, font_faces(fonts))
    number = start
    while True:
        out.put(maker.batch(number, size))
        number += stride


class Feed:
    """Batches ``start``, ``start + 1``, ... of a ``CropMaker``, rendered by ``workers`` processes.

    The order and content depend on the seed and the fonts, not on the number of processes. Close it when done.
    """

    def __init__(self, seed: int, fonts: list[Path], size: int, start: int = 0, workers: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        self._queues: list[Queue[CropBatch]] = [context.Queue(_AHEAD) for _ in range(workers)]
        self._processes = [
            context.Process(target=_render, args=(seed, fonts, size, start + i, workers, out), daemon=True)
            for i, out in enumerate(self._queues)
        ]
        for process in self._processes:
            process.start()
        self.given = 0
        """Batches handed over."""

    def __iter__(self) -> Iterator[CropBatch]:
        while True:
            try:
                batch = self._next.get(timeout=_GONE_S)
            except queue.Empty:
                raise RuntimeError(f"no batch for {_GONE_S:.0f} s: the rendering process has ended") from None
            self.given += 1
            yield batch

    def is_ready(self) -> bool:
        """Whether the next batch waits."""
        return not self._next.empty()

    @property
    def _next(self) -> Queue[CropBatch]:
        return self._queues[self.given % len(self._queues)]

    def close(self) -> None:
        """End the rendering processes."""
        for process in self._processes:
            process.terminate()
            process.join()

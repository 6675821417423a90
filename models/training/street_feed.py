"""Batches of the detector's training pictures, composed ahead by processes of their own and handed over in order."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

import cv2
from pydantic import BaseModel, ConfigDict, Field

from models.training.faces import font_faces
from models.training.lures import read_backgrounds, read_stickers
from models.training.street import Picture, Street

_AHEAD: Final = 6
"""Batches each process composes ahead."""
_GONE_S: Final = 300.0
"""Seconds without a batch after which the composing process is taken for dead."""


class Scenery(BaseModel):
    """What pictures are composed of. Folders that a machine lacks are left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backgrounds: tuple[Path, ...] = Field(default=(), description="folders of photographs")
    most_backgrounds: int = Field(default=200, ge=0)
    stickers: tuple[Path, ...] = Field(default=(), description="folders of signs and drawings with transparency (png)")
    most_stickers: int = Field(default=600, ge=0)
    fonts: tuple[Path, ...] = Field(default=(), description="folders of fonts for plates, besides the drawn faces")
    pool: int = Field(default=1200, ge=8, description="plates drawn ahead; a quarter as many vehicles")

    def street(self, seed: int, size: int) -> Street:
        """A street of this scenery, whose pictures are ``size`` px."""
        faces = [face for folder in self.fonts for face in font_faces(sorted(folder.rglob("*.[ot]tf")))]
        grounds = read_backgrounds(self.backgrounds, self.most_backgrounds)
        stickers = read_stickers(self.stickers, self.most_stickers)
        return Street(seed, size, grounds, stickers, faces, self.pool)


def _compose(
    scenery: Scenery, seed: int, size: int, batch: int, start: int, stride: int, out: Queue[list[Picture]]
) -> None:
    cv2.setNumThreads(1)
    street = scenery.street(seed, size)
    number = start
    while True:
        out.put([street.picture(number * batch + i) for i in range(batch)])
        number += stride


class StreetFeed:
    """Batches ``start``, ``start + 1``, ... of a street, composed by ``workers`` processes. Close it when done.

    Order and content don't depend on the number of processes.
    """

    def __init__(self, scenery: Scenery, seed: int, size: int, batch: int, start: int = 0, workers: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        self._queues: list[Queue[list[Picture]]] = [context.Queue(_AHEAD) for _ in range(workers)]
        self._processes = [
            context.Process(target=_compose, args=(scenery, seed, size, batch, start + i, workers, out), daemon=True)
            for i, out in enumerate(self._queues)
        ]
        for process in self._processes:
            process.start()

    def __iter__(self) -> Iterator[list[Picture]]:
        while True:
            for out in self._queues:
                try:
                    yield out.get(timeout=_GONE_S)
                except queue.Empty:
                    raise RuntimeError(f"no batch for {_GONE_S:.0f} s: the composing process has ended") from None

    def close(self) -> None:
        """End the composing processes."""
        for process in self._processes:
            process.terminate()
            process.join()

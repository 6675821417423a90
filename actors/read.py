"""Reading plates for many cameras: crops of several callers go through the network together."""

from __future__ import annotations

from collections.abc import Sequence

from models.ports import Image, PlateReader, Reading
from models.runtime.batching import Batcher, BatchOptions


class BatchReader:
    """A ``PlateReader`` for any number of threads over one network that a single thread runs, in batches."""

    def __init__(self, reader: PlateReader, options: BatchOptions | None = None) -> None:
        self._reader = reader
        self._batcher: Batcher[Sequence[Image], list[Reading]] = Batcher(self._read, options, "reader")
        self.counts = self._batcher.counts

    @property
    def waiting(self) -> int:
        """Callers that stand in line."""
        return self._batcher.waiting

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of ``crops`` in their order; raises what the network raised on them."""
        return self._batcher.ask(crops, len(crops)) if crops else []

    def close(self) -> None:
        """Finish what is in line, then stop."""
        self._batcher.close()

    def _read(self, asked: list[Sequence[Image]]) -> list[list[Reading]]:
        readings = iter(self._reader.read([crop for crops in asked for crop in crops]))
        return [[next(readings) for _ in crops] for crops in asked]

"""Copies of a network, one for each shape of its input.

A convolution on CUDA holds a plan for the shape that it saw last, no other (ONNX Runtime's ``cuda/nn/conv.cc`` and its
issue 23006): a network whose shape changes from run to run plans them all each time, some 100 ms of CPU.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from models.errors import ModelError

Shape = tuple[tuple[int, ...], ...]
"""Of each input."""

_log = logging.getLogger(__name__)


class CopiesByShape:
    """At most ``most`` loaded networks, ``first`` among them. Safe in several threads."""

    def __init__(self, first: Any, load: Callable[[], Any], most: int) -> None:
        self._load = load
        self._most = most
        self._kept: dict[Shape, Any] = {(): first}
        """The longest unused first; () until one has run."""
        self._choosing = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, shape: Shape) -> Any:
        """The copy that is for ``shape``. One that is new gets the longest unused when there are enough."""
        with self._choosing:
            network = self._kept.pop(shape, None) or self._kept.pop((), None) or self._another()
            self._kept[shape] = network
            return network

    def _another(self) -> Any:
        if len(self._kept) < self._most:
            try:
                return self._load()
            except ModelError as error:  # as a GPU's memory ends
                self._most = len(self._kept)
                _log.warning("%d copies of a network must do: %s", self._most, error)
        return self._kept.pop(next(iter(self._kept)))


def room(rows: int, most: int) -> int:
    """Rows of the input into which ``rows`` are put, so that few shapes occur: a power of two, or ``most``."""
    return max(rows, min(1 << (rows - 1).bit_length(), most))

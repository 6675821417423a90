"""How many event streams are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OpenStreams:
    """A count; it lives in the event loop's thread alone."""

    def __init__(self) -> None:
        self.open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Counts as open inside the block."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

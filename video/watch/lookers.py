"""Decoders for looks, shared: a sleeping camera holds no decoder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from video.packets.packet import StreamFormat
from video.watch.decoder import StreamDecoder

_KEPT = 8
"""Idle decoders kept for the next look: a 1080p one holds 13 MB (H.264) or 20 MB (HEVC)."""


class Lookers:
    """Sparse decoders of the formats looked at lately, each lent to one watcher at a time. Thread-safe."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._idle: list[StreamDecoder] = []
        """The one used last stands last."""
        self._lock = Lock()

    @contextmanager
    def borrowed(self, source: object, stream_format: StreamFormat) -> Iterator[StreamDecoder]:
        """A decoder that remembers no picture. Raises OpenFailed where the codec can't be decoded."""
        with self._lock:
            decoder = next((one for one in reversed(self._idle) if one.format == stream_format), None)
            if decoder is not None:
                self._idle.remove(decoder)
        if decoder is None:
            decoder = StreamDecoder(source, stream_format, sparse=True)
        try:
            yield decoder
        finally:
            decoder.forget()
            with self._lock:
                self._idle.append(decoder)
                del self._idle[: -self._kept]

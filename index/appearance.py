"""What vehicles look like as short vectors, and the index that finds the like of one. Vehicles alone, never people.

A vector lives as long as the read it belongs to: the index keeps a segment for each hour, and an hour is dropped whole.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

DIMENSIONS: Final = 192
_SCALE: Final = 250.0
"""Of the codes of a vector of length 1: the same for all, so that an inner product ranks as the cosine does."""
_LARGEST: Final = 127


def pack_appearance(vector: NDArray[np.floating]) -> bytes:
    """A vector ``(DIMENSIONS,)`` as one byte a dimension; its length is normed to 1 first. Raises ``ValueError``."""
    if vector.shape != (DIMENSIONS,):
        raise ValueError(f"an appearance has {DIMENSIONS} dimensions, not {vector.shape}")
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        raise ValueError("an appearance has a length")
    return bytes(_codes(vector / length).astype(np.int8))


def _codes(vector: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(np.clip(np.rint(vector * _SCALE), -_LARGEST, _LARGEST), np.float32)


def unpack_appearances(packed: Sequence[bytes]) -> NDArray[np.float32]:
    """Vectors ``(N, DIMENSIONS) float32`` of length 1. Raises ``ValueError`` on other bytes."""
    if any(len(one) != DIMENSIONS for one in packed):
        raise ValueError("these bytes are no packed appearance")
    whole = np.frombuffer(b"".join(packed), dtype=np.int8).reshape(len(packed), DIMENSIONS).astype(np.float32)
    return np.asarray(whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9), np.float32)


@dataclass(frozen=True, slots=True)
class Alike:
    """A vehicle that looks alike: its row in the segment, and the cosine of the two vectors."""

    row: int
    likeness: float


class AppearanceSegment:
    """The appearances of one stretch of time: exact search by cosine over 8-bit codes, a byte a dimension."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._count = len(packed)
        self._index = faiss.IndexScalarQuantizer(
            DIMENSIONS, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._lengths = np.zeros(0, np.float32)
        if packed:
            whole = np.frombuffer(b"".join(packed), dtype=np.int8).reshape(-1, DIMENSIONS).astype(np.float32)
            self._lengths = np.maximum(np.linalg.norm(whole, axis=1), 1e-9).astype(np.float32)
            self._index.add(np.ascontiguousarray(whole))

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._count * (DIMENSIONS + 4)

    def search(self, vector: NDArray[np.float32], count: int) -> list[Alike]:
        """The ``count`` most alike to ``vector (DIMENSIONS,)``, best first. The vector is rounded as the codes are."""
        if not self._count:
            return []
        # where codes were cut off at their largest, lengths differ a little: more are taken, then ranked by the cosine
        taken = min(2 * count, self._count)
        asked = _codes(vector / max(float(np.linalg.norm(vector)), 1e-9))
        products, rows = self._index.search(asked[None], taken)
        cosines = products[0] / self._lengths[rows[0]] / max(float(np.linalg.norm(asked)), 1e-9)
        order = np.argsort(-cosines)[:count]
        return [Alike(int(rows[0][n]), float(cosines[n])) for n in order]


class SegmentCache:
    """Segments by their hour, the least used dropped beyond ``most_bytes``. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._segments: OrderedDict[datetime, AppearanceSegment] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, hour: datetime) -> AppearanceSegment | None:
        with self._lock:
            found = self._segments.get(hour)
            if found is not None:
                self._segments.move_to_end(hour)
            return found

    def put(self, hour: datetime, segment: AppearanceSegment) -> None:
        with self._lock:
            self._segments[hour] = segment
            while len(self._segments) > 1 and sum(s.nbytes for s in self._segments.values()) > self._most:
                self._segments.popitem(last=False)

    def keep_only(self, hours: set[datetime]) -> None:
        """Forget the hours that the reads have forgotten."""
        with self._lock:
            for hour in [hour for hour in self._segments if hour not in hours]:
                del self._segments[hour]

    def hours(self) -> set[datetime]:
        with self._lock:
            return set(self._segments)

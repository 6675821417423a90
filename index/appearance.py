"""What vehicles look like as short vectors, and the index that finds the like of one. Vehicles alone, never people.

A vector lives as long as the read it belongs to: the index is made of segments, each of a stretch of time, and a
segment goes when its reads go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
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

    def __init__(self, packed: bytes) -> None:
        """``packed``: appearances end to end. Raises ``ValueError`` on other bytes."""
        if len(packed) % DIMENSIONS:
            raise ValueError("these bytes are no packed appearances")
        self._count = len(packed) // DIMENSIONS
        self._index = faiss.IndexScalarQuantizer(
            DIMENSIONS, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        whole = np.frombuffer(packed, dtype=np.int8).reshape(-1, DIMENSIONS).astype(np.float32)
        self._lengths = np.maximum(np.linalg.norm(whole, axis=1), 1e-9).astype(np.float32)
        if self._count:
            self._index.add(np.ascontiguousarray(whole))

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        return self._count * (DIMENSIONS + 4)

    def search(self, vector: NDArray[np.float32], count: int, wanted: NDArray[np.bool_] | None = None) -> list[Alike]:
        """The ``count`` most alike to ``vector (DIMENSIONS,)``, best first; of the rows ``wanted (N,)``, if given.

        The vector is rounded as the codes are.
        """
        parameters, among = None, self._count
        if wanted is not None and not wanted.all():
            among = int(wanted.sum())
            selector = faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))  # type: ignore[call-arg, arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        if not among:
            return []
        # where codes were cut off at their largest, lengths differ a little: more are taken, then ranked by the cosine
        taken = min(2 * count, among)
        asked = _codes(vector / max(float(np.linalg.norm(vector)), 1e-9))
        faiss.omp_set_num_threads(1)  # of the calling thread: others wait for each other longer than they help
        products, rows = self._index.search(asked[None], taken, params=parameters)
        cosines = products[0] / self._lengths[rows[0]] / max(float(np.linalg.norm(asked)), 1e-9)
        order = np.argsort(-cosines, kind="stable")[:count]
        return [Alike(int(rows[0][n]), float(cosines[n])) for n in order]


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """The time that a segment is of, and the table that it comes from."""

    since: datetime
    until: datetime
    table: str


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """A segment, and whose appearance each row is: all ``(N,)``, ``at`` in microseconds since 1970, the others numbers
    in the names beside them. ``stamp`` changes when the stretch's rows do."""

    stamp: str
    segment: AppearanceSegment
    at: NDArray[np.int64]
    camera: NDArray[np.int32]
    kind: NDArray[np.uint8]
    colour: NDArray[np.uint8]
    cameras: tuple[str, ...]
    kinds: tuple[str, ...]
    colours: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        columns = (self.at, self.camera, self.kind, self.colour)
        return self.segment.nbytes + sum(column.nbytes for column in columns) + 100 * len(self.cameras)


class LooksCache:
    """Segments by their stretch of time, at most ``most_bytes`` of them: the oldest give way. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: dict[Stretch, Looks] = {}
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        return self._nbytes

    def get(self, stretch: Stretch, stamp: str) -> Looks | None:
        """The segment of ``stretch`` as it stands at ``stamp``."""
        found = self._kept.get(stretch)
        return found if found is not None and found.stamp == stamp else None

    def put(self, stretch: Stretch, looks: Looks) -> None:
        """Keep a segment, in place of an older state of it; unless all that is kept is newer and takes the room."""
        with self._lock:
            self._drop(stretch)
            self._kept[stretch] = looks
            self._nbytes += looks.nbytes
            while self._nbytes > self._most:
                self._drop(min(self._kept))

    def keep_only(self, is_kept: Callable[[Stretch], bool]) -> None:
        """Forget what the database has forgotten."""
        with self._lock:
            for stretch in [stretch for stretch in self._kept if not is_kept(stretch)]:
                self._drop(stretch)

    def _drop(self, stretch: Stretch) -> None:
        gone = self._kept.pop(stretch, None)
        if gone is not None:
            self._nbytes -= gone.nbytes

"""Hotlist entries with whole plates as sorted columns: 40 bytes and the identifier each."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS, decode
from index.entry import Entry
from index.enumeration import pack, unpack
from index.grammar import Grammar

_MOST_SHAPES: Final = 64
_GATHERED: Final = 65_536
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LUT = np.full(256, 255, dtype=np.uint8)
_LUT[[ord(symbol) for symbol in ALPHABET[:BLANK]]] = np.arange(BLANK)
_LUT[0] = BLANK


def instant(when: datetime, what: str) -> int:
    """Microseconds since 1970 of an aware time. Raises ``ValueError`` naming ``what`` for a naive one."""
    if when.tzinfo is None:
        raise ValueError(f"{what} is {when.isoformat()}, which names no time zone: give an aware time, UTC by habit")
    return (when - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Undo ``instant``."""
    return _EPOCH + timedelta(microseconds=microseconds)


def encode_plates(plates: Sequence[str]) -> NDArray[np.uint8]:
    """Codes of whole plates ``(N, SLOTS)``. Raises ``ValueError`` naming the first plate that can't be one."""
    if not plates:
        return np.zeros((0, SLOTS), dtype=np.uint8)
    texts = np.array(plates, dtype=np.str_)
    wide = texts.dtype.itemsize // 4
    points = texts.view(np.uint32).reshape(len(plates), wide)
    codes = np.full((len(plates), max(wide, SLOTS)), BLANK, dtype=np.uint8)
    codes[:, :wide] = np.where(points < 256, _LUT[np.minimum(points, 255)], 255)
    refused = (codes == 255).any(axis=1) | (codes[:, SLOTS:] != BLANK).any(axis=1) | (codes[:, 0] == BLANK)
    if refused.any():
        plate = plates[int(np.flatnonzero(refused)[0])]
        raise ValueError(f"plate {plate!r} can't be matched: it needs 1 to {SLOTS} characters, each 0-9 or A-Z")
    return codes[:, :SLOTS]


class Categories:
    """Categories as small numbers, shared by all segments of an index."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._number: dict[str, int] = {}

    def number(self, name: str) -> int:
        found = self._number.get(name)
        if found is None:
            found = self._number[name] = len(self.names)
            self.names.append(name)
        return found


@dataclass(frozen=True, eq=False)
class Segment:
    """Entries sorted by plate; nothing but ``alive`` ever changes.

    ``packed (N,) uint64`` plates, ``since``/``until (N,) int64`` microseconds, ``category (N,) uint16``,
    ``prior (N,) float32`` the grammar's for the plate, ``ids`` and ``bounds`` the identifiers' UTF-8 end to end,
    ``hashes (N,) uint32`` of them, and ``by_hash`` the rows in their order.
    """

    packed: NDArray[np.uint64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    category: NDArray[np.uint16]
    prior: NDArray[np.float32]
    ids: NDArray[np.uint8]
    bounds: NDArray[np.uint32]
    hashes: NDArray[np.uint32]
    by_hash: NDArray[np.uint32]
    alive: NDArray[np.bool_]

    @classmethod
    def build(cls, entries: Sequence[Entry], categories: Categories, grammar: Grammar) -> Self:
        """Sort and pack entries with whole plates. Raises ``ValueError`` for a plate that can't be matched."""
        codes = encode_plates([entry.plate for entry in entries])
        ids = [entry.entry_id.encode() for entry in entries]
        return cls._sorted(
            pack(codes),
            np.fromiter(
                (instant(e.valid_from, f"valid_from of {e.entry_id}") for e in entries), np.int64, len(entries)
            ),
            np.fromiter(
                (instant(e.valid_until, f"valid_until of {e.entry_id}") for e in entries), np.int64, len(entries)
            ),
            np.fromiter((categories.number(e.category) for e in entries), np.uint16, len(entries)),
            grammar.priors(codes).astype(np.float32),
            np.frombuffer(b"".join(ids), dtype=np.uint8),
            _bounds(np.fromiter(map(len, ids), np.int64, len(ids))),
            np.fromiter(map(zlib.crc32, ids), np.uint32, len(ids)),
        )

    @classmethod
    def merge(cls, segments: Sequence[Segment]) -> Self:
        """One segment of the live entries of several."""
        rows = [np.flatnonzero(segment.alive) for segment in segments]

        def column(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(each, name)[kept] for each, kept in zip(segments, rows, strict=True)])

        blobs = [each.ids_of(kept) for each, kept in zip(segments, rows, strict=True)]
        lengths = np.concatenate([sizes for _, sizes in blobs])
        return cls._sorted(
            column("packed"),
            column("since"),
            column("until"),
            column("category"),
            column("prior"),
            np.concatenate([ids for ids, _ in blobs]),
            _bounds(lengths),
            column("hashes"),
        )

    @classmethod
    def _sorted(
        cls,
        packed: NDArray[np.uint64],
        since: NDArray[np.int64],
        until: NDArray[np.int64],
        category: NDArray[np.uint16],
        prior: NDArray[np.float32],
        ids: NDArray[np.uint8],
        bounds: NDArray[np.uint32],
        hashes: NDArray[np.uint32],
    ) -> Self:
        order = np.argsort(packed, kind="stable")
        ids, lengths = _gather(ids, bounds, order)
        hashes = hashes[order]
        return cls(
            packed[order],
            since[order],
            until[order],
            category[order],
            prior[order],
            ids,
            _bounds(lengths),
            hashes,
            np.argsort(hashes, kind="stable").astype(np.uint32),
            np.ones(len(order), dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def nbytes(self) -> int:
        """Bytes held by the columns."""
        columns = (self.packed, self.since, self.until, self.category, self.prior, self.ids, self.bounds)
        return sum(column.nbytes for column in (*columns, self.hashes, self.by_hash, self.alive))

    @cached_property
    def shapes(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Shapes of the plates, digit, letter or blank by slot: symbols ``(S, SLOTS, 37)``, highest prior ``(S,)``."""
        codes = unpack(self.packed)
        keys = np.array([0] * 10 + [1] * 26 + [2])[codes] @ (3 ** np.arange(SLOTS))
        kinds = np.unique(keys)
        if len(kinds) > _MOST_SHAPES:
            keys = (codes != BLANK).sum(axis=1)
            kinds = np.unique(keys)
        masks = np.zeros((len(kinds), SLOTS, len(ALPHABET)), dtype=bool)
        priors = np.zeros(len(kinds))
        for number, kind in enumerate(kinds):
            rows = np.flatnonzero(keys == kind)
            priors[number] = self.prior[rows].max()
            for slot in range(SLOTS):
                masks[number, slot, np.unique(codes[rows, slot])] = True
        return masks, priors

    def raw_id(self, row: int) -> bytes:
        return self.ids[self.bounds[row] : self.bounds[row + 1]].tobytes()

    def ids_of(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The identifiers of rows end to end, and the length of each."""
        return _gather(self.ids, self.bounds, rows)

    def find(self, entry_id: str) -> int | None:
        """Row of a live entry."""
        raw = entry_id.encode()
        wanted = zlib.crc32(raw)
        at = bisect_left(self.by_hash, wanted, key=lambda row: int(self.hashes[row]))
        while at < len(self.by_hash):
            row = int(self.by_hash[at])
            if self.hashes[row] != wanted:
                return None
            if self.alive[row] and self.raw_id(row) == raw:
                return row
            at += 1
        return None

    def rows_of(self, packed: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of these plates are in the segment: pairs of a position in ``packed`` and a row."""
        if not len(self.packed):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        low = np.searchsorted(self.packed, packed)
        asked = np.flatnonzero(self.packed[np.minimum(low, len(self.packed) - 1)] == packed)
        first = low[asked]
        count = np.searchsorted(self.packed, packed[asked], side="right") - first
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(asked, count), np.repeat(first, count) + within

    def entry(self, row: int, categories: Categories) -> Entry:
        """The entry of a row, made anew."""
        return Entry(
            entry_id=self.raw_id(row).decode(),
            plate=decode(unpack(self.packed[row : row + 1])[0]),
            category=categories.names[self.category[row]],
            valid_from=moment(int(self.since[row])),
            valid_until=moment(int(self.until[row])),
        )


def _bounds(lengths: NDArray[np.integer]) -> NDArray[np.uint32]:
    bounds = np.zeros(len(lengths) + 1, dtype=np.uint32)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def _gather(
    ids: NDArray[np.uint8], bounds: NDArray[np.uint32], rows: NDArray[np.integer]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    starts = bounds[rows].astype(np.int64)
    lengths = bounds[rows + 1].astype(np.int64) - starts
    parts = []
    for low in range(0, len(rows), _GATHERED):
        some, size = starts[low : low + _GATHERED], lengths[low : low + _GATHERED]
        ends = np.cumsum(size)
        parts.append(ids[np.arange(size.sum()) + np.repeat(some - ends + size, size)])
    return np.concatenate(parts) if parts else ids[:0], lengths

"""The hotlist index: every live entry against a read's whole posterior, by likelihood.

For a read with text likelihood L, a listed plate x scores ``L(x) p(x) / D``: the probability that the vehicle carries
it.
``p`` is the prior of a passing vehicle (``index.traffic``), and D sums ``L p`` over every plate that the grammar can
spell, and over the plates on the list with their own, higher prior. docs/matching.md has the derivation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from index.alphabet import decode
from index.confusion import Confusion, Evidence
from index.entry import Entry, HitKind, Match
from index.enumeration import likely_texts, pack, unpack
from index.grammar import GRAMMAR, Grammar
from index.partial import PartialPlate, compile_partial, is_partial
from index.read import Posterior
from index.segment import Categories, Segment, instant
from index.traffic import FLOOR, Traffic

Floats = NDArray[np.float64]

CERTAIN: Final = 0.5
"""A hit is exact only if the entry's plate is the best text and the read gives that text at least this likelihood."""
MOST_TEXTS: Final = 50_000
"""A read that could be more texts than this is weighed against every entry instead of being spelled out."""
_SCAN_ROWS: Final = 65_536
_TIERS: Final = ((256, 1), (2_048, 8), (16_384, 8))
"""Segments below so many rows are joined when there are more than so many of them."""
_BATCH: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """One batch of reads on its way through the index."""

    evidence: Evidence
    best: NDArray[np.uint64]
    spelled: Floats
    """Probability that each of the grammar's patterns spells the text: ``(B, F)``."""
    ground: Floats
    """The grammar's part of D: ``(B,)``."""
    now: NDArray[np.int64]
    """When each vehicle was seen, as ``index.segment.instant``: ``(B,)``."""
    floor: float


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Pairs of a read and an entry's row, with L, both priors and the packed plate: each ``(P,)``."""

    reads: NDArray[np.int64]
    segment: NDArray[np.int64]
    rows: NDArray[np.int64]
    packed: NDArray[np.uint64]
    likelihood: Floats
    listed: Floats
    unlisted: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Partial:
    """An entry with a partial plate, ready to be met."""

    entry: Entry
    partial: PartialPlate
    since: int
    until: int


class HotlistIndex:
    """Live hotlist entries, ready to be met by reads. Not thread-safe: one owner at a time.

    >>> index = HotlistIndex.build(entries)
    >>> index.add([entry])                     # a few ms, at any size; replaces an entry of the same identifier
    >>> index.match([read.posterior], now=datetime.now(UTC))
    """

    def __init__(
        self,
        *,
        confusion: Confusion | None = None,
        grammar: Grammar = GRAMMAR,
        traffic: Traffic | None = None,
        most_texts: int = MOST_TEXTS,
    ) -> None:
        self.confusion = confusion or Confusion.even()
        self.grammar = grammar
        self.traffic = traffic or Traffic()
        self._most_texts = most_texts
        self._categories = Categories()
        self._segments: list[Segment] = []
        self._partials: dict[str, _Partial] = {}
        self._count = 0

    @classmethod
    def build(
        cls,
        entries: Iterable[Entry],
        *,
        confusion: Confusion | None = None,
        grammar: Grammar = GRAMMAR,
        traffic: Traffic | None = None,
        most_texts: int = MOST_TEXTS,
    ) -> Self:
        """An index of many entries at once. Raises ``ValueError`` as ``add`` does."""
        index = cls(confusion=confusion, grammar=grammar, traffic=traffic, most_texts=most_texts)
        index.add(entries)
        return index

    def __len__(self) -> int:
        """Entries held, those out of their time included."""
        return self._count

    def __contains__(self, entry_id: str) -> bool:
        return self.get(entry_id) is not None

    @property
    def nbytes(self) -> int:
        """Bytes held for entries with whole plates."""
        return sum(segment.nbytes for segment in self._segments)

    @property
    def threshold(self) -> float:
        """The score from which ``match`` reports, where it is not told another."""
        return self.traffic.threshold(self._count)

    def get(self, entry_id: str) -> Entry | None:
        """The entry of this identifier."""
        if entry_id in self._partials:
            return self._partials[entry_id].entry
        for segment in self._segments:
            row = segment.find(entry_id)
            if row is not None:
                return segment.entry(row, self._categories)
        return None

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries; one whose identifier is known replaces what was there. All or nothing.

        Raises ``ValueError`` for a plate that can't be matched (see ``index.lookalikes.normalise`` for mending one)
        and for a time without a zone.
        """
        latest = {entry.entry_id: entry for entry in entries}
        partial = {key: self._compiled(entry) for key, entry in latest.items() if is_partial(entry.plate)}
        whole = [entry for key, entry in latest.items() if key not in partial]
        segment = Segment.build(whole, self._categories, self.grammar)
        self.remove(latest)
        self._partials.update(partial)
        self._count += len(latest)
        if len(segment):
            self._segments.append(segment)
            self._settle()

    def _compiled(self, entry: Entry) -> _Partial:
        return _Partial(
            entry,
            compile_partial(entry.plate, self.grammar.patterns),
            instant(entry.valid_from, f"valid_from of {entry.entry_id}"),
            instant(entry.valid_until, f"valid_until of {entry.entry_id}"),
        )

    def remove(self, entry_ids: Iterable[str]) -> int:
        """Take entries off; identifiers that are not held are passed over. Returns how many were."""
        removed = 0
        for entry_id in entry_ids:
            if self._partials.pop(entry_id, None) is not None:
                removed += 1
                continue
            for segment in self._segments:
                row = segment.find(entry_id)
                if row is not None:
                    segment.alive[row] = False
                    removed += 1
                    break
        self._count -= removed
        return removed

    def compact(self) -> None:
        """Merge everything into one segment and drop what was removed: seconds at 1,000,000 entries, so when idle.

        Worth it after some 100,000 changes; ``match`` stays right without it.
        """
        if self._segments:
            merged = Segment.merge(self._segments)
            self._segments = [merged] if len(merged) else []

    def _settle(self) -> None:
        """Keep segments few without ever touching a large one: the small join, a tier at a time."""
        for size, most in _TIERS:
            small = [segment for segment in self._segments if len(segment) < size]
            if len(small) > most:
                merged = Segment.merge(small)
                self._segments = [segment for segment in self._segments if len(segment) >= size]
                if len(merged):
                    self._segments.append(merged)

    def match(
        self,
        posteriors: Sequence[Posterior] | NDArray[np.floating],
        now: datetime | Sequence[datetime],
        *,
        threshold: float | None = None,
        legibility: Sequence[float] | None = None,
    ) -> list[list[Match]]:
        """The entries that each read meets, likeliest first: every one that is valid and scores ``threshold`` or more.

        ``posteriors``: records, or log-probabilities ``(B, SLOTS, 37)``. ``now``: when the vehicles were seen, aware;
        one time for all, or one each.
        ``threshold``: lowest score reported, at least ``FLOOR``; by default the traffic's, for a list of this size.
        ``legibility``: the reader's own, 0-1, one each (NaN where unknown): what is hard to read is doubted more.
        """
        logs = np.asarray([p.log_probs if isinstance(p, Posterior) else p for p in posteriors])
        least = self.threshold if threshold is None else threshold
        if not FLOOR <= least < 1:
            raise ValueError(f"a threshold lies in [{FLOOR}, 1), not {least}")
        if not len(logs):
            return []
        times = [now] * len(logs) if isinstance(now, datetime) else now
        if len(times) != len(logs):
            raise ValueError(f"{len(times)} times for {len(logs)} reads")
        at = np.fromiter((instant(when, "now") for when in times), np.int64)
        legible = np.full(len(logs), np.nan) if legibility is None else np.asarray(legibility, dtype=np.float64)
        met: list[list[Match]] = []
        for start in range(0, len(logs), _BATCH):
            some = slice(start, start + _BATCH)
            met += self._match_batch(logs[some], legible[some], at[some], least)
        return met

    def _match_batch(
        self, logs: NDArray[np.floating], legibility: Floats, now: NDArray[np.int64], least: float
    ) -> list[list[Match]]:
        evidence = self.confusion.evidence(logs, legibility)
        patterns = self.grammar.patterns
        spelled = evidence.class_likelihood(patterns.masks, patterns.classes)
        ground = spelled @ patterns.prior
        batch = _Batch(evidence, pack(_closed_up(logs)), spelled, ground, now, FLOOR)
        found = self._search(batch)
        total = ground + self._listed_part(found, len(logs))
        met: list[list[Match]] = [[] for _ in range(len(logs))]
        score = found.likelihood * found.listed / total[found.reads]
        for pair in np.flatnonzero(score >= least):
            read = int(found.reads[pair])
            is_exact = found.packed[pair] == batch.best[read] and found.likelihood[pair] >= CERTAIN
            entry = self._segments[found.segment[pair]].entry(int(found.rows[pair]), self._categories)
            met[read].append(Match(entry, HitKind.EXACT if is_exact else HitKind.PROBABLE, float(score[pair])))
        if self._partials:
            self._match_partials(batch, found, total, least, met)
        for matches in met:
            matches.sort(key=lambda match: (-match.score, match.entry.entry_id))
        return met

    def _search(self, batch: _Batch) -> _Found:
        """All pairs whose part in D is ``floor`` of the grammar's or more."""
        parts = []
        for number, segment in enumerate(self._segments):
            masks, priors = segment.shapes
            least = batch.floor * batch.ground[:, None] / self.traffic.listed_prior(priors)
            texts = likely_texts(batch.evidence, masks, least, self._most_texts)
            at, rows = segment.rows_of(texts.packed)
            parts.append(self._weigh(batch, number, texts.reads[at], rows))
            parts += [self._scan(batch, number, int(read)) for read in texts.crowded]
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return _Found(none, none, none, none.astype(np.uint64), *(np.zeros(0),) * 3)
        columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        return _Found(*columns)

    def _weigh(
        self, batch: _Batch, number: int, reads: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.generic], ...]:
        segment = self._segments[number]
        now = batch.now[reads]
        valid = segment.alive[rows] & (segment.since[rows] <= now) & (now < segment.until[rows])
        reads, rows = reads[valid], rows[valid]
        packed = segment.packed[rows]
        likelihood = batch.evidence.text_likelihood(reads, unpack(packed))
        unlisted = segment.prior[rows].astype(np.float64)
        listed = self.traffic.listed_prior(unlisted)
        kept = likelihood * listed >= batch.floor * batch.ground[reads]
        which = np.full(int(kept.sum()), number)
        return reads[kept], which, rows[kept], packed[kept], likelihood[kept], listed[kept], unlisted[kept]

    def _scan(self, batch: _Batch, number: int, read: int) -> tuple[NDArray[np.generic], ...]:
        """Every row of a segment: for the rare read that could be too many texts."""
        size = len(self._segments[number])
        parts = []
        for start in range(0, size, _SCAN_ROWS):
            rows = np.arange(start, min(start + _SCAN_ROWS, size))
            parts.append(self._weigh(batch, number, np.full(len(rows), read), rows))
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _listed_part(self, found: _Found, reads: int) -> Floats:
        """What D gains because plates are on the list, each plate counted once: ``(B,)``."""
        first = _first_of_each(found)
        gain = found.likelihood * (found.listed - found.unlisted)
        part: Floats = np.bincount(found.reads[first], gain[first], minlength=reads).astype(np.float64)
        return part

    def _match_partials(
        self, batch: _Batch, found: _Found, total: Floats, least: float, met: list[list[Match]]
    ) -> None:
        """Partial plates: the probability that the vehicle's plate is any of those meant, on the list or not."""
        patterns = self.grammar.patterns
        evidence = batch.evidence
        first = _first_of_each(found)
        reads, codes = found.reads[first], unpack(found.packed[first])
        gain = (found.likelihood * (found.listed - found.unlisted))[first]
        for held in self._partials.values():
            entry, partial = held.entry, held.partial
            listed = np.zeros(len(total))
            for pair in np.flatnonzero(partial.may_match(codes)):
                listed[reads[pair]] += gain[pair] * partial.matches(decode(codes[pair]))
            unlisted = np.minimum(batch.spelled[:, partial.patterns], partial.at_most(evidence)[:, None])
            bound = unlisted @ patterns.prior[partial.patterns] + listed
            possible = (bound >= least * total) & (held.since <= batch.now) & (batch.now < held.until)
            for read in np.flatnonzero(possible):
                mass = partial.likelihood(evidence, int(read), patterns) @ patterns.prior[partial.patterns]
                score = float((mass + listed[read]) / total[read])
                if score >= least:
                    text = _text(batch.best[read])
                    is_exact = partial.matches(text) and (
                        evidence.text_likelihood(np.array([read]), unpack(batch.best[read : read + 1]))[0] >= CERTAIN
                    )
                    met[read].append(Match(entry, HitKind.EXACT if is_exact else HitKind.PROBABLE, min(score, 1.0)))


def _first_of_each(found: _Found) -> NDArray[np.int64]:
    """One pair for each read and plate, however many entries name the plate."""
    order = np.lexsort((found.packed, found.reads))
    read, packed = found.reads[order], found.packed[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (read[1:] != read[:-1]) | (packed[1:] != packed[:-1])
    return order[first]


def _closed_up(logs: NDArray[np.floating]) -> NDArray[np.int64]:
    """Codes of the best texts ``(B, SLOTS)``, blanks between characters closed over."""
    codes = logs.argmax(axis=2)
    blank = codes == logs.shape[2] - 1
    order = np.argsort(blank, axis=1, kind="stable")
    closed: NDArray[np.int64] = np.take_along_axis(codes, order, axis=1)
    return closed


def _text(packed: np.uint64) -> str:
    return decode(unpack(np.array([packed], dtype=np.uint64))[0])

"""Sets of passes ranked together: by how likely each shows the plate, or the vehicle, that is sought."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from index.appearance import unpack_appearances
from index.confusion import Confusion
from storage.database import Connection
from storage.posteriors import unpack_posterior
from storage.search.cursor import Cursor, Position
from storage.search.gathering import HARD_S, allow, gather
from storage.search.likely import Likeness, certain
from storage.search.looks import LooksIndex
from storage.search.query import Query
from storage.search.sighting import Why
from storage.search.statement import Filter, described
from storage.search.weighing import weigh

RANKED: Final = 500
"""Passes that are ranked together: by their plates, and as many by their looks."""
_GATHERED_SHARE: Final = 0.6
"""Of a page's time; the rest is for weighing what was gathered."""
_PLATES_SHARE: Final = 0.4
"""Of a page's time, where looks are to be compared too."""

Key = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A pass with its rank, and why."""

    score: float
    why: Why
    row: tuple[Any, ...]
    """Of ``statement.window``."""

    @property
    def order(self) -> tuple[float, datetime, str, str]:
        return round(self.score, 9), self.row[0], self.row[1], self.row[2]

    def is_after(self, position: Position | None) -> bool:
        """Whether it comes after what a page ended with."""
        if position is None:
            return True
        last = (round(position.score or 0.0, 9), position.seen_at, position.camera_id, position.pass_id)
        return self.order < last


@dataclass(frozen=True, slots=True)
class RankedSet:
    """The passes of ``[since, ...)``, best first."""

    passes: list[Ranked]
    since: datetime


def rank(
    connection: Connection,
    query: Query,
    cameras: list[str] | None,
    at: Cursor,
    budget_s: float,
    now: datetime,
    index: LooksIndex,
    confusion: Confusion | None,
) -> RankedSet:
    """What is ranked together of the cursor's time. Raises ``DatabaseAway``."""
    began = time.monotonic()
    photo = query.photo
    looks = None if photo is None else photo.looks
    reading = certain(query.plate) if photo is None else photo.reading
    since, rows, likeness = at.since, dict[Key, tuple[Any, ...]](), None
    if reading is not None:
        likeness = Likeness(reading, confusion)
        lookup = Filter(query, cameras, likeness.texts)
        left_s = (budget_s - (time.monotonic() - began)) * (_GATHERED_SHARE if looks is None else _PLATES_SHARE)
        found = gather(connection, lookup, at.since, at.until, None, RANKED, left_s, now)
        since, rows = found.since, {row[:3]: row for row in found.rows}
    cosines: dict[Key, float] = {}
    if looks is not None:
        allow(connection, HARD_S)
        left_s = budget_s - (time.monotonic() - began)
        alike = index.search(connection, query, looks, cameras, since, at.until, RANKED, left_s)
        since = alike.since
        rows = {key: row for key, row in rows.items() if key[0] >= since}
        asked = {(key[0], key[1]) for key in rows} | alike.likeness.keys()
        allow(connection, HARD_S)
        with_looks = connection.execute(*described(query, asked), prepare=False).fetchall() if asked else []
        vectors = unpack_appearances([bytes(row[11]) for row in with_looks])
        for row, cosine in zip(with_looks, vectors @ (looks / np.linalg.norm(looks)), strict=True):
            if row[:3] in rows or (row[0], row[1]) in alike.likeness:
                rows[row[:3]] = row
                cosines[row[:3]] = round(float(cosine), 4)
    plates: dict[Key, float] = {}
    if likeness is not None:
        scores = likeness.scores([unpack_posterior(bytes(row[10])) for row in rows.values()])
        plates = dict(zip(rows, map(float, scores), strict=True))
    passes = [_ranked(query, row, plates.get(key), cosines.get(key)) for key, row in rows.items()]
    kept = [one for one in passes if one.score >= query.least and one.is_after(at.after)]
    return RankedSet(sorted(kept, key=lambda one: one.order, reverse=True), since)


def _ranked(query: Query, row: tuple[Any, ...], plate: float | None, cosine: float | None) -> Ranked:
    if query.photo is None:
        return Ranked(plate or 0.0, Why(plate=plate), row)
    known = query.photo.colour is not None and row[9] is not None
    same_colour = query.photo.colour == row[9] if known else None
    why = Why(plate=plate, appearance=None if cosine is None else max(cosine, 0.0), same_colour=same_colour)
    return Ranked(weigh(plate, cosine, same_colour), why, row)

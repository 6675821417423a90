"""Answers questions page by page, each within its time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from index.confusion import Confusion
from storage.database import Connection, Database
from storage.reads import CLOCK_LEAP, partitions_of
from storage.search.cursor import Cursor, Position
from storage.search.errors import QueryRefused
from storage.search.gathering import HARD_S, allow, gather
from storage.search.looks import LooksIndex
from storage.search.places import cameras_at
from storage.search.query import Query
from storage.search.ranked import rank
from storage.search.sighting import HitOfPass, Sighting
from storage.search.statement import Filter

MOST_ON_A_PAGE: Final = 500
BUDGET_S: Final = 0.18
"""Time that a page may take to gather; then it goes out with what was found and how far that reaches."""
_WHOLE_S: Final = 30.0
_HITS: Final = """
SELECT camera_id, pass_id, hit_id, alert_id, entry_id, kind, score FROM hits
JOIN unnest(%s::text[], %s::text[]) AS wanted (camera_id, pass_id) USING (camera_id, pass_id) ORDER BY recorded_at
"""
_CAMERAS: Final = "SELECT camera_id, name, place, latitude, longitude FROM cameras WHERE camera_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer.

    ``searched_since``: everything from there to the question's end was looked at. ``next`` goes on, if it is not the
    end: a page may be empty and still have one, where little was found in the time a page may take.
    """

    sightings: tuple[Sighting, ...]
    next: str | None
    searched_since: datetime


class Searcher:
    """Reads only, over connections of its own, a few at a time: a search never makes a writer wait for a connection.

    ``database``'s statement timeout must be longer than a page's time. Thread-safe.
    """

    def __init__(self, database: Database, confusion: Confusion | None = None) -> None:
        self._database = database
        self._confusion = confusion
        self._looks = LooksIndex(database)

    def close(self) -> None:
        """Forget what was loaded of vehicles' looks."""
        self._looks.close()

    def page(
        self,
        query: Query,
        *,
        limit: int = 50,
        cursor: str | None = None,
        budget_s: float = BUDGET_S,
        now: datetime | None = None,
    ) -> Page:
        """The passes that answer ``query``, newest first, or likeliest first where it is scored.

        Raises ``QueryRefused`` (also for a cursor of another question), ``DatabaseAway``.
        """
        if not 1 <= limit <= MOST_ON_A_PAGE:
            raise QueryRefused("limit", f"limit: 1 to {MOST_ON_A_PAGE}")
        now, began = now or datetime.now(UTC), time.monotonic()
        with self._reading() as connection:
            oldest = _oldest(connection)
            since = max(filter(None, (query.since, oldest)), default=now)
            until = min(filter(None, (query.until, now + CLOCK_LEAP)))
            at = Cursor(query.digest, since, until) if cursor is None else Cursor.decode(cursor, query.digest)
            cameras = cameras_at(connection, query.place)
            if oldest is None or cameras == [] or at.since >= at.until:
                return Page((), None, since)
            left_s = budget_s - (time.monotonic() - began)
            if query.is_scored:
                return self._ranked(connection, query, cameras, at, since, limit, left_s, now)
            found = gather(connection, Filter(query, cameras), at.since, at.until, at.after, limit, left_s, now)
            sightings = _sightings(connection, found.rows)
        following: Cursor | None = None
        if found.is_full:
            following = replace(at, after=Position(*sightings[-1].key))
        elif found.since > at.since:
            following = replace(at, until=found.since, after=None)
        return Page(tuple(sightings), None if following is None else following.encode(), found.since)

    def _ranked(
        self,
        connection: Connection,
        query: Query,
        cameras: list[str] | None,
        at: Cursor,
        since: datetime,
        limit: int,
        budget_s: float,
        now: datetime,
    ) -> Page:
        # a set that was ranked for an earlier page is gathered whole again: its order must be the same
        patience_s = _WHOLE_S if at.after is not None else budget_s
        found = rank(connection, query, cameras, at, patience_s, now, self._looks, self._confusion)
        page = found.passes[:limit]
        plain = _sightings(connection, [one.row for one in page])
        sightings = tuple(
            replace(sighting, score=one.score, why=one.why) for sighting, one in zip(plain, page, strict=True)
        )
        following: Cursor | None = None
        if len(found.passes) > limit:
            following = Cursor(at.digest, found.since, at.until, Position(*sightings[-1].key, page[-1].score))
        elif found.since > since:
            following = Cursor(at.digest, since, found.since)
        return Page(sightings, None if following is None else following.encode(), found.since)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.transaction() as connection:
            connection.execute(
                "SET TRANSACTION READ ONLY; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; "
                "SET LOCAL plan_cache_mode = force_custom_plan"
            )
            yield connection


def _oldest(connection: Connection) -> datetime | None:
    """From when on there is anything to be searched."""
    row = connection.execute("SELECT min(seen_at) FROM hits").fetchone()
    hours = partitions_of(connection, "reads").values()
    return min(filter(None, (row and row[0], *hours)), default=None)


def _sightings(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Sighting]:
    """Rows of ``window`` with their cameras' names and the hits they led to."""
    if not rows:
        return []
    allow(connection, HARD_S)  # a window's bound holds to the transaction's end
    cameras = {row[0]: row[1:] for row in connection.execute(_CAMERAS, [list({row[1] for row in rows})])}
    hits: dict[tuple[str, str], list[HitOfPass]] = {}
    for camera_id, pass_id, *hit in connection.execute(_HITS, [[row[1] for row in rows], [row[2] for row in rows]]):
        hits.setdefault((camera_id, pass_id), []).append(HitOfPass(*hit))
    found = []
    for row in rows:
        camera = cameras.get(row[1], (row[1], "", None, None))
        met = tuple(hits.get((row[1], row[2]), ()))
        found.append(Sighting(*(*row[:10], *camera, met)))
    return found

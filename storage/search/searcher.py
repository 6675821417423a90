"""Answers questions page by page, each within its time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from index.confusion import Confusion
from storage.database import Connection, Database
from storage.posteriors import unpack_posterior
from storage.reads import CLOCK_LEAP, partitions_of
from storage.search.cursor import Cursor, Position
from storage.search.errors import QueryRefused
from storage.search.likely import Likeness, certain
from storage.search.places import cameras_at
from storage.search.query import Query
from storage.search.sighting import HitOfPass, Sighting, Why
from storage.search.statement import Filter, window

MOST_ON_A_PAGE: Final = 500
RANKED: Final = 500
"""Passes that are ranked together; what is older comes in the next such set."""
BUDGET_S: Final = 0.2
"""Time that a page may take to gather; then it goes out with what was found and how far that reaches."""
_HARD_S: Final = 5.0
_NARROWEST: Final = timedelta(seconds=2)
_LEAST_S: Final = 0.02
_SHARE: Final = 0.6
_GROWTH: Final = ((0.02, 2.0), (0.06, 1.0), (float("inf"), 0.5))
"""How much wider the next window is where the last one took less than so many seconds."""
_TICK: Final = timedelta(microseconds=1)
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


@dataclass(frozen=True, slots=True)
class _Gathered:
    rows: list[tuple[Any, ...]]
    is_full: bool
    """There is more in the time that was searched than was asked for."""
    since: datetime


class Searcher:
    """Reads only, over connections of its own, a few at a time: a search never makes a writer wait for a connection.

    ``database``'s statement timeout must be longer than a page's time. Thread-safe.
    """

    def __init__(self, database: Database, confusion: Confusion | None = None) -> None:
        self._database = database
        self._confusion = confusion

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
        now = now or datetime.now(UTC)
        with self._reading() as connection:
            oldest = _oldest(connection)
            since = max(filter(None, (query.since, oldest)), default=now)
            until = min(filter(None, (query.until, now + CLOCK_LEAP)))
            at = Cursor(query.digest, since, until) if cursor is None else Cursor.decode(cursor, query.digest)
            cameras = cameras_at(connection, query.place)
            if oldest is None or cameras == [] or at.since >= at.until:
                return Page((), None, since)
            if query.is_scored:
                return self._ranked(connection, query, cameras, at, since, limit, budget_s, now)
            found = _gather(connection, Filter(query, cameras), at.since, at.until, at.after, limit, budget_s, now)
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
        likeness = Likeness(query.photo or certain(query.plate), self._confusion)
        # a set that was ranked for an earlier page is gathered whole again: its order must be the same
        patience_s = _HARD_S if at.after is not None else budget_s
        lookup = Filter(query, cameras, likeness.texts)
        found = _gather(connection, lookup, at.since, at.until, None, RANKED, patience_s, now)
        scores = likeness.scores([unpack_posterior(bytes(row[10])) for row in found.rows])
        ranked = sorted(
            (
                (float(score), row)
                for score, row in zip(scores, found.rows, strict=True)
                if score >= query.least and (at.after is None or _rank(float(score), row) < _rank_of(at.after))
            ),
            key=lambda scored: _rank(*scored),
            reverse=True,
        )
        page = ranked[:limit]
        plain = _sightings(connection, [row for _, row in page])
        sightings = tuple(
            replace(sighting, score=score, why=Why(plate=score))
            for sighting, (score, _) in zip(plain, page, strict=True)
        )
        following: Cursor | None = None
        if len(ranked) > limit:
            following = Cursor(at.digest, found.since, at.until, Position(*sightings[-1].key, page[-1][0]))
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


def _gather(
    connection: Connection,
    lookup: Filter,
    since: datetime,
    until: datetime,
    after: Position | None,
    limit: int,
    budget_s: float,
    newest: datetime,
) -> _Gathered:
    """The newest ``limit`` passes of ``[since, until)`` after the position, window by window, back through time.

    Windows grow while they cost little and shrink when they cost much. One at least is finished, whatever it takes.
    """
    began = time.monotonic()
    rows: list[tuple[Any, ...]] = []
    width = lookup.first_width(until - since)
    if after is not None:
        until = min(until, after.seen_at + _TICK)
    lower = max(since, min(until, newest) - width)  # of what lies in the future there is hardly anything
    has_progress = False
    while True:
        left_s = budget_s - (time.monotonic() - began)
        # a window that takes too long leaves time for a narrower one
        allowed_s = max(left_s * _SHARE, _LEAST_S) if has_progress or until - lower > _NARROWEST else _HARD_S
        started = time.monotonic()
        found = _run(connection, *window(lookup, lower, until, after, limit + 1 - len(rows)), allowed_s)
        if found is None:
            if has_progress and left_s * (1 - _SHARE) < _LEAST_S:
                return _Gathered(rows, is_full=False, since=until)
            width = max((until - lower) / 8, _NARROWEST)
            lower = max(since, until - width)
            continue
        rows += found
        if len(rows) > limit:
            return _cut(rows, limit, until if lookup.query.is_scored else since, lookup.query.is_scored)
        has_progress, until, after = True, lower, None
        if lower <= since:
            return _Gathered(rows, is_full=False, since=since)
        took_s = time.monotonic() - started
        if time.monotonic() - began >= budget_s:
            return _Gathered(rows, is_full=False, since=lower)
        width *= next(factor for limit_s, factor in _GROWTH if took_s < limit_s)
        lower = max(since, until - width)


def _cut(rows: list[tuple[Any, ...]], limit: int, since: datetime, is_set: bool) -> _Gathered:
    """A full page; a set to be ranked ends between two times, so that the next set begins where it ended."""
    if not is_set:
        return _Gathered(rows[:limit], is_full=True, since=rows[limit - 1][0])
    edge = rows[limit][0]
    kept = [row for row in rows if row[0] > edge] or rows[:limit]
    return _Gathered(kept, is_full=True, since=edge + _TICK if kept[-1][0] > edge else edge)


def _run(
    connection: Connection, statement: str, values: dict[str, Any], allowed_s: float
) -> list[tuple[Any, ...]] | None:
    """Rows, or None when the statement took longer than ``allowed_s``."""
    try:
        with connection.transaction():
            _allow(connection, allowed_s)
            return connection.execute(statement.encode(), values, prepare=False).fetchall()
    except psycopg.errors.QueryCanceled:
        return None


def _allow(connection: Connection, seconds: float) -> None:
    """Let each of the transaction's next statements take so long."""
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(max(int(seconds * 1e3), 1))])


def _rank(score: float, row: tuple[Any, ...]) -> tuple[float, datetime, str, str]:
    return round(score, 9), row[0], row[1], row[2]


def _rank_of(at: Position) -> tuple[float, datetime, str, str]:
    return round(at.score or 0.0, 9), at.seen_at, at.camera_id, at.pass_id


def _oldest(connection: Connection) -> datetime | None:
    """From when on there is anything to be searched."""
    row = connection.execute("SELECT min(seen_at) FROM hits").fetchone()
    hours = partitions_of(connection, "reads").values()
    return min(filter(None, (row and row[0], *hours)), default=None)


def _sightings(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Sighting]:
    """Rows of ``window`` with their cameras' names and the hits they led to."""
    if not rows:
        return []
    _allow(connection, _HARD_S)  # a window's bound holds to the transaction's end
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

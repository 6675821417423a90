"""Passes gathered window by window, back through time, within the time of a page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from storage.database import Connection
from storage.search.cursor import Position
from storage.search.statement import Filter, window

HARD_S: Final = 5.0
"""Time that a statement without which there is no answer may take."""
TICK: Final = timedelta(microseconds=1)
_NARROWEST: Final = timedelta(seconds=2)
_LEAST_S: Final = 0.02
_SHARE: Final = 0.7
_GROWTH: Final = ((0.02, 2.0), (0.06, 1.0), (float("inf"), 0.5))
"""How much wider the next window is where the last one took less than so many seconds."""


@dataclass(frozen=True, slots=True)
class Gathered:
    rows: list[tuple[Any, ...]]
    is_full: bool
    """There is more in the time that was searched than was asked for."""
    since: datetime


def gather(
    connection: Connection,
    lookup: Filter,
    since: datetime,
    until: datetime,
    after: Position | None,
    limit: int,
    budget_s: float,
    newest: datetime,
) -> Gathered:
    """The newest ``limit`` passes of ``[since, until)`` after the position, window by window, back through time.

    Windows grow while they cost little and shrink when they cost much. One at least is finished, whatever it takes.
    """
    began = time.monotonic()
    rows: list[tuple[Any, ...]] = []
    width = lookup.first_width(until - since)
    if after is not None:
        until = min(until, after.seen_at + TICK)
    lower = max(since, min(until, newest) - width)  # of what lies in the future there is hardly anything
    has_progress = False
    while True:
        left_s = budget_s - (time.monotonic() - began)
        # a window that takes too long leaves time for a narrower one
        allowed_s = max(left_s * _SHARE, _LEAST_S) if has_progress or until - lower > _NARROWEST else HARD_S
        started = time.monotonic()
        found = _run(connection, *window(lookup, lower, until, after, limit + 1 - len(rows)), allowed_s)
        if found is None:
            if has_progress and left_s * (1 - _SHARE) < _LEAST_S:
                return Gathered(rows, is_full=False, since=until)
            width = max((until - lower) / 8, _NARROWEST)
            lower = max(since, until - width)
            continue
        rows += found
        if len(rows) > limit:
            return _cut(rows, limit, until if lookup.query.is_scored else since, lookup.query.is_scored)
        has_progress, until, after = True, lower, None
        if lower <= since:
            return Gathered(rows, is_full=False, since=since)
        took_s = time.monotonic() - started
        if time.monotonic() - began >= budget_s:
            return Gathered(rows, is_full=False, since=lower)
        width *= next(factor for limit_s, factor in _GROWTH if took_s < limit_s)
        lower = max(since, until - width)


def _cut(rows: list[tuple[Any, ...]], limit: int, since: datetime, is_set: bool) -> Gathered:
    """A full page; a set to be ranked ends between two times, so that the next set begins where it ended."""
    if not is_set:
        return Gathered(rows[:limit], is_full=True, since=rows[limit - 1][0])
    edge = rows[limit][0]
    kept = [row for row in rows if row[0] > edge] or rows[:limit]
    return Gathered(kept, is_full=True, since=edge + TICK if kept[-1][0] > edge else edge)


def _run(
    connection: Connection, statement: str, values: dict[str, Any], allowed_s: float
) -> list[tuple[Any, ...]] | None:
    """Rows, or None when the statement took longer than ``allowed_s``."""
    try:
        with connection.transaction():
            allow(connection, allowed_s)
            return connection.execute(statement.encode(), values, prepare=False).fetchall()
    except psycopg.errors.QueryCanceled:
        return None


def allow(connection: Connection, seconds: float) -> None:
    """Let each of the transaction's next statements take so long."""
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(max(int(seconds * 1e3), 1))])

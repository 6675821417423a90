"""Vehicles that look alike, among the reads still kept and the hits: segments are loaded as they are asked for.

The time of the reads is cut into stretches of ten minutes, that of the hits into days. A stretch whose rows have
changed is loaded anew, so that what comes in costs ten minutes' rows, not an hour's.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from index.appearance import AppearanceSegment, Looks, LooksCache, Stretch
from index.segment import instant, moment
from storage.database import Connection, Database
from storage.errors import StorageError
from storage.reads import partitions_of
from storage.search.query import Query

MOST_BYTES: Final = 512 * 2**20
"""Of memory that segments may take: some 2.3 million appearances. What is beyond is loaded again for each search."""
_FORGET_EVERY_S: Final = 300.0
_HOUR, _DAY, _BLOCK = timedelta(hours=1), timedelta(days=1), timedelta(days=10)
_READ_STRETCHES: Final = """
SELECT date_bin('10 minutes', seen_at, '2001-01-01T00:00Z'), count(*)::text FROM appearances
WHERE seen_at >= %s AND seen_at < %s GROUP BY 1 ORDER BY 1 DESC
"""
_HIT_STRETCHES: Final = """
SELECT date_bin('1 day', seen_at, '2001-01-01T00:00Z'), count(*) || ' ' || max(updated_at) FROM hits
WHERE appearance IS NOT NULL AND seen_at >= %s AND seen_at < %s GROUP BY 1 ORDER BY 1 DESC
"""
_LOAD: Final = """
SELECT string_agg(vector, ''::bytea),
    string_agg(int8send((extract(epoch FROM seen_at) * 1000000)::bigint), ''::bytea),
    string_agg(camera_id, chr(31)),
    string_agg(coalesce(vehicle_type, ''), chr(31)),
    string_agg(coalesce(vehicle_colour, ''), chr(31))
FROM """
_FROM: Final = {
    "reads": """appearances a JOIN reads r USING (seen_at, camera_id, pass_id)
        WHERE a.seen_at >= %(since)s AND a.seen_at < %(until)s AND r.seen_at >= %(since)s AND r.seen_at < %(until)s""",
    "hits": """(SELECT DISTINCT ON (seen_at, camera_id, pass_id) *, appearance AS vector FROM hits
        WHERE appearance IS NOT NULL AND seen_at >= %(since)s AND seen_at < %(until)s) h""",
}


@dataclass(frozen=True, slots=True)
class AlikeFound:
    """The most alike of ``[since, ...)``: cosines by instant and camera."""

    likeness: dict[tuple[datetime, str], float]
    since: datetime


class LooksIndex:
    """The index of a process: ``most_bytes`` of segments at most, none for longer than the database. Thread-safe."""

    def __init__(self, database: Database, most_bytes: int = MOST_BYTES) -> None:
        self._database = database
        self._cache = LooksCache(most_bytes)
        self._timer: threading.Timer | None = None
        self._guard = threading.Lock()
        self._closed = False

    @property
    def nbytes(self) -> int:
        return self._cache.nbytes

    def search(
        self,
        connection: Connection,
        query: Query,
        looks: NDArray[np.float32],
        cameras: list[str] | None,
        since: datetime,
        until: datetime,
        count: int,
        budget_s: float,
    ) -> AlikeFound:
        """The ``count`` passes of ``[since, until)`` most alike to ``looks (DIMENSIONS,)``, of those that answer.

        Time is walked backwards for ``budget_s``; one stretch at least is looked at. Raises ``DatabaseAway``.
        """
        ends = time.monotonic() + budget_s
        wanted = None if cameras is None else set(cameras)
        best: list[tuple[float, datetime, str]] = []
        has_looked = False
        for stretch, stamp in self._stretches(connection, query, since, until):
            if has_looked and stretch.until < until and time.monotonic() > ends:
                # what reaches further back, as a day of hits does, is looked at again with what is older
                return _found(best, stretch.until)
            held = self._cache.get(stretch, stamp) or self._load(connection, stretch, stamp)
            mask = _answering(held, query, wanted, since, until)
            found = (
                (one.likeness, moment(int(held.at[one.row])), held.cameras[held.camera[one.row]])
                for one in held.segment.search(looks, count, mask)
            )
            best = heapq.nlargest(count, [*best, *found])
            has_looked = True
        return _found(best, since)

    def forget(self) -> None:
        """Drop what the database has dropped. Done every few minutes while anything is held."""
        try:
            with self._database.transaction() as connection:
                hours = set(partitions_of(connection, "appearances").values())
                oldest_hit = _oldest_hit(connection)
        except StorageError:
            hours, oldest_hit = set(), None  # what may be gone is not held on to
        self._cache.keep_only(
            lambda stretch: (
                _hour_of(stretch.since) in hours
                if stretch.table == "reads"
                else oldest_hit is not None and stretch.until > oldest_hit
            )
        )

    def close(self) -> None:
        with self._guard:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        self._cache.keep_only(lambda _: False)

    def _stretches(
        self, connection: Connection, query: Query, since: datetime, until: datetime
    ) -> Iterator[tuple[Stretch, str]]:
        """Newest first, by their ends."""
        sources: list[Iterable[tuple[Stretch, str]]] = [_of_hits(connection, since, until)]
        if not query.is_of_hits:
            hours = sorted(partitions_of(connection, "appearances").values(), reverse=True)
            self._cache.keep_only(lambda stretch: stretch.table == "hits" or _hour_of(stretch.since) in hours)
            sources.append(_of_reads(connection, hours, since, until))
        return heapq.merge(*sources, key=lambda source: source[0].until, reverse=True)

    def _load(self, connection: Connection, stretch: Stretch, stamp: str) -> Looks:
        cursor = connection.cursor(binary=True)
        values = {"since": stretch.since, "until": stretch.until}
        row = cursor.execute((_LOAD + _FROM[stretch.table]).encode(), values, prepare=False).fetchone()
        vectors, at, cameras, kinds, colours = row if row is not None and row[0] is not None else (b"", b"", "", "", "")
        count = len(at) // 8
        camera, camera_names = _numbered(cameras, count)
        kind, kind_names = _numbered(kinds, count)
        colour, colour_names = _numbered(colours, count)
        held = Looks(
            stamp,
            AppearanceSegment(vectors),
            np.frombuffer(at, ">i8").astype(np.int64),
            camera.astype(np.int32),
            kind.astype(np.uint8),
            colour.astype(np.uint8),
            camera_names,
            kind_names,
            colour_names,
        )
        self._cache.put(stretch, held)
        self._arm()
        return held

    def _arm(self) -> None:
        with self._guard:
            if self._closed or (self._timer is not None and self._timer.is_alive()):
                return
            self._timer = threading.Timer(_FORGET_EVERY_S, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        self.forget()
        with self._guard:
            self._timer = None
        if len(self._cache):
            self._arm()


def _of_reads(
    connection: Connection, hours: Sequence[datetime], since: datetime, until: datetime
) -> Iterator[tuple[Stretch, str]]:
    for hour in hours:
        if hour < until and hour + _HOUR > since:
            for start, stamp in connection.execute(_READ_STRETCHES, [hour, hour + _HOUR]).fetchall():
                stretch = Stretch(start, start + timedelta(minutes=10), "reads")
                if stretch.since < until and stretch.until > since:
                    yield stretch, stamp


def _of_hits(connection: Connection, since: datetime, until: datetime) -> Iterator[tuple[Stretch, str]]:
    oldest = _oldest_hit(connection)
    end = until.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    while oldest is not None and end > max(oldest, since):
        for start, stamp in connection.execute(_HIT_STRETCHES, [end - _BLOCK, end]).fetchall():
            stretch = Stretch(start, start + _DAY, "hits")
            if stretch.until > since:
                yield stretch, stamp
        end -= _BLOCK


def _found(best: list[tuple[float, datetime, str]], since: datetime) -> AlikeFound:
    return AlikeFound({(at, camera): likeness for likeness, at, camera in best if at >= since}, since)


def _oldest_hit(connection: Connection) -> datetime | None:
    row = connection.execute("SELECT min(seen_at) FROM hits").fetchone()
    return None if row is None else row[0]


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _numbered(joined: str, count: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Numbers ``(N,)`` in the names beside them."""
    if not count:
        return np.zeros(0, np.int64), ()
    numbers: dict[str, int] = {}
    codes = np.fromiter((numbers.setdefault(n, len(numbers)) for n in joined.split("\x1f")), np.int64, count)
    return codes, tuple(numbers)


def _answering(
    held: Looks, query: Query, cameras: set[str] | None, since: datetime, until: datetime
) -> NDArray[np.bool_]:
    mask = (held.at >= instant(since, "since")) & (held.at < instant(until, "until"))
    for codes, names, wanted in (
        (held.camera, held.cameras, cameras),
        (held.kind, held.kinds, query.vehicle_types or None),
        (held.colour, held.colours, query.colours or None),
    ):
        if wanted is not None:
            chosen = np.array([name in wanted for name in names], bool)
            mask &= chosen[codes] if len(chosen) else False
    return np.asarray(mask, np.bool_)

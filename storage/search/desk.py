"""The desk that every search goes through: who asks says why, and it is logged before the answer goes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from index.clones import CloneRule
from index.confusion import Confusion
from storage.alerts import AlertBook, PictureKind
from storage.audit import AuditLog, Purpose
from storage.database import Database
from storage.search.errors import QueryRefused
from storage.search.query import Query
from storage.search.route import LEAST_LIKELY, MOST_STOPS, Route, require_one_vehicle, route_of
from storage.search.searcher import BUDGET_S, MOST_ON_A_PAGE, Page, Searcher
from storage.search.sighting import Sighting

MOST_EXPORTED: Final = 100_000
_EXPORT_PAGE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Export:
    """All of an answer, or its first ``limit`` lines.

    ``searched_since``: nothing older was looked at; ``is_whole`` unless there is more than was asked for.
    """

    sightings: tuple[Sighting, ...]
    searched_since: datetime
    is_whole: bool


class SearchDesk:
    """Searches, exports, draws routes and shows pictures on behalf of someone, for a reason, in a case. Thread-safe.

    Every method raises ``QueryRefused``, ``DatabaseAway``, and ``AuditUnwritten``: then nothing was answered.
    """

    def __init__(self, reading: Database, audit: AuditLog, confusion: Confusion | None = None) -> None:
        self._searcher = Searcher(reading, confusion)
        self._alerts = AlertBook(reading)
        self._audit = audit

    def close(self) -> None:
        self._searcher.close()

    def search(
        self, purpose: Purpose, query: Query, *, limit: int, cursor: str | None = None, budget_s: float = BUDGET_S
    ) -> Page:
        """One page of an answer."""
        page = self._searcher.page(query, limit=limit, cursor=cursor, budget_s=budget_s)
        details = {"query": query.as_json(), "goes_on": cursor is not None, "since": page.searched_since.isoformat()}
        self._audit.write(purpose, "search", details, results=len(page.sightings))
        return page

    def export(self, purpose: Purpose, query: Query, *, limit: int, as_: str) -> Export:
        """The first ``limit`` lines of an answer at once, to be written ``as_`` a format."""
        if not 1 <= limit <= MOST_EXPORTED:
            raise QueryRefused("limit", f"limit: 1 to {MOST_EXPORTED} lines can be exported at once")
        done = self._all(query, limit)
        self._audit.write(purpose, "export", {"query": query.as_json(), "as": as_}, results=len(done.sightings))
        return done

    def route(self, purpose: Purpose, query: Query, *, limit: int = MOST_STOPS, rule: CloneRule | None = None) -> Route:
        """The latest ``limit`` sightings of one vehicle in the order of time; ``rule`` says what it can have driven.

        Of a ranked answer, those that show it more likely than not.
        """
        if not 1 <= limit <= MOST_STOPS:
            raise QueryRefused("limit", f"limit: 1 to {MOST_STOPS} sightings make a route")
        require_one_vehicle(query)
        done = self._all(replace(query, least=max(query.least, LEAST_LIKELY)), limit)
        self._audit.write(purpose, "route", {"query": query.as_json()}, results=len(done.sightings))
        return route_of(done.sightings, done.searched_since, is_whole=done.is_whole, rule=rule or CloneRule())

    def picture(self, purpose: Purpose, hit_id: UUID, kind: PictureKind) -> bytes | None:
        """The JPEG of a hit, or None."""
        jpeg = self._alerts.hit_picture(hit_id, kind)
        self._audit.write(purpose, "picture", {"hit": str(hit_id), "kind": kind.value}, results=int(jpeg is not None))
        return jpeg

    def _all(self, query: Query, limit: int) -> Export:
        found: list[Sighting] = []
        cursor: str | None = None
        while True:
            wanted = min(limit - len(found), MOST_ON_A_PAGE)
            page = self._searcher.page(query, limit=wanted, cursor=cursor, budget_s=_EXPORT_PAGE_S)
            found += page.sightings
            cursor = page.next
            if cursor is None or len(found) >= limit:
                return Export(tuple(found), page.searched_since, is_whole=cursor is None)

"""The queue of entries that went live and are to be looked for in the reads still kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from index.entry import Entry
from storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class LookBack:
    """One look-back: the entries that went live at ``version``."""

    version: int
    asked_at: datetime
    before: datetime | None
    """The matcher knows the entries since then: later reads are its own. None before it has begun."""
    next_hour: datetime | None
    """The newest hour not searched yet."""
    reads: int
    """Searched so far."""
    hits: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class SoughtEntry:
    """An entry to be looked for; its ``valid_from`` is put before every read."""

    entry: Entry
    live_since: datetime


_COLUMNS: Final = "version, asked_at, before, next_hour, reads, hits, finished_at"
_SOUGHT: Final = """
SELECT e.entry_id, e.plate, e.category, e.valid_until, e.live_since
FROM entries e JOIN hotlists h USING (hotlist_id)
WHERE e.live_version = ANY(%(versions)s) AND e.state = 'live' AND NOT h.suspended AND e.valid_until > now()
  AND (e.regions = '{}' OR %(region)s::text IS NULL OR %(region)s = ANY(e.regions))
"""


class LookBackQueue:
    """Look-backs and how far each has come: whoever does them may die at any moment. Thread-safe.

    Methods raise ``DatabaseAway``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self) -> list[LookBack]:
        """Those not finished, by version."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM look_backs WHERE finished_at IS NULL ORDER BY version"  # noqa: S608
            ).fetchall()
        return [LookBack(*row) for row in rows]

    def newest(self, limit: int = 50) -> list[LookBack]:
        """The last ones, finished or not, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM look_backs ORDER BY version DESC LIMIT %s",  # noqa: S608
                [limit],
            ).fetchall()
        return [LookBack(*row) for row in rows]

    def entries(self, versions: Sequence[int], *, since: datetime, region: str | None = None) -> list[SoughtEntry]:
        """The entries of these look-backs that are still live, valid from ``since`` on."""
        with self._database.transaction() as connection:
            rows = connection.execute(_SOUGHT, {"versions": list(versions), "region": region}).fetchall()
        return [SoughtEntry(Entry(row[0], row[1], row[2], since, row[3]), row[4]) for row in rows]

    def begin(self, versions: Sequence[int], *, before: datetime, next_hour: datetime) -> None:
        """They are done together from here on."""
        self._set(versions, "before = %s, next_hour = %s", before, next_hour)

    def advance(self, versions: Sequence[int], *, next_hour: datetime, reads: int, hits: int) -> None:
        """An hour is searched."""
        self._set(versions, "next_hour = %s, reads = reads + %s, hits = hits + %s", next_hour, reads, hits)

    def finish(self, versions: Sequence[int], *, reads: int = 0, hits: int = 0) -> None:
        """All hours are searched."""
        self._set(versions, "finished_at = now(), reads = reads + %s, hits = hits + %s", reads, hits)

    def _set(self, versions: Sequence[int], what: str, *values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE look_backs SET {what} WHERE version = ANY(%s)",  # noqa: S608 - our own words
                [*values, list(versions)],
            )


def ask_to_look_back(connection: Connection, version: int) -> None:
    """Entries went live at ``version``: queue the look-back in the caller's transaction."""
    connection.execute("INSERT INTO look_backs (version) VALUES (%s)", [version])

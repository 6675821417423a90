"""What matchers follow: every entry that matches, then what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from index.entry import Entry
from storage.database import Connection, Database
from storage.events import ENTRIES_CHANNEL, Listener
from storage.hotlists.versions import current_version

_MATCHES: Final = (
    "e.state IN ('approved', 'live') AND NOT h.suspended AND e.valid_until > %(now)s "
    "AND (e.regions = '{}' OR %(region)s::text IS NULL OR %(region)s = ANY(e.regions))"
)
_ENTRY: Final = "e.entry_id, e.plate, e.category, e.valid_from, e.valid_until"
_FROM: Final = "FROM entries e JOIN hotlists h USING (hotlist_id)"
_LIVE: Final = f"SELECT {_ENTRY} {_FROM} WHERE {_MATCHES}"
_CHANGED: Final = f"""
SELECT {_MATCHES}, {_ENTRY} {_FROM} WHERE e.version > %(since)s
UNION ALL
SELECT {_MATCHES}, {_ENTRY} {_FROM} WHERE e.hotlist_id = ANY(%(lists)s) AND e.version <= %(since)s
"""


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """How far a matcher has followed: the version of entries, and that of each list's suspension."""

    version: int
    lists: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EntryChanges:
    """What a matcher must do to be at ``position``: take these entries in (by id), leave those out."""

    position: FeedPosition
    entries: tuple[Entry, ...]
    gone: tuple[str, ...]


class EntryFeed:
    """The entries that match in one region (everywhere when it is None). Thread-safe; methods raise ``DatabaseAway``.

    A matcher loads ``live`` once, then asks for ``changes`` since its position whenever it is woken, and every second
    in any case. An entry's beginning and end are known with it: no change needs to tell of them.
    """

    def __init__(self, database: Database, *, region: str | None = None) -> None:
        self._database = database
        self._region = region

    def live(self, *, now: datetime | None = None) -> EntryChanges:
        """All entries that match now or will from their ``valid_from``, with the position they stand at."""
        with self._database.transaction() as connection:
            position = _begin(connection)
            rows = connection.execute(_LIVE, {"now": now or datetime.now(UTC), "region": self._region}).fetchall()
        return EntryChanges(position, tuple(Entry(*row) for row in rows), ())

    def changes(self, since: FeedPosition, *, now: datetime | None = None) -> EntryChanges:
        """What changed after ``since``; nothing is skipped, whoever commits in what order."""
        with self._database.transaction() as connection:
            position = _begin(connection)
            if position == since:
                return EntryChanges(position, (), ())
            changed = [name for name, version in position.lists.items() if since.lists.get(name, 0) != version]
            rows = connection.execute(
                _CHANGED,
                {
                    "now": now or datetime.now(UTC),
                    "region": self._region,
                    "since": since.version,
                    "lists": changed,
                },
            ).fetchall()
        entries = tuple(Entry(*row[1:]) for row in rows if row[0])
        return EntryChanges(position, entries, tuple(row[1] for row in rows if not row[0]))

    def listen(self) -> Listener:
        """A listener that wakes when entries change."""
        return Listener(self._database, ENTRIES_CHANNEL)


def _begin(connection: Connection) -> FeedPosition:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.execute("SET LOCAL statement_timeout = 0")
    lists = connection.execute("SELECT hotlist_id, version FROM hotlists WHERE version > 0").fetchall()
    return FeedPosition(current_version(connection), {row[0]: row[1] for row in lists})

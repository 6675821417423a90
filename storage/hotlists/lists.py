"""Hotlists as a whole: what each is for, whose it is, and whether it matches at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from storage.database import Connection, Database
from storage.events import ENTRIES_CHANNEL
from storage.hotlists.entries import require_name
from storage.hotlists.errors import BadEntry, IllegalMove, UnknownRecord


@dataclass(frozen=True, slots=True)
class Hotlist:
    """A list, and how many of its entries match now, wait for approval, or are there at all."""

    hotlist_id: str
    name: str
    purpose: str
    owner: str
    suspended: bool
    suspended_because: str
    live: int
    drafts: int
    entries: int


_LISTS: Final = """
SELECT h.hotlist_id, h.name, h.purpose, h.owner, h.suspended, h.suspended_because,
       count(e.entry_id) FILTER (WHERE NOT h.suspended AND e.state IN ('approved', 'live') AND e.valid_from <= %(now)s
                                   AND e.valid_until > %(now)s),
       count(e.entry_id) FILTER (WHERE e.state = 'draft'), count(e.entry_id)
FROM hotlists h LEFT JOIN entries e USING (hotlist_id)
WHERE %(one)s::text IS NULL OR h.hotlist_id = %(one)s
GROUP BY h.hotlist_id ORDER BY h.hotlist_id
"""


class HotlistBook:
    """Keeps lists. Thread-safe, safe between processes; every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, hotlist_id: str, *, by: str, owner: str, purpose: str, name: str = "") -> Hotlist:
        """Begin a list. Raises ``IllegalMove`` when it is there, ``BadEntry`` without owner or purpose."""
        require_name(by)
        for field, value in (("owner", owner), ("purpose", purpose)):
            if not value.strip():
                raise BadEntry(f"{field}: empty; a list needs its {field}")
        with self._database.transaction() as connection:
            made = connection.execute(
                "INSERT INTO hotlists (hotlist_id, name, owner, purpose, changed_by) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING RETURNING 1",
                [hotlist_id, name or hotlist_id, owner, purpose, by],
            ).fetchone()
        if made is None:
            raise IllegalMove(f"the hotlist {hotlist_id} is there already: take another name")
        return self.get(hotlist_id)

    def suspend(self, hotlist_id: str, *, by: str, because: str) -> Hotlist:
        """Stop a whole list from matching, at once. Raises ``IllegalMove``, ``UnknownRecord``."""
        require_name(by)
        if not because.strip():
            raise BadEntry("because: empty; say why the list is suspended")
        return self._set(hotlist_id, suspended=True, by=by, because=because)

    def resume(self, hotlist_id: str, *, by: str) -> Hotlist:
        """Let it match again. Raises ``IllegalMove``, ``UnknownRecord``."""
        require_name(by)
        return self._set(hotlist_id, suspended=False, by=by, because="")

    def all(self) -> list[Hotlist]:
        """All lists by id."""
        return self._read(None)

    def get(self, hotlist_id: str) -> Hotlist:
        """One list. Raises ``UnknownRecord``."""
        found = self._read(hotlist_id)
        if not found:
            raise UnknownRecord(f"there is no hotlist {hotlist_id}")
        return found[0]

    def history(self, hotlist_id: str) -> list[dict[str, Any]]:
        """Every state the list was ever in, oldest first. Raises ``UnknownRecord``."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT hotlist FROM hotlist_history WHERE hotlist_id = %s ORDER BY history_id", [hotlist_id]
            ).fetchall()
        if not rows:
            raise UnknownRecord(f"there is no hotlist {hotlist_id}")
        return [row[0] for row in rows]

    def _read(self, one: str | None) -> list[Hotlist]:
        with self._database.transaction() as connection:
            rows = connection.execute(_LISTS, {"now": datetime.now(UTC), "one": one}).fetchall()
        return [Hotlist(*row) for row in rows]

    def _set(self, hotlist_id: str, *, suspended: bool, by: str, because: str) -> Hotlist:
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT suspended, changed_by FROM hotlists WHERE hotlist_id = %s FOR UPDATE", [hotlist_id]
            ).fetchone()
            if row is None:
                raise UnknownRecord(f"there is no hotlist {hotlist_id}")
            if row[0] is suspended:
                state = "suspended already" if suspended else "not suspended"
                raise IllegalMove(f"the hotlist {hotlist_id} is {state} (last changed by {row[1] or 'someone'})")
            # its own version, not the entries': a list is suspended at once, also while a large import is taken in
            connection.execute(
                "UPDATE hotlists SET (suspended, suspended_because, changed_by, version, updated_at) = "
                "(%s, %s, %s, version + 1, now()) WHERE hotlist_id = %s",
                [suspended, because, by, hotlist_id],
            )
            connection.execute("SELECT pg_notify(%s, %s)", [ENTRIES_CHANNEL, hotlist_id])
        return self.get(hotlist_id)


def put_hotlist(
    connection: Connection,
    hotlist_id: str,
    *,
    by: str,
    name: str | None = None,
    owner: str | None = None,
    purpose: str | None = None,
) -> None:
    """Make the list an import belongs to, named by its id and owned by ``by`` unless told otherwise; what is told of
    it later changes it."""
    connection.execute(
        "INSERT INTO hotlists (hotlist_id, name, owner, purpose, changed_by) VALUES (%(id)s, %(new)s, %(owned)s, "
        "%(meant)s, %(by)s) ON CONFLICT (hotlist_id) DO UPDATE SET name = coalesce(%(name)s, hotlists.name), "
        "owner = coalesce(%(owner)s, hotlists.owner), purpose = coalesce(%(purpose)s, hotlists.purpose), "
        "changed_by = excluded.changed_by "
        "WHERE (coalesce(%(name)s, hotlists.name), coalesce(%(owner)s, hotlists.owner), "
        "coalesce(%(purpose)s, hotlists.purpose)) IS DISTINCT FROM (hotlists.name, hotlists.owner, hotlists.purpose)",
        {
            "id": hotlist_id,
            "new": name or hotlist_id,
            "owned": owner or by,
            "meant": purpose or "",
            "by": by,
            "name": name,
            "owner": owner,
            "purpose": purpose,
        },
    )

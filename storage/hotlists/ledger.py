"""What watched sources gave, by content: each file is taken once, also after a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.database import Database


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file of a source and what became of it; one that failed is tried again when its content changes."""

    hotlist_id: str
    name: str
    sha256: str
    size_bytes: int
    etag: str | None
    state: str
    """``done`` or ``failed``."""
    import_id: int | None
    reason: str
    taken_at: datetime


_COLUMNS: Final = "hotlist_id, name, sha256, size_bytes, etag, state, import_id, reason, taken_at"


class SourceLedger:
    """Remembers files. Thread-safe; methods raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, hotlist_id: str, name: str, sha256: str) -> TakenFile | None:
        """The file of this very content, if it was ever taken under this name."""
        return self._one("AND name = %s AND sha256 = %s", hotlist_id, name, sha256)

    def last(self, hotlist_id: str, name: str) -> TakenFile | None:
        """What was taken last under this name."""
        return self._one("AND name = %s", hotlist_id, name)

    def put(
        self,
        hotlist_id: str,
        name: str,
        sha256: str,
        *,
        size_bytes: int,
        etag: str | None = None,
        import_id: int | None = None,
        reason: str = "",
    ) -> None:
        """Write down that it was taken as ``import_id``, or that it failed and why."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO source_files (hotlist_id, name, sha256, size_bytes, etag, state, import_id, reason) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (hotlist_id, name, sha256) DO UPDATE SET "
                "(etag, state, import_id, reason, taken_at) = "
                "(excluded.etag, excluded.state, excluded.import_id, excluded.reason, now())",
                [
                    hotlist_id,
                    name,
                    sha256,
                    size_bytes,
                    etag,
                    "failed" if import_id is None else "done",
                    import_id,
                    reason,
                ],
            )

    def list(self, hotlist_id: str | None = None, *, limit: int = 100) -> list[TakenFile]:
        """Files of one list or of all, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM source_files WHERE %(list)s::text IS NULL OR hotlist_id = %(list)s "  # noqa: S608
                "ORDER BY taken_at DESC LIMIT %(limit)s",
                {"list": hotlist_id, "limit": limit},
            ).fetchall()
        return [TakenFile(*row) for row in rows]

    def _one(self, which: str, *values: str) -> TakenFile | None:
        with self._database.transaction() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM source_files WHERE hotlist_id = %s {which} "  # noqa: S608 - our own words
                "ORDER BY taken_at DESC LIMIT 1",
                values,
            ).fetchone()
        return None if row is None else TakenFile(*row)

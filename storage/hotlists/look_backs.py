"""The queue of entries to be looked for in the reads still kept."""

from __future__ import annotations

from storage.database import Connection


def ask_to_look_back(connection: Connection, version: int) -> None:
    """Entries went live at ``version``: queue the look-back in the caller's transaction."""
    connection.execute("INSERT INTO look_backs (version) VALUES (%s)", [version])

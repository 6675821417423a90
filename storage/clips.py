"""The clips of hits: asked for, there, or lost with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from storage.alerts import MediaState, StoredClip, announce_alert
from storage.database import Connection, Database

_COLUMNS: Final = "camera_id, pass_id, state, key, sha256, size_bytes, duration_s, codec, mime, reason"


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip as it lies in the archive."""

    key: str
    sha256: str
    size_bytes: int
    duration_s: float
    codec: str
    mime: str


class ClipBook:
    """Follows each clip from asked for to ready or lost; alerts change with it. Thread-safe, safe between processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, camera_id: str, pass_id: str) -> StoredClip | None:
        """What is known of the pass's clip."""
        with self._database.transaction() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM clips WHERE camera_id = %s AND pass_id = %s",  # noqa: S608 - constants
                [camera_id, pass_id],
            ).fetchone()
        return None if row is None else StoredClip(row[0], row[1], MediaState(row[2]), *row[3:])

    def mark_ready(self, camera_id: str, pass_id: str, clip: ClipFile) -> bool:
        """The clip lies in the archive; alerts of the pass say so from now on. False when that was known.

        It may come before the hit it belongs to, and after it was given up. Raises ``DatabaseAway``.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "INSERT INTO clips (camera_id, pass_id, state, key, sha256, size_bytes, duration_s, codec, mime) "
                "VALUES (%s, %s, 'ready', %s, %s, %s, %s, %s, %s) "
                "ON CONFLICT (camera_id, pass_id) DO UPDATE SET (state, key, sha256, size_bytes, duration_s, codec, "
                "mime, reason, updated_at) = ('ready', excluded.key, excluded.sha256, excluded.size_bytes, "
                "excluded.duration_s, excluded.codec, excluded.mime, NULL, now()) "
                "WHERE clips.state <> 'ready' OR clips.sha256 <> excluded.sha256",
                [
                    camera_id,
                    pass_id,
                    clip.key,
                    clip.sha256,
                    clip.size_bytes,
                    clip.duration_s,
                    clip.codec,
                    clip.mime,
                ],
            ).rowcount
            return bool(changed) and _announce(connection, camera_id, pass_id)

    def mark_lost(self, camera_id: str, pass_id: str, reason: str) -> bool:
        """No clip will come, and why; False when the clip is there already or was given up before."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "INSERT INTO clips (camera_id, pass_id, state, reason) VALUES (%s, %s, 'lost', %s) "
                "ON CONFLICT (camera_id, pass_id) DO UPDATE SET state = 'lost', reason = excluded.reason, "
                "updated_at = now() WHERE clips.state = 'pending'",
                [camera_id, pass_id, reason],
            ).rowcount
            return bool(changed) and _announce(connection, camera_id, pass_id)

    def give_up_overdue(self, older_than_s: float, reason: str = "the clip never came") -> int:
        """Mark as lost what was asked for longer than ``older_than_s`` ago and never came; returns how many."""
        with self._database.transaction() as connection:
            overdue = connection.execute(
                "SELECT camera_id, pass_id FROM clips "
                "WHERE state = 'pending' AND asked_at < now() - make_interval(secs => %s)",
                [older_than_s],
            ).fetchall()
        return sum(self.mark_lost(camera_id, pass_id, reason) for camera_id, pass_id in overdue)


def _announce(connection: Connection, camera_id: str, pass_id: str) -> bool:
    alerts = connection.execute(
        "SELECT alert_id FROM alerts WHERE camera_id = %s AND pass_id = %s ORDER BY alert_id FOR UPDATE",
        [camera_id, pass_id],
    ).fetchall()
    for (alert_id,) in alerts:
        announce_alert(connection, "alert.updated", alert_id)
    return True

"""Alerts as operators see them: one record, its JSON, and the ways to look at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from storage.database import Connection, Database
from storage.events import append_event


class MediaState(StrEnum):
    """Where an alert's picture or clip is: still to come, there, or never to come."""

    PENDING = "pending"
    READY = "ready"
    LOST = "lost"


class PictureKind(StrEnum):
    """What a hit's picture shows: the plate alone, or the vehicle."""

    PLATE = "plate"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class StoredClip:
    """What the database knows of a clip; ``key``, ``sha256`` and ``size_bytes`` are set when it is ready."""

    camera_id: str
    pass_id: str
    state: MediaState
    key: str | None
    sha256: str | None
    size_bytes: int | None
    duration_s: float | None
    codec: str | None
    mime: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A hit put before operators, with the other sightings of the same vehicle at the same camera or crossing."""

    alert_id: UUID
    camera_id: str
    camera_name: str
    camera_place: str
    latitude: float | None
    longitude: float | None
    pass_id: str
    text: str
    characters: list[float]
    read_score: float
    score: float
    kind: str
    entry: dict[str, Any]
    country: str | None
    format: str | None
    lines: int
    vehicle_type: str | None
    closed: bool
    seen_at: datetime
    camera_at: datetime | None
    skew_s: float | None
    last_seen_at: datetime
    raised_at: datetime
    updated_at: datetime
    sightings: int
    state: str
    before_entry: bool
    """Seen before the entry went live, found by looking back: neither picture nor clip was kept."""
    pictures: list[str]
    clip_state: str | None
    clip_duration_s: float | None
    clip_codec: str | None
    clip_mime: str | None
    clip_reason: str | None
    sighted: list[dict[str, Any]]
    """The latest sightings, newest first: camera, its name, pass, time, score."""

    @property
    def picture_state(self) -> MediaState:
        """Pictures come with the hit; while the pass is not closed, one may still come."""
        if self.pictures:
            return MediaState.READY
        return MediaState.LOST if self.closed else MediaState.PENDING

    def as_json(self) -> dict[str, Any]:
        """The alert as ARCHITECTURE.md defines it."""
        return {
            "alert_id": str(self.alert_id),
            "camera": {
                "camera_id": self.camera_id,
                "name": self.camera_name,
                "place": self.camera_place,
                "latitude": self.latitude,
                "longitude": self.longitude,
            },
            "pass_id": self.pass_id,
            "text": self.text,
            "characters": [round(probability, 4) for probability in self.characters],
            "read_score": round(self.read_score, 4),
            "score": round(self.score, 4),
            "kind": self.kind,
            "entry": self.entry,
            "country": self.country,
            "format": self.format,
            "lines": self.lines,
            "vehicle_type": self.vehicle_type,
            "seen_at": self.seen_at.isoformat(),
            "camera_at": None if self.camera_at is None else self.camera_at.isoformat(),
            "skew_s": None if self.skew_s is None else round(self.skew_s, 3),
            "last_seen_at": self.last_seen_at.isoformat(),
            "raised_at": self.raised_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "sightings": self.sightings,
            "state": self.state,
            "before_entry": self.before_entry,
            "picture": {"state": self.picture_state.value, "kinds": self.pictures},
            "clip": {
                "state": self.clip_state or MediaState.LOST.value,
                "duration_s": self.clip_duration_s,
                "codec": self.clip_codec,
                "mime": self.clip_mime,
                "reason": self.clip_reason if self.clip_state else _no_clip(self.before_entry),
            },
            "sighted": self.sighted,
        }


def _no_clip(before_entry: bool) -> str:
    return "it passed before the entry" if before_entry else "no clip was asked for"


SIGHTINGS_SHOWN: Final = 20
"""An alert tells of so many sightings, the latest; it counts all."""

_ALERT: Final = f"""
SELECT a.alert_id, a.camera_id, coalesce(c.name, a.camera_id), coalesce(c.place, ''), c.latitude, c.longitude,
       a.pass_id, h.text, h.characters, h.read_score, h.score, h.kind, a.entry, h.country, h.format, h.lines,
       h.vehicle_type, h.closed, h.seen_at, h.camera_at, h.skew_s, a.last_seen_at, a.raised_at, a.updated_at,
       a.sightings, a.state,
       a.before_entry,
       ARRAY(SELECT p.kind FROM hit_pictures p
             WHERE p.camera_id = a.camera_id AND p.pass_id = a.pass_id ORDER BY p.kind),
       k.state, k.duration_s, k.codec, k.mime, k.reason,
       (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.seen_at DESC) FROM (
            SELECT o.camera_id, coalesce(oc.name, o.camera_id) AS name, o.pass_id, o.seen_at,
                   round(o.score::numeric, 4)::float8 AS score
            FROM hits o LEFT JOIN cameras oc ON oc.camera_id = o.camera_id
            WHERE o.alert_id = a.alert_id ORDER BY o.seen_at DESC LIMIT {SIGHTINGS_SHOWN}) s)
FROM alerts a
JOIN hits h ON h.camera_id = a.camera_id AND h.pass_id = a.pass_id AND h.entry_id = a.entry_id
LEFT JOIN cameras c ON c.camera_id = a.camera_id
LEFT JOIN clips k ON k.camera_id = a.camera_id AND k.pass_id = a.pass_id
"""  # noqa: S608 - a constant
_BY_ID: Final = _ALERT + "WHERE a.alert_id = %s"
_NEWEST: Final = _ALERT + "ORDER BY a.raised_at DESC, a.alert_id DESC LIMIT %s"
_OLDER: Final = (
    _ALERT  # noqa: S608 - constants
    + """WHERE (a.raised_at, a.alert_id) < (SELECT raised_at, alert_id FROM alerts WHERE alert_id = %s)
ORDER BY a.raised_at DESC, a.alert_id DESC LIMIT %s"""
)


class AlertBook:
    """Looks up alerts with their pictures and clips. Thread-safe; every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, alert_id: UUID) -> Alert | None:
        """The alert, or None where there is none of that id."""
        with self._database.transaction() as connection:
            row = connection.execute(_BY_ID, [alert_id]).fetchone()
        return None if row is None else Alert(*row)

    def newest(self, limit: int = 50, *, older_than: UUID | None = None) -> list[Alert]:
        """Alerts by the time they were raised, newest first; ``older_than`` goes on from the last one of a page."""
        with self._database.transaction() as connection:
            if older_than is None:
                rows = connection.execute(_NEWEST, [limit]).fetchall()
            else:
                rows = connection.execute(_OLDER, [older_than, limit]).fetchall()
        return [Alert(*row) for row in rows]

    def picture(self, alert_id: UUID, kind: PictureKind) -> bytes | None:
        """The JPEG that came with the alert's hit, or None."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT jpeg FROM hit_pictures JOIN alerts USING (camera_id, pass_id) "
                "WHERE alert_id = %s AND kind = %s",
                [alert_id, kind.value],
            ).fetchone()
        return None if row is None else bytes(row[0])

    def hit_picture(self, hit_id: UUID, kind: PictureKind) -> bytes | None:
        """The JPEG of the hit's own pass, or None."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT jpeg FROM hit_pictures JOIN hits USING (camera_id, pass_id) "
                "WHERE hit_id = %s AND hit_pictures.kind = %s",
                [hit_id, kind.value],
            ).fetchone()
        return None if row is None else bytes(row[0])

    def clip(self, alert_id: UUID) -> StoredClip | None:
        """The clip of the alert's pass, or None where none was asked for."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT camera_id, pass_id, clips.state, key, sha256, size_bytes, duration_s, codec, mime, reason "
                "FROM clips JOIN alerts USING (camera_id, pass_id) WHERE alert_id = %s",
                [alert_id],
            ).fetchone()
        return None if row is None else StoredClip(row[0], row[1], MediaState(row[2]), *row[3:])


def announce_alert(connection: Connection, kind: str, alert_id: UUID) -> int:
    """Write the event ``kind`` with the whole alert as the last act of the caller's transaction; returns its cursor."""
    row = connection.execute(_BY_ID, [alert_id]).fetchone()
    if row is None:
        raise LookupError(f"there is no alert {alert_id}")
    return append_event(connection, kind, Alert(*row).as_json())

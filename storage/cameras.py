"""The cameras of a region: where they stand, how to reach them, how they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from storage.database import Database
from storage.events import append_event
from storage.reads import CLOCK_LEAP
from storage.sealing import Seal, shown_url


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera as it is configured; the addresses hold its password and stay out of ``repr``."""

    camera_id: str
    name: str
    url: str = field(repr=False)
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    enabled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    """How to play the stream (transport, looping...); for the one who plays it."""
    gate_url: str | None = field(default=None, repr=False)
    """A second, smaller stream of the same view, that the gate looks at."""


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera as it may be shown to anyone: its address without user, password and query, and how it is."""

    camera_id: str
    name: str
    place: str
    latitude: float | None
    longitude: float | None
    address: str
    enabled: bool
    state: str
    reason: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class CameraImport:
    """What an import of cameras did."""

    added: int
    changed: int
    unchanged: int


_VIEW: Final = "camera_id, name, place, latitude, longitude, source_shown, enabled, state, reason, since"


class CameraBook:
    """Keeps cameras and their states. Thread-safe, safe between processes; every method may raise ``DatabaseAway``."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def put(self, cameras: Sequence[Camera]) -> CameraImport:
        """Add cameras or change those that are known, all or none. Raises ``DatabaseRefused``."""
        added = changed = 0
        with self._database.transaction() as connection:
            known = {
                row[0]: row[1:]
                for row in connection.execute(
                    "SELECT camera_id, name, place, latitude, longitude, enabled, options, source_sealed, gate_sealed "
                    "FROM cameras WHERE camera_id = ANY(%s) ORDER BY camera_id FOR UPDATE",
                    [[camera.camera_id for camera in cameras]],
                ).fetchall()
            }
            for camera in cameras:
                columns = (camera.name, camera.place, camera.latitude, camera.longitude, camera.enabled)
                before = known.get(camera.camera_id)
                if before is None:
                    added += 1
                elif (
                    before[:5] == columns
                    and before[5] == dict(camera.options)
                    and self._seal.open(before[6], camera.camera_id) == camera.url
                    and self._opened(before[7], camera.camera_id) == camera.gate_url
                ):
                    continue
                else:
                    changed += 1
                connection.execute(
                    "INSERT INTO cameras (camera_id, name, place, latitude, longitude, enabled, options, "
                    "source_sealed, source_shown, gate_sealed) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
                    "ON CONFLICT (camera_id) DO UPDATE SET (name, place, latitude, longitude, enabled, "
                    "options, source_sealed, source_shown, gate_sealed, updated_at) = (excluded.name, excluded.place, "
                    "excluded.latitude, excluded.longitude, excluded.enabled, excluded.options, "
                    "excluded.source_sealed, excluded.source_shown, excluded.gate_sealed, now())",
                    [
                        camera.camera_id,
                        *columns,
                        Jsonb(dict(camera.options)),
                        self._seal.close(camera.url, camera.camera_id),
                        shown_url(camera.url),
                        self._seal.close(camera.gate_url, _gate_owner(camera.camera_id)) if camera.gate_url else None,
                    ],
                )
        return CameraImport(added, changed, len(cameras) - added - changed)

    def remove(self, camera_id: str) -> bool:
        """Forget a camera; its hits stay. False when it was not known."""
        with self._database.transaction() as connection:
            return bool(connection.execute("DELETE FROM cameras WHERE camera_id = %s", [camera_id]).rowcount)

    def list(self) -> list[CameraView]:
        """All cameras by id, as they may be shown."""
        return list_cameras(self._database)

    def enabled(self) -> Sequence[Camera]:
        """The cameras to be played, with their addresses opened. Raises ``SealBroken`` when the key is another one."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT camera_id, name, source_sealed, place, latitude, longitude, options, gate_sealed "
                "FROM cameras WHERE enabled ORDER BY camera_id"
            ).fetchall()
        return [
            Camera(
                camera_id=row[0],
                name=row[1],
                url=self._seal.open(row[2], row[0]),
                place=row[3],
                latitude=row[4],
                longitude=row[5],
                options=row[6],
                gate_url=self._opened(row[7], row[0]),
            )
            for row in rows
        ]

    def _opened(self, gate_sealed: bytes | None, camera_id: str) -> str | None:
        return None if gate_sealed is None else self._seal.open(gate_sealed, _gate_owner(camera_id))

    def set_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> bool:
        """Write how a camera is; a change becomes a ``camera.state`` event. False when nothing changed.

        What is older than the known state (an orphan's last word, a replay) is passed over, unless that was told by a
        clock that ran ahead.
        """
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE cameras SET (state, reason, since, updated_at) = (%s, %s, %s, now()) WHERE camera_id = %s "
                "AND (state, reason) IS DISTINCT FROM (%s, %s) "
                "AND (since IS NULL OR since <= %s OR since > now() + %s)",
                [state, reason, since, camera_id, state, reason, since, CLOCK_LEAP],
            ).rowcount
            if changed:
                data = {"camera_id": camera_id, "state": state, "reason": reason, "since": since.isoformat()}
                append_event(connection, "camera.state", data)
        return bool(changed)


def _gate_owner(camera_id: str) -> str:
    return f"{camera_id} gate"


def list_cameras(database: Database) -> list[CameraView]:
    """All cameras by id, as they may be shown: for those who hold no key to the addresses. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        rows = connection.execute(f"SELECT {_VIEW} FROM cameras ORDER BY camera_id").fetchall()  # noqa: S608
    return [CameraView(*row) for row in rows]

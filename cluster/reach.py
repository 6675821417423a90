"""Reaching a region's database from another command: the running region's, or its own for a moment."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from cluster.home import Home, HomeLock
from cluster.settings import RegionSettings
from storage.cameras import CameraBook
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.sealing import Seal


@contextlib.contextmanager
def reach_database(settings: RegionSettings, home: Home) -> Iterator[Database]:
    """The region's database, migrated.

    With an embedded Postgres and no region running, it is started for the block. Raises ``RegionError``,
    ``StorageError``.
    """
    if not settings.postgres.embedded:
        with Database(settings.postgres.dsn(), connections=2) as database:
            database.migrate()
            yield database
        return
    home.make()
    running = _running_dsn(home)
    if running is not None:
        with Database(running, connections=2) as database:
            yield database
        return
    lock = HomeLock(home)
    lock.acquire()
    postgres = EmbeddedPostgres(home.postgres, port=settings.postgres.port)
    try:
        with Database(postgres.start(), connections=2) as database:
            database.migrate()
            yield database
    finally:
        postgres.stop()
        lock.release()


def camera_book(database: Database, home: Home) -> CameraBook:
    """The cameras, sealed with the region's key: from the environment, or the home's own."""
    return CameraBook(database, Seal.from_environment(home.secrets / "seal"))


def _running_dsn(home: Home) -> str | None:
    try:
        return str(json.loads(home.running.read_text())["dsn"])
    except (OSError, ValueError, KeyError):
        return None

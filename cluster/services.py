"""The stores under a region: ours, started and kept up, or the user's, waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from cluster.errors import RegionError
from cluster.home import Home
from cluster.settings import RegionSettings
from storage.archive import Archive
from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedSeaweed
from storage.errors import ArchiveAway, DatabaseAway, StorageError
from storage.s3_access import S3Access

_log = logging.getLogger("beket.region")


class Services:
    """Postgres and S3 of a region. Start and stop from one thread; ``keep_up`` from the supervising one."""

    def __init__(self, settings: RegionSettings, home: Home, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._stopping = threading.Event()
        self.postgres = (
            EmbeddedPostgres(home.postgres, port=settings.postgres.port) if settings.postgres.embedded else None
        )
        self.s3 = (
            EmbeddedSeaweed(home.s3, port=settings.s3.port, bucket=settings.s3.bucket) if settings.s3.embedded else None
        )
        self.dsn = "" if settings.postgres.embedded else settings.postgres.dsn()
        self._keys = None if settings.s3.embedded else settings.s3.keys()
        self.access: S3Access | None = None

    def start(self) -> None:
        """Bring both up side by side. Raises ``RegionError`` or a ``StorageError`` that names the way out."""
        failures: list[BaseException] = []

        def attempt(start: Callable[[], None]) -> None:
            try:
                start()
            except (StorageError, RegionError, OSError) as error:
                failures.append(error)

        other = threading.Thread(target=attempt, args=(self._start_s3,), name="start-s3")
        other.start()
        attempt(self._start_postgres)
        other.join()
        if failures:
            raise failures[0]

    def interrupt(self) -> None:
        """Stop waiting for external services. For any thread."""
        self._stopping.set()

    def keep_up(self) -> None:
        """Start again what has died."""
        for service, name in ((self.postgres, "Postgres"), (self.s3, "S3")):
            if service is None or service.is_running:
                continue
            _log.warning("embedded %s died; it is started again", name)
            try:
                service.start()
            except StorageError as error:
                _log.error("embedded %s can't be started again: %s", name, error)
            else:
                self._say(f"embedded {name} had died and was started again")

    def pids(self) -> dict[str, int]:
        found = {"postgres": self.postgres and self.postgres.pid, "s3": self.s3 and self.s3.pid}
        return {name: pid for name, pid in found.items() if pid}

    def stop(self) -> None:
        """End what is ours, Postgres last to go."""
        self.interrupt()
        for service in (self.s3, self.postgres):
            if service is not None:
                service.stop()

    def _start_postgres(self) -> None:
        if self.postgres is not None:
            self.dsn = self.postgres.start()
        else:
            database = Database(self.dsn, connections=1)
            try:
                self._wait("Postgres", lambda: database.wait_until_there(0.0), DatabaseAway)
            finally:
                database.close()
        with Database(self.dsn, connections=1) as database:
            database.migrate()

    def _start_s3(self) -> None:
        if self.s3 is not None:
            self.access = self.s3.start()
            with Archive(self.access) as archive:
                archive.ensure_bucket()
            return
        settings = self._settings.s3
        access_key, secret_key = self._keys or settings.keys()
        self.access = S3Access(
            settings.endpoint or "", access_key, secret_key, settings.bucket, settings.secure, settings.region
        )
        with Archive(self.access) as archive:
            self._wait("S3", archive.ensure_bucket, ArchiveAway)

    def _wait(self, what: str, attempt: Callable[[], None], away: type[StorageError]) -> None:
        """Try until it works; the trouble is told once, and again when it changes."""
        told = ""
        while True:
            try:
                attempt()
            except away as error:
                if str(error) != told:
                    told = str(error)
                    self._say(f"{told} (trying on)")
                if self._stopping.wait(1.0):
                    raise RegionError(f"{what} was not there; the start was given up") from None
            else:
                return

"""The stores as the API uses them, opened once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.live import EventHub
from api.settings import ApiSettings
from api.streams import OpenStreams
from cluster.photos import PhotoReader
from storage.alerts import AlertBook
from storage.archive import Archive
from storage.audit import AuditLog
from storage.database import Database
from storage.events import EventLog
from storage.s3_access import S3Access
from storage.search.desk import SearchDesk

SEARCHES_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class Stores:
    """Handles on Postgres and S3. Opening them connects to nothing: both may be away when the API starts.

    ``photos`` opens its models when the first photo comes.
    """

    database: Database
    events: EventLog
    alerts: AlertBook
    archive: Archive
    hub: EventHub
    streams: OpenStreams
    reading: Database
    """For searches alone, which may take all of its connections and no others."""
    desk: SearchDesk
    photos: PhotoReader

    @classmethod
    def open(cls, settings: ApiSettings) -> Stores:
        database = Database(settings.dsn.get_secret_value())
        events = EventLog(database)
        access = S3Access(
            settings.s3_endpoint,
            settings.s3_access_key,
            settings.s3_secret_key.get_secret_value(),
            settings.s3_bucket,
            settings.s3_secure,
            settings.s3_region,
        )
        reading = Database(settings.dsn.get_secret_value(), connections=SEARCHES_AT_ONCE)
        return cls(
            database,
            events,
            AlertBook(database),
            Archive(access),
            EventHub(events),
            OpenStreams(),
            reading,
            SearchDesk(reading, AuditLog(database)),
            PhotoReader(settings.models),
        )

    def close(self) -> None:
        self.desk.close()
        self.database.close()
        self.reading.close()
        self.archive.close()

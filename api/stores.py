"""The stores as the API uses them, opened once a process."""

from __future__ import annotations

from dataclasses import dataclass

from api.live import EventHub
from api.settings import ApiSettings
from api.streams import OpenStreams
from storage.alerts import AlertBook
from storage.database import Database
from storage.events import EventLog


@dataclass(frozen=True, slots=True)
class Stores:
    """Handles on Postgres and S3. Opening them connects to nothing: both may be away when the API starts."""

    database: Database
    events: EventLog
    alerts: AlertBook
    hub: EventHub
    streams: OpenStreams

    @classmethod
    def open(cls, settings: ApiSettings) -> Stores:
        database = Database(settings.dsn.get_secret_value())
        events = EventLog(database)
        return cls(
            database,
            events,
            AlertBook(database),
            EventHub(events),
            OpenStreams(),
        )

    def close(self) -> None:
        self.database.close()

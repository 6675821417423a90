"""What routes may ask for, as `Annotated` names."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request

from api.live import EventHub
from api.problem import Problem
from api.settings import ApiSettings
from api.stores import Stores
from api.streams import OpenStreams
from cluster.photos import PhotoReader
from storage.alerts import Alert, AlertBook, MediaState
from storage.archive import Archive
from storage.database import Database
from storage.events import EventLog
from storage.search.desk import SearchDesk


def _settings(request: Request) -> ApiSettings:
    return cast(ApiSettings, request.app.state.settings)


def _stores(request: Request) -> Stores:
    return cast(Stores, request.app.state.stores)


PRIVATE = {"Cache-Control": "private, no-store"}
"""Headers of what is evidence: it stays out of the browser's cache on disk."""

Settings = Annotated[ApiSettings, Depends(_settings)]
OpenedStores = Annotated[Stores, Depends(_stores)]


def _alerts(stores: OpenedStores) -> AlertBook:
    return stores.alerts


def _database(stores: OpenedStores) -> Database:
    return stores.database


def _archive(stores: OpenedStores) -> Archive:
    return stores.archive


def _events(stores: OpenedStores) -> EventLog:
    return stores.events


def _hub(stores: OpenedStores) -> EventHub:
    return stores.hub


def _streams(stores: OpenedStores) -> OpenStreams:
    return stores.streams


def _desk(stores: OpenedStores) -> SearchDesk:
    return stores.desk


def _photos(stores: OpenedStores) -> PhotoReader:
    return stores.photos


Alerts = Annotated[AlertBook, Depends(_alerts)]
OpenedDatabase = Annotated[Database, Depends(_database)]
Archived = Annotated[Archive, Depends(_archive)]
Events = Annotated[EventLog, Depends(_events)]
Hub = Annotated[EventHub, Depends(_hub)]
Streams = Annotated[OpenStreams, Depends(_streams)]
Desk = Annotated[SearchDesk, Depends(_desk)]
Photos = Annotated[PhotoReader, Depends(_photos)]

AlertId = Annotated[UUID, Path(description="An alert's id.")]


def _known_alert(alert_id: AlertId, alerts: Alerts) -> Alert:
    alert = alerts.get(alert_id)
    if alert is None:
        raise Problem(404, "no-such-alert", f"there is no alert {alert_id}")
    return alert


KnownAlert = Annotated[Alert, Depends(_known_alert)]


def _viewed_alert(alert: KnownAlert) -> Alert:
    """Every look at a picture or clip comes through here before a byte goes out. No trace of it is written yet."""
    return alert


ViewedAlert = Annotated[Alert, Depends(_viewed_alert)]


def require_ready(state: MediaState, what: str, reason: str | None = None) -> None:
    """Raises the problem to answer with where ``what`` is not there yet (409) or never will be (410)."""
    if state is MediaState.PENDING:
        raise Problem(409, f"{what}-pending", f"the {what} is not in the archive yet", {"Retry-After": "2"})
    if state is MediaState.LOST:
        raise Problem(410, f"{what}-lost", f"the {what} is lost: {reason or 'it never came'}")

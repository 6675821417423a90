"""`GET /health`: is the API up, and are its stores?"""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.deps import OpenedStores
from api.problem import of_storage
from api.records import Health, StoreHealth, StreamHealth
from storage.errors import StorageError

router = APIRouter(tags=["health"])


@router.get("/health")
def get_health(request: Request, stores: OpenedStores) -> Health:
    """200 whenever the API itself answers; `degraded` tells that a store is away."""
    database = _tell_database(stores)
    stream = stores.hub.state
    return Health(
        state="up" if database.state == "up" and stream.live else "degraded",
        version=request.app.version,
        database=database,
        events=StreamHealth(live=stream.live, since=stream.since, reason=stream.reason),
    )


def _tell_database(stores: OpenedStores) -> StoreHealth:
    try:
        stores.database.ping()
    except StorageError as error:
        return StoreHealth(state="down", detail=of_storage(error).detail)
    return StoreHealth(state="up")

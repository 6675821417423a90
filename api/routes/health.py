"""`GET /health`: is the API up, and are its stores?"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request

from api.deps import OpenedStores
from api.problem import of_storage
from api.records import Health, StoreHealth, StreamHealth
from storage.errors import StorageError

router = APIRouter(tags=["health"])

LONGEST_LOOK_S = 1.0
"""A store that has not answered by then is down: whoever asks for our health does not wait for it."""


@router.get("/health")
async def get_health(request: Request, stores: OpenedStores) -> Health:
    """200 whenever the API itself answers; `degraded` tells that a store is away."""
    found: dict[str, StoreHealth] = {}

    async def look(name: str, at: Callable[[], object]) -> None:
        found[name] = await _look(at)

    async with anyio.create_task_group() as looks:
        looks.start_soon(look, "database", stores.database.ping)
        looks.start_soon(look, "archive", stores.archive.check)
    stream = stores.hub.state
    is_up = stream.live and all(store.state == "up" for store in found.values())
    return Health(
        state="up" if is_up else "degraded",
        version=request.app.version,
        database=found["database"],
        archive=found["archive"],
        events=StreamHealth(live=stream.live, since=stream.since, reason=stream.reason),
    )


async def _look(at: Callable[[], object]) -> StoreHealth:
    try:
        with anyio.fail_after(LONGEST_LOOK_S):
            await to_thread.run_sync(at, abandon_on_cancel=True)
    except StorageError as error:
        return StoreHealth(state="down", detail=of_storage(error).detail)
    except TimeoutError:
        return StoreHealth(state="down", detail=f"no answer within {LONGEST_LOOK_S:.0f} s")
    return StoreHealth(state="up")

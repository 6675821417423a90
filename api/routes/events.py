"""`GET /events`: the event log as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.deps import Hub, Settings, Streams
from api.live import Follower, LogState, Reset
from api.problem import Problem, responses
from storage.events import Event

router = APIRouter(tags=["events"])

RETRY_MS = 1_000
KEEP_ALIVE = b": keep-alive\n\n"
LARGEST_CURSOR = 2**63 - 1


class EventDocument(BaseModel):
    """The `data:` of one server-sent event; its `event:` is `kind` and its `id:` is `cursor`.

    Kinds of the log: `alert.raised`, `alert.updated`, `camera.state`. Kinds of this connection alone: `stream.state`
    (first, on every change, and in every silence: whether events come as they happen, since when, and why not) and
    `stream.reset` (the log no longer holds what followed your cursor: fetch `/alerts` anew).
    """

    cursor: int | None = Field(description="Null only in a `stream.state` before the log was first seen.")
    kind: str
    at: datetime
    data: dict[str, Any]

    def encode(self) -> bytes:
        """The event on the wire. Those of the connection carry the cursor too, so that it can always be resumed."""
        identity = f"id: {self.cursor}\n" if self.cursor is not None else ""
        return f"{identity}event: {self.kind}\ndata: {self.model_dump_json()}\n\n".encode()


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events after the cursor, then live ones, without a gap or a repeat.",
            "content": {"text/event-stream": {"schema": EventDocument.model_json_schema()}},
        },
        **responses(422, 503),
    },
)
async def follow_events(
    hub: Hub,
    settings: Settings,
    streams: Streams,
    cursor: Annotated[int | None, Query(ge=0, le=LARGEST_CURSOR, description="Start after this event.")] = None,
    last_event_id: Annotated[
        str | None, Header(description="Sent by browsers when they reconnect; stands above `cursor`.")
    ] = None,
) -> StreamingResponse:
    """Follow the event log. Without a cursor it starts now."""
    start = cursor if not last_event_id else _parse_cursor(last_event_id)
    if streams.open >= settings.most_streams:
        raise Problem(503, "too-many-streams", f"{streams.open} event streams are open, the most allowed")

    async def body() -> AsyncIterator[bytes]:
        with streams.one():
            async for chunk in _encode(Follower(hub, start), settings.keep_alive_s):
                yield chunk

    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def _encode(follower: Follower, silence_s: float) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    state: LogState | None = None
    async for told in follower.steps(silence_s):
        if isinstance(told, list):
            yield b"".join(_of_log(event) for event in told)
        elif isinstance(told, Reset):
            yield _of_connection("stream.reset", follower.cursor, {})
        else:
            # in a silence: a comment for whatever stands between, and an event for the page, which can't see comments
            keep_alive = KEEP_ALIVE if told is None else b""
            state = told or state
            yield keep_alive + (_of_state(state, follower.cursor) if state is not None else b"")


def _of_log(event: Event) -> bytes:
    return EventDocument(cursor=event.cursor, kind=event.kind, at=event.at, data=event.data).encode()


def _of_state(state: LogState, cursor: int | None) -> bytes:
    told = {"live": state.live, "since": state.since.isoformat(), "reason": state.reason}
    return _of_connection("stream.state", cursor, told)


def _of_connection(kind: str, cursor: int | None, data: dict[str, Any]) -> bytes:
    return EventDocument(cursor=cursor, kind=kind, at=datetime.now(UTC), data=data).encode()


def _parse_cursor(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > LARGEST_CURSOR:
        raise Problem(422, "invalid-parameter", "Last-Event-ID is the number of the last event that was received")
    return int(text)

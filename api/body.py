"""Bodies of requests, held to a size before anyone reads them into memory."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import Problem, answer

MOST_BYTES: Final = 12 * 2**20


class BodyLimit:
    """Refuses bodies beyond ``most_bytes`` (413), those too that do not say how long they are."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        detail = f"a request's body holds {self._most} bytes at most"
        if told.isdigit() and int(told) > self._most:
            await answer(Problem(413, "body-too-large", detail))(scope, receive, send)
            return
        taken = 0

        async def receive_bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(413, detail)  # of the kind that FastAPI lets through as it is
            return message

        await self._app(scope, receive_bounded, send)

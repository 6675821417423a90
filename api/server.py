"""uvicorn with our application in it."""

from __future__ import annotations

import socket

import uvicorn

from api.app import create_app
from api.settings import ApiSettings


def listen(settings: ApiSettings) -> socket.socket:
    """A socket bound to the address of ``settings``. Raises ``OSError`` when the port is in use."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
    except OSError:
        listening.close()
        raise
    return listening


class ApiServer(uvicorn.Server):
    """Ends the event streams first when it stops: they would hold up the end for ever."""

    def __init__(self, settings: ApiSettings) -> None:
        self._app = create_app(settings)
        # No access log: it would hold every address that was asked for, and says nothing that the metrics don't.
        super().__init__(
            uvicorn.Config(
                self._app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
                lifespan="on",
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.stores.hub.end_streams()
        await super().shutdown(sockets)

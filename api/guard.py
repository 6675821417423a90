"""The door: which requests are let in at all, and the headers that every answer carries."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import Problem, answer
from api.settings import LOOPBACK

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Refuses what another site could have sent through the operator's browser.

    A page of another site can reach a server on loopback by a name that it points at 127.0.0.1 (DNS rebinding): the
    ``Host`` tells on it. It can also embed our pictures or post to us: ``Origin`` and ``Sec-Fetch-Site`` tell on that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = _refusal(Headers(scope=scope))
        if refusal is not None:
            await answer(refusal)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def _refusal(headers: Headers) -> Problem | None:
    hosts = headers.getlist("host")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    if _name_of(host) not in LOOPBACK:
        return Problem(421, "wrong-host", "this API answers to 127.0.0.1 and localhost only")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host:
        return Problem(403, "wrong-origin", "this API answers its own page only, not pages of other sites")
    is_navigation = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_navigation:
        return Problem(403, "wrong-origin", "this API answers its own page only, not pages of other sites")
    return None


def _name_of(host: str) -> str:
    """The name in a ``Host`` header, or nothing if it is malformed."""
    name, colon, port = host.partition(":")
    return name if not colon or port.isdigit() else ""

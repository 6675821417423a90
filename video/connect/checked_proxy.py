"""A proxy in this process through which FFmpeg and we reach ``https`` sources: each address is checked where it is
connected to, so that a name that changes between check and connection (DNS rebinding) leads nowhere."""

from __future__ import annotations

import asyncio
import base64
import secrets
import threading
from typing import Final

from video.connect.source import SourceUrl, checked_peer, parse_source
from video.errors import SourceRefused

_CHUNK: Final = 64 * 1024
_HEAD_S: Final = 10.0
_CONNECT_S: Final = 10.0


class CheckedProxy:
    """Speaks HTTP ``CONNECT`` on loopback, to those who know its token alone, until ``close``. A thread of its own."""

    def __init__(self, source: SourceUrl) -> None:
        self.refusal: SourceRefused | None = None
        """The last address that was not allowed."""
        self.served = 0
        """Connections made."""
        self._source = source
        token = secrets.token_urlsafe(18)
        self._expected = "basic " + base64.b64encode(f"beket:{token}".encode()).decode()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK))
        self.url = f"http://beket:{token}@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever, name="checked-proxy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            host, port = await self._asked(reader, writer)
            try:
                address = await asyncio.to_thread(self._checked, host, port)
            except SourceRefused as error:
                self.refusal = error
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(address, port), _CONNECT_S)
            far = far_writer
            self.served += 1
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = [asyncio.create_task(_pour(reader, far_writer)), asyncio.create_task(_pour(far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked sees the connection end, and says so
        finally:
            for one in (far, writer):
                if one is not None:
                    one.close()

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
        """Host and port that a client with the token wants; it may ask once without."""
        for _ in range(2):
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)).decode("latin1")
            line, *rest = head.split("\r\n")
            given = [text.partition(":")[2].strip() for text in rest if text.lower().startswith("proxy-authorization:")]
            method, target, _ = line.split(" ", 2)
            host, _, port = target.rpartition(":")
            if method != "CONNECT":
                raise ValueError("only CONNECT is spoken")
            scheme, _, login = (given or [""])[0].partition(" ")
            if secrets.compare_digest(f"{scheme.lower()} {login}", self._expected):
                return host.strip("[]"), int(port)
            writer.write(b'HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm="beket"\r\nContent-Length: 0\r\n\r\n')
            await writer.drain()
        raise ValueError("no token")

    def _checked(self, host: str, port: int) -> str:
        shown = f"[{host}]" if ":" in host else host
        try:
            return checked_peer(parse_source(f"https://{shown}:{port}/", self._source.rules))[0]
        except SourceRefused as error:
            raise SourceRefused(error.reason, self._source, f"leads to {shown}: {error.what}", error.way_out) from None


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()

"""The API as a process of its own, and a reader of its event stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import httpx

from api.server import ApiServer, listen
from api.settings import ApiSettings
from storage.s3_access import S3Access

get = partial(httpx.get, timeout=60)
"""As ``httpx.get``, with patience for a busy machine."""


@contextmanager
def serving(dsn: str, access: S3Access, **settings: Any) -> Iterator[str]:
    """The base address of a server on these stores, in a thread of this process; it is ended with the block."""
    given = ApiSettings(
        dsn=dsn,
        s3_endpoint=access.endpoint,
        s3_access_key=access.access_key,
        s3_secret_key=access.secret_key,
        s3_bucket=access.bucket,
        **{"BEKET_API_PORT": 0, "BEKET_API_KEEP_ALIVE_S": 0.3} | settings,
    )
    server = ApiServer(given)
    with listen(given) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            _wait_until_up(address)
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=60)
            assert not thread.is_alive()


@contextmanager
def serving_process(dsn: str, access: S3Access, **environment: str) -> Iterator[str]:
    """As ``serving``, in a process of its own, as a region starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "--port", "0"],
        env={
            **os.environ,
            "BEKET_DSN": dsn,
            "BEKET_S3_ENDPOINT": access.endpoint,
            "BEKET_S3_ACCESS_KEY": access.access_key,
            "BEKET_S3_SECRET_KEY": access.secret_key,
            "BEKET_S3_BUCKET": access.bucket,
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        assert told.startswith("beket api: http://"), told
        address = told.split()[-1].rstrip("/")
        _wait_until_up(address)
        yield address
    finally:
        process.terminate()
        with process.stdout:
            status = process.wait(timeout=60)
    assert status in (0, -15), status


def _wait_until_up(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            get(address + "/health").raise_for_status()
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@dataclass
class Told:
    """One server-sent event as it came."""

    id: int | None
    kind: str
    document: dict[str, Any]


@dataclass
class Reader:
    """Follows ``/events`` in a thread of its own and keeps everything that came."""

    address: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.told: list[Told] = []
        self.comments = 0
        self._news = threading.Condition()
        self._client = httpx.Client(timeout=httpx.Timeout(60))
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        try:
            with self._client.stream("GET", f"{self.address}/events{self.query}", headers=self.headers) as response:
                assert response.status_code == 200, response.read()
                fields: dict[str, str] = {}
                for line in response.iter_lines():
                    if line.startswith(":"):
                        self.comments += 1
                    elif line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    else:
                        self._take(fields)
                        fields = {}
        except (httpx.HTTPError, OSError, RuntimeError):
            pass  # cut by the test or by the server's end
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _take(self, fields: dict[str, str]) -> None:
        if "data" in fields:
            with self._news:
                number = int(fields["id"]) if "id" in fields else None
                self.told.append(Told(number, fields["event"], json.loads(fields["data"])))
                self._news.notify_all()

    @property
    def log(self) -> list[Told]:
        """Events of the log alone."""
        return [one for one in self.told if not one.kind.startswith("stream.")]

    def wait_for(self, count: int, timeout_s: float = 60) -> list[Told]:
        """The first ``count`` events of the log, waited for."""
        self.wait_until(lambda: len(self.log) >= count, timeout_s)
        return self.log

    def wait_until(self, condition: Any, timeout_s: float = 60) -> None:
        """Return when ``condition()`` holds after some event."""
        with self._news:
            assert self._news.wait_for(lambda: condition() or self._ended, timeout_s), "waited in vain"
        assert condition(), "the stream ended"

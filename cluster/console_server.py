"""The API as a process of its own: it knows Postgres and S3, and nothing of the engine."""

from __future__ import annotations

import logging
import signal
import sys
import time
import urllib.error
import urllib.request

from pydantic import TypeAdapter

from actors.networks import ModelChoice
from cluster.errors import RegionError
from cluster.home import Home
from cluster.settings import ApiSettings
from storage.embedded.ports import free_ports, is_free
from storage.embedded.process import ServerProcess
from storage.errors import EmbeddedServiceError
from storage.s3_access import S3Access

_log = logging.getLogger("beket.region")


class ConsoleServer:
    """Starts the API, sees that it answers, starts it again when it dies. From one thread."""

    def __init__(self, settings: ApiSettings, home: Home, dsn: str, access: S3Access, models: ModelChoice) -> None:
        self._settings = settings
        self._environment = {
            "BEKET_DSN": dsn,
            "BEKET_S3_ENDPOINT": access.endpoint,
            "BEKET_S3_ACCESS_KEY": access.access_key,
            "BEKET_S3_SECRET_KEY": access.secret_key,
            "BEKET_S3_BUCKET": access.bucket,
            "BEKET_S3_SECURE": "true" if access.secure else "false",
            "BEKET_S3_REGION": access.region,
            "BEKET_API_MODELS": TypeAdapter(ModelChoice).dump_json(models).decode(),
        }
        self._server = ServerProcess("the console's server", home.path / "api", stop_signal=signal.SIGTERM)
        self._port = settings.port
        self._not_before = 0.0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    @property
    def pid(self) -> int | None:
        return self._server.pid

    def start(self) -> None:
        """Begin to start; ``wait_ready`` sees it through. Raises ``RegionError`` when the port is in use."""
        self._server.claim()
        if not is_free(self._port):
            if not self._settings.next_free_port:
                require_free_port(self._port)
            (self._port,) = free_ports(1)
        self._run()

    def wait_ready(self, timeout_s: float = 180.0) -> None:
        """Return when the API answers. Raises ``RegionError`` with the end of its log."""
        try:
            self._server.wait_ready(self._answers, timeout_s)
        except EmbeddedServiceError as error:
            raise RegionError(str(error)) from None

    def keep_up(self) -> None:
        """Start it again if it has died, at most every two seconds."""
        if self._server.is_running or time.monotonic() < self._not_before:
            return
        _log.warning("the console's server died; it is started again")
        self._not_before = time.monotonic() + 2.0
        self._run()

    def stop(self) -> None:
        self._server.stop(timeout_s=8.0)

    def _run(self) -> None:
        argv = [sys.executable, "-m", "api", "--host", "127.0.0.1", "--port", str(self._port)]
        self._server.start(argv, environment=self._environment)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}health", timeout=2.0) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def require_free_port(port: int) -> None:
    """Raises ``RegionError`` when ``port`` is in use."""
    if not is_free(port):
        raise RegionError(
            f"api.port: {port} on 127.0.0.1 is in use by another program; end that one, or change api.port"
        )

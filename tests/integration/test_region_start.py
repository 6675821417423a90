"""A region that can't start says why in one line, or keeps trying, and ends in order when asked."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.engine import marked_processes, socket_folders
from cluster.home import Home
from models.supply.store import home as project_home
from tests.fixtures.region import wait_for

FREE_PORT = "api: {next_free_port: true}\n"


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("h")).make()
    home.models.symlink_to(project_home() / "models")
    yield home
    assert marked_processes(home.mark) == []
    assert socket_folders(home) == []


def up(home: Home, text: str) -> subprocess.Popen[str]:
    config = home.path / "region.yaml"
    config.write_text(f"home: {home.path}\n{text}")
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "cluster", "up", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "BEKET_REGION"},
    )


def said(process: subprocess.Popen[str], timeout_s: float = 120.0) -> str:
    _, errors = process.communicate(timeout=timeout_s)
    return errors.splitlines()[-1]


def test_a_port_in_use_is_named(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = up(home, f"api: {{port: {port}}}")
        line = said(process)
    assert f"api.port: {port} on 127.0.0.1 is in use" in line
    assert process.returncode == 1


def test_a_missing_secret_is_named_before_anything_starts(home: Home) -> None:
    process = up(home, f"{FREE_PORT}postgres: {{embedded: false, dsn_env: BEKET_TEST_NO_SUCH_VARIABLE}}")
    assert "BEKET_TEST_NO_SUCH_VARIABLE is not set" in said(process)
    assert process.returncode == 2


def test_stores_that_are_away_are_waited_for_until_ctrl_c(home: Home, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:hunter2@127.0.0.1:9/db")
    (tmp_path / "key").write_text("k")
    process = up(
        home,
        f"{FREE_PORT}postgres: {{embedded: false, dsn_file: {tmp_path}/dsn}}\n"
        f"s3: {{embedded: false, endpoint: '127.0.0.1:9', secure: false, access_key_file: {tmp_path}/key, "
        f"secret_key_file: {tmp_path}/key}}",
    )
    assert process.stderr is not None
    lines: list[str] = []

    def both() -> bool:
        lines.append(process.stderr.readline() if process.stderr else "")
        return all(any(name in line and "trying on" in line for line in lines) for name in ("Postgres", "S3"))

    wait_for(both, 120.0, "both stores are told to be away")
    process.send_signal(signal.SIGINT)
    assert "the start was given up" in said(process)
    assert process.returncode == 1
    assert "hunter2" not in "".join(lines)

"""Ray, started by us: a start that fails is cleaned up and tried again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from cluster.engine import marked_processes, socket_folder, socket_folders
from cluster.home import Home
from tests.fixtures.region import wait_for

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, threading
from pathlib import Path
from cluster.engine import Engine, EngineOptions
from cluster.errors import RegionError
from cluster.home import Home

def say(line):
    print(line, flush=True)
    input()

engine = Engine(Home(Path(sys.argv[1])), EngineOptions("test", num_cpus=1, object_store_mb=int(sys.argv[2])))
try:
    engine.start(say, threading.Event())
except RegionError as error:
    print(error, flush=True)
else:
    import ray
    print("up:", ray.is_initialized() and engine.is_alive, flush=True)
engine.stop()
"""
AGAIN = "Ray did not start; it is tried again ({} of 3)\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


@contextmanager
def started(home: Home, object_store_mb: int = 100) -> Iterator[tuple[IO[str], IO[str]]]:
    """An engine in a process of its own, which waits for a line after each try that failed."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, str(home.path), str(object_store_mb)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "BEKET_REGION"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            yield process.stdin, process.stdout
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    wait_for(lambda: not marked_processes(home.mark), 60.0, "nothing of Ray is left")


def go_on(line: IO[str]) -> None:
    line.write("\n")
    line.flush()


def test_a_start_that_failed_is_tried_again(home: Home) -> None:
    """A file lies where Ray's folder would be made."""
    stray = socket_folder(home)
    stray.write_text("")
    with started(home) as (line, said):
        assert said.readline() == AGAIN.format(2)
        go_on(line)
        assert said.readline() == "up: True\n"
    assert socket_folders(home) == [stray]
    stray.unlink()


def test_what_a_failed_start_had_begun_is_ended_and_the_last_one_is_told(home: Home) -> None:
    """More shared memory than any machine has: Ray's first process is up by then."""
    with started(home, object_store_mb=10**9) as (line, said):
        for number in (2, 3):
            assert said.readline() == AGAIN.format(number)
            assert marked_processes(home.mark) == []
            assert socket_folders(home) == []
            go_on(line)
        assert said.readline().startswith("Ray did not start: ")
    assert socket_folders(home) == []
    assert list((home.logs / "ray").glob("gcs_server*"))

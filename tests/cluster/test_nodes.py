"""A region on a Ray cluster of two nodes, both here: kinds of ingests go to marked nodes, and cameras leave a node that
died."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import psutil
import pytest

from cluster.home import Home
from storage.embedded.ports import free_ports
from storage.s3_access import S3Access
from tests.fixtures.region import CAMERAS, RunningRegion, wait_for

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]
_TRIES = 4
KINDS = "[{name: far, cameras: 1, count: 1, resource: far}, {name: near, cameras: 9, resource: near}]"


def start_node(environment: dict[str, str], *arguments: str) -> psutil.Popen | None:
    """A node of a cluster; None where it did not start: Ray gives its agents 15 s, whatever else the machine does."""
    command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus=2", "--num-gpus=0"]
    command += ["--object-store-memory=100000000", "--node-ip-address=127.0.0.1", *arguments]
    with TemporaryFile() as log:
        process = psutil.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

        def is_settled() -> bool:
            said = os.pread(log.fileno(), 1_000_000, 0)
            return process.poll() is not None or b"Ray runtime started" in said

        wait_for(is_settled, 180.0, "the node is up or gives up")
    if process.poll() is None:
        return process
    end(process)
    return None


def end(process: psutil.Popen) -> None:
    """A node's command and everything that it has begun."""
    left = [one for one in psutil.process_iter() if _session_of(one.pid) == process.pid]
    for one in left:
        one.kill()
    process.wait()
    psutil.wait_procs(left, 20.0)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@contextmanager
def node(environment: dict[str, str], *arguments: str) -> Iterator[psutil.Process]:
    """A node of a cluster; its raylet."""
    for _ in range(_TRIES):
        process = start_node(environment, *arguments)
        if process is not None:
            break
    else:
        pytest.skip("this machine is too busy for a node of Ray's to start")
    try:
        yield next(one for one in process.children(recursive=True) if one.name() == "raylet")
    finally:
        end(process)


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of the cluster and of who joins it."""
    folder = tmp_path_factory.mktemp("r")
    (folder / "token").write_text("of these tests " * 3)
    return {
        **{name: value for name, value in os.environ.items() if name != "BEKET_REGION"},
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_TMPDIR": str(folder),
        "PORT": str(free_ports(1)[0]),
        "RAY_USAGE_STATS_ENABLED": "0",
        # a node is dead after a second
        "RAY_health_check_initial_delay_ms": "0",
        "RAY_health_check_period_ms": "250",
        "RAY_health_check_failure_threshold": "4",
    }


@pytest.fixture
def region(
    environment: dict[str, str],
    dsn: str,
    s3_access: S3Access,
    region_home: Home,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningRegion]:
    """A region of two cameras, to be started on the cluster that ``ray`` names."""
    home = Home(tmp_path_factory.mktemp("n")).make()
    home.models.symlink_to(region_home.models)
    secrets = {"dsn": dsn, "access": s3_access.access_key, "secret": s3_access.secret_key}
    for name, value in secrets.items():
        (home.secrets / name).write_text(value)
    cameras = "".join(f"  - {{id: {name}, url: 'file:{region_home.roads}/road.mp4'}}\n" for name in CAMERAS)
    config = home.path / "region.yaml"
    config.write_text(
        f"region: two-nodes\nhome: {home.path}\nallow_files: true\ncameras:\n{cameras}"
        f"ray: {{address: '127.0.0.1:{environment['PORT']}', ingests: {KINDS}}}\n"
        f"postgres: {{embedded: false, dsn_file: {home.secrets}/dsn}}\n"
        f"s3: {{embedded: false, endpoint: '{s3_access.endpoint}', secure: false, bucket: {s3_access.bucket}, "
        f"access_key_file: {home.secrets}/access, secret_key_file: {home.secrets}/secret}}\n"
        "passes: {vehicle_type: false}\napi: {next_free_port: true}\n"
    )
    region = RunningRegion(home, config, environment=environment)
    yield region
    if region.is_up:
        region.stop()


def live_since(region: RunningRegion, moment: float) -> set[str]:
    """The cameras that are live, and became so after ``moment``."""
    with region.database() as database, database.transaction() as connection:
        rows = connection.execute("SELECT camera_id, since FROM cameras WHERE state = 'live'").fetchall()
    return {camera_id for camera_id, since in rows if since.timestamp() > moment}


def ingests_of(raylet: psutil.Process) -> int:
    """How many ingests run on a node."""
    return sum(one.cmdline()[:1] == ["ray::IngestActor"] for one in raylet.children(recursive=True))


def test_cameras_of_a_node_that_died_move_to_another(environment: dict[str, str], region: RunningRegion) -> None:
    port, (other,) = environment["PORT"], free_ports(1)
    head = (
        "--head",
        f"--port={port}",
        "--include-dashboard=false",
        f"--dashboard-port={other}",
        '--resources={"near": 1}',
    )
    second = (f"--address=127.0.0.1:{port}", '--resources={"far": 1}')
    with node(environment, *head) as near, node(environment, *second) as far:
        region.start()
        wait_for(lambda: live_since(region, 0.0) == set(CAMERAS), 60.0, "both cameras are live")
        assert (ingests_of(near), ingests_of(far)) == (1, 1)
        killed = time.time()
        far.kill()
        told = "the cluster has 1 nodes now; 2 cameras are watched by ingest-near-0"
        wait_for(lambda: told in region.output(), 60.0, "the region tells that the node is gone")
        wait_for(lambda: live_since(region, killed), 60.0, "its camera is live again")
        with node(environment, *second) as back:
            wait_for(lambda: "the cluster has 2 nodes now" in region.output(), 120.0, "a node that comes is taken in")
            assert (ingests_of(near), ingests_of(back)) == (1, 1)
        assert region.stop() == 0, region.output()

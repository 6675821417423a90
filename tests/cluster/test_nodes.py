"""A region on a Ray cluster of two nodes, both here: kinds of ingests go to marked nodes, and cameras leave a node that
died."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cluster.home import Home
from storage.embedded.ports import free_ports
from storage.s3_access import S3Access
from tests.fixtures.region import CAMERAS, RunningRegion, wait_for

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]
KINDS = "[{name: far, cameras: 1, count: 1, resource: far}, {name: near, cameras: 9, resource: near}]"


@contextmanager
def node(environment: dict[str, str], *arguments: str) -> Iterator[psutil.Process]:
    """A node of a cluster; its raylet."""
    ray = Path(sys.executable).with_name("ray")
    command = [str(ray), "start", "--block", "--num-cpus=2", "--num-gpus=0", "--object-store-memory=100000000"]
    with (Path(environment["RAY_TMPDIR"]) / f"{len(arguments)}.log").open("ab") as log:
        process = psutil.Popen(
            [*command, *arguments], env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )

    def raylet() -> psutil.Process | None:
        assert process.poll() is None, Path(log.name).read_text()
        return next((one for one in process.children(recursive=True) if one.name() == "raylet"), None)

    try:
        yield wait_for(raylet, 120.0, "the node's raylet runs")
    finally:
        everyone = [process, *process.children(recursive=True)] if process.is_running() else []
        for one in everyone:
            one.kill()
        psutil.wait_procs(everyone, 20.0)


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
    port = environment["PORT"]
    local = ("--node-ip-address=127.0.0.1",)
    head = ("--head", f"--port={port}", "--include-dashboard=false", '--resources={"near": 1}', *local)
    second = (f"--address=127.0.0.1:{port}", '--resources={"far": 1}', *local)
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

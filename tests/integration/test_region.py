"""A whole region: real Ray, Postgres, S3 and video, from a camera's packets to an alert with its clip on the event
stream."""

from __future__ import annotations

import hashlib
import io

import av
import httpx
import pytest

from cluster.alert_stream import wait_for_alert
from tests.fixtures.region import CAMERAS, PLATES, RunningRegion, wait_for
from video.watch.hardware import nvdec_fault

pytestmark = pytest.mark.timeout(600)


def test_a_listed_vehicle_alerts_with_its_picture_and_clip(running_region: RunningRegion) -> None:
    alert = wait_for_alert(running_region.facts["address"], running_region.facts["cursor"], 150.0)
    assert alert is not None, running_region.output()
    assert alert["text"] in PLATES
    assert alert["kind"] == "exact"
    assert alert["camera"]["camera_id"] in CAMERAS
    assert alert["picture"]["state"] == "ready"

    address = f"{running_region.facts['address']}alerts/{alert['alert_id']}"
    with httpx.Client(trust_env=False, timeout=60.0) as client:
        assert client.get(f"{address}/picture").content.startswith(b"\xff\xd8")
        clip = client.get(f"{address}/clip")
        part = client.get(f"{address}/clip", headers={"Range": "bytes=0-99"})
    assert clip.status_code == 200
    assert part.status_code == 206
    assert part.content == clip.content[:100]
    with running_region.database() as database, database.transaction() as connection:
        row = connection.execute(
            "SELECT sha256, size_bytes FROM clips WHERE pass_id = %s AND camera_id = %s",
            [alert["pass_id"], alert["camera"]["camera_id"]],
        ).fetchone()
    assert row == (hashlib.sha256(clip.content).hexdigest(), len(clip.content))
    with av.open(io.BytesIO(clip.content)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames > 15


def test_cameras_are_live_and_their_reads_kept(running_region: RunningRegion) -> None:
    with running_region.database() as database:

        def live() -> bool:
            with database.transaction() as connection:
                states = dict(connection.execute("SELECT camera_id, state FROM cameras").fetchall())
            return all(states.get(name) == "live" for name in CAMERAS)

        wait_for(live, 60.0, "both cameras are live")

        def reads() -> set[str]:
            with database.transaction() as connection:
                return {
                    row[0] for row in connection.execute("SELECT camera_id FROM reads WHERE text = %s", [PLATES[0]])
                }

        wait_for(lambda: reads() == set(CAMERAS), 120.0, "both cameras' reads are kept")


def test_an_ingest_is_where_the_configuration_puts_it(running_region: RunningRegion) -> None:
    """It claims half a GPU, which Ray gives it and which is none here: networks and decoder turn to the CPU."""

    def log() -> str:
        return (running_region.home.logs / "ingest-gpu-0.log").read_text()

    assert "GPUs it may see: 0)" in log()
    wait_for(lambda: "woken streams are decoded" in log(), 60.0, "it has chosen a decoder")
    if nvdec_fault() is not None:
        assert "networks run on CPUExecutionProvider" in log()
        assert "woken streams are decoded on the CPU: GPU 0" in log()


def test_no_secret_is_in_the_logs(running_region: RunningRegion) -> None:
    password = (running_region.home.postgres / "password").read_text().strip()
    for path in [*running_region.home.logs.glob("*.log"), running_region.home.path / "up.log"]:
        text = path.read_text()
        assert password not in text
        assert not any(plate in text for plate in PLATES), path

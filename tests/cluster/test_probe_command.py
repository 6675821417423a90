"""``beket cameras probe`` against real servers: what is required, what is told, what is never shown."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.command import Beket, Done
from tests.fixtures.rtsp import RtspServer, StartRtsp
from tests.fixtures.streams import Encode
from tests.fixtures.wire_rtsp import Mount, StartWire, coded

ROOT = Path(__file__).parents[2]
LOGIN = "admin:hunter2"


@pytest.fixture
def probed(beket: Beket) -> Beket:
    """Runs ``beket cameras probe`` with its arguments; what it prints must hold no password."""

    def run(*arguments: str) -> Done:
        done = beket("cameras", "probe", *arguments)
        assert "hunter2" not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def server(start_rtsp: StartRtsp, encode: Encode) -> RtspServer:
    large = encode("large.mp4", seconds=6, fps=15, gop=30, size=(1280, 720))
    small = encode("small.mp4", seconds=6, fps=5, gop=100)
    return start_rtsp({"large": str(large), "small": str(small)}, login=LOGIN)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening.getsockname()[1]


def test_a_report_of_many_as_table_json_and_csv(server: RtspServer, tmp_path: Path, probed: Beket) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("min_fps: 12\nmin_bitrate_bps: null\nmax_keyframe_interval_s: 4\n")
    listed = tmp_path / "cameras.txt"
    listed.write_text(
        "\n".join(
            [
                "# the crossing",
                server.url("large"),
                server.url("small"),
                server.url("large", login="admin:wrong-hunter2"),
                server.url("nothing"),
                f"rtsp://{LOGIN}@127.0.0.1:9/nobody",
                "",
            ]
        )
    )
    options = ("--requirements", str(profile), "--timeout", "30", "--at-once", "3")
    done = probed(str(listed), "--json", "--seconds", "3", *options)
    assert done.returncode == 1, done.stderr
    told = {row["source"]: row for row in map(json.loads, done.stdout.splitlines()) if row["ok"]}
    large, small = (told[server.url(name).replace(f"{LOGIN}@", "")] for name in ("large", "small"))
    assert (large["verdict"], large["score"], large["reasons"]) == ("conforms", 100, [])
    assert (large["codec"], large["width"], large["height"]) == ("h264", 1280, 720)
    assert large["fps"] == pytest.approx(15, abs=1.0)
    assert small["verdict"] == "falls_short"
    assert {"resolution_low", "fps_low"} <= {reason["code"] for reason in small["reasons"]}
    assert small["score"] == max(0, 100 - sum(reason["points"] for reason in small["reasons"]))
    unusable = sorted(row["reason"] for row in map(json.loads, done.stdout.splitlines()) if not row["ok"])
    assert unusable == ["login_failed", "not_found", "unreachable"]

    done = probed(str(listed), "--csv", "--seconds", "1", *options)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["verdict"] for row in rows] == ["conforms", "falls_short", "unusable", "unusable", "unusable"]
    assert [row["reasons"] for row in rows[2:]] == ["login_failed", "not_found", "unreachable"]
    assert rows[0]["width"] == "1280"

    done = probed(str(listed), "--seconds", "1", *options)
    assert done.returncode == 1
    for said in ("conforms", "falls short", "unusable", "login_failed", "h264 1280x720"):
        assert said in done.stdout
    assert "5 of 5 cameras: 1 conform, 1 fall short, 3 can't be used" in done.stderr
    assert "1 did not answer at first and were tried again, fewer at a time: 0 did then" in done.stderr


def test_what_does_not_answer_is_tried_again_at_the_end(
    start_wire: StartWire, silent: int, encode: Encode, tmp_path: Path, probed: Beket
) -> None:
    """A server that leaves its first connection waiting, as one that is asked by too many at once."""
    road = coded(encode(seconds=2, fps=10, gop=10))
    late = start_wire({"road": Mount([road], answers_from=2)}).url("road")
    quick = start_wire({"road": Mount([road])}).url("road")
    listed = tmp_path / "cameras.txt"
    listed.write_text(f"{late}\n{quick}\nrtsp://127.0.0.1:{silent}/x\n")
    done = probed(str(listed), "--csv", "--seconds", "1", "--timeout", "4")
    assert done.returncode == 1
    late_row, quick_row, silent_row = csv.DictReader(io.StringIO(done.stdout))
    assert (late_row["codec"], late_row["tries"]) == ("h264", "2")
    assert quick_row["codec"] == "h264"
    assert (silent_row["reasons"], silent_row["tries"]) == ("timed_out", "2")


def test_one_camera_in_sentences(server: RtspServer, probed: Beket) -> None:
    done = probed(server.url("small"), "--seconds", "1")
    assert done.returncode == 1
    assert "h264 320x192" in done.stdout
    assert "fps_low" in done.stdout
    assert "set the camera to a higher frame rate" in done.stdout


def test_ctrl_c_prints_what_is_known(server: RtspServer, silent: int, tmp_path: Path) -> None:
    listed = tmp_path / "cameras.csv"
    hanging = [f"hangs-{n},rtsp://{LOGIN}@127.0.0.1:{silent}/{n}" for n in range(12)]
    listed.write_text("\n".join(["id,url", f"north,{server.url('large')}", *hanging]) + "\n")
    environment = {**os.environ, "BEKET_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "cluster", "cameras", "probe", str(listed), "--json"]
    line += ["--seconds", "1", "--at-once", "4", "--timeout", "60"]
    process = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["camera_id"] == "north"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=50)  # those that hang would take longer
    assert (process.returncode, out) == (130, "")
    assert "stopped: 1 of 13 cameras were looked at" in err
    assert "Traceback" not in err
    assert "hunter2" not in err


def test_a_list_that_is_none_and_a_profile_that_is_wrong(tmp_path: Path, probed: Beket) -> None:
    broken = tmp_path / "cameras.txt"
    broken.write_bytes(b"\xff\xfe\x00rtsp://admin:hunter2@10.0.0.1/")
    done = probed(str(broken))
    assert done.returncode == 2
    assert "can't be read as text" in done.stderr
    profile = tmp_path / "profile.yaml"
    profile.write_text("min_fsp: 12\n")
    done = probed("rtsp://127.0.0.1:9/", "--requirements", str(profile))
    assert done.returncode == 2
    assert "min_fsp: there is no such key" in done.stderr
    assert probed("rtsp://127.0.0.1:9/", "--json", "--csv").returncode == 2

"""The command answers at once, and errs with one line on stderr and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.camera_file import read_camera_file
from cluster.errors import RegionBusy, SettingsError
from cluster.home import Home, HomeLock
from tests.fixtures.command import Beket


def by_itself(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """``beket`` as a process of its own."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "cluster", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "BEKET_HOME": str(home), "COLUMNS": "200"},
        cwd=home.parent,
    )


def test_help_names_every_command_without_importing_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nsys.argv = ['beket', '--help']\nfrom cluster.command import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            "print({'ray', 'av', 'onnxruntime', 'cv2', 'numpy'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
    )
    assert done.stdout.rstrip().endswith("set()"), done.stdout + done.stderr
    for name in ("demo", "up", "scan", "cameras", "hotlist", "models", "doctor"):
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["up", "--config", "nowhere.yaml"], "nowhere.yaml: there is no such file", 2),
        (["cameras", "import", "nowhere.csv"], "nowhere.csv: can't be read", 2),
        (["cameras", "probe", "pipe:1"], "never opened", 2),
        (["cameras", "probe", "rtsp://u:hunter2@127.0.0.1:9/x"], "refused the connection", 1),
        (["hotlist", "import", "nowhere.csv", "--list", "l", "--as", "me"], "nowhere.csv can't be read", 2),
        (["models", "pull", "nothing"], "nothing is no role", 2),
        (["frobnicate"], "frobnicate", 2),
    ],
)
def test_errors_are_plain(beket: Beket, arguments: list[str], says: str, code: int) -> None:
    done = beket(*arguments)
    assert says in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert done.stdout == ""
    assert done.returncode == (1 if arguments[:2] == ["cameras", "probe"] else code)


def test_cameras_go_in_and_come_out_without_a_region(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "cameras.csv").write_text(
        "id,url,name\nnorth,rtsp://u:hunter2@192.0.2.1/a,North\nBAD,rtsp://h/,\nexec,pipe:1,\n"
    )
    done = by_itself("cameras", "import", "cameras.csv", home=home)
    assert done.returncode == 1
    assert "1 added" in done.stderr
    assert "line 3, id" in done.stderr
    assert "line 4, url" in done.stderr
    listed = by_itself("cameras", "list", "--json", home=home)
    (row,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (row["camera_id"], row["name"]) == ("north", "North")
    assert "hunter2" not in listed.stdout


def test_doctor_looks_and_tells(beket: Beket) -> None:
    done = beket("doctor")
    for what in ("Python", "video codecs", "memory", "shared memory", "disk", "models", "console"):
        assert f"  {what}: " in done.stdout
    assert done.returncode in (0, 1)


def test_two_regions_cannot_share_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    lock = HomeLock(home)
    lock.acquire()
    with pytest.raises(RegionBusy, match=str(os.getpid())):
        HomeLock(home).acquire()
    lock.release()
    HomeLock(home).acquire()


@pytest.mark.parametrize(
    ("text", "says"),
    [("name\nx\n", "must name the columns id and url"), ("id,url,colour\n", "no column colour"), ("", "must name")],
)
def test_a_camera_file_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_camera_file(path)


def test_camera_files_of_other_encodings_and_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes("id;url;name\na;rtsp://h/;Абай\n".encode("utf-8-sig"))
    (camera,) = read_camera_file(path).cameras
    assert camera.name == "Абай"
    path.write_bytes("id;url;name\na;rtsp://h/;Абай\n".encode("cp1251"))
    with pytest.raises(SettingsError, match="UTF-8"):
        read_camera_file(path)

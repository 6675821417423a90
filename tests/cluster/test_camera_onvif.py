"""``beket cameras discover`` and ``add`` against a real ONVIF device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cluster.commands.cameras import app
from cluster.home import Home
from cluster.reach import camera_book, reach_database
from cluster.settings import RegionSettings
from tests.fixtures.onvif_server import OnvifDevice, StartOnvif


def beket(*arguments: str, home: Path, password: str | None = "geheim") -> Result:  # noqa: S107
    return CliRunner().invoke(app, [*arguments], env={"BEKET_HOME": str(home), "BEKET_CAMERA_PASSWORD": password})


def test_discover_lists_profiles_and_no_password(start_onvif: StartOnvif, tmp_path: Path) -> None:
    address = start_onvif().address
    done = beket("discover", address, "--user", "admin", "--json", home=tmp_path)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["model"] == "Road 9"
    assert {one["token"]: one["use"] for one in found["profiles"]} == {
        "main": "reading", "sub": "gate", "tiny": None, "shots": None,
    }  # fmt: skip
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    named = ("--user", "admin", "--password-file", str(secret))
    by_file = beket("discover", address, *named, home=tmp_path, password=None)
    assert "1920x1080" in by_file.stdout
    assert "geheim" not in done.stdout + done.stderr + by_file.stdout + by_file.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["discover", "{address}", "--user", "admin"], "refused the login"),
        (["discover", "admin:falsch@{address}"], "holds a login"),
        (["discover", "127.0.0.1:1", "--user", "admin"], "refused the connection"),
    ],
)
def test_errors_are_one_line_without_the_password(
    start_onvif: StartOnvif, tmp_path: Path, arguments: list[str], says: str
) -> None:
    address = start_onvif().address
    done = beket(*(one.format(address=address) for one in arguments), home=tmp_path, password="falsch")
    assert done.exit_code != 0
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert "falsch" not in done.output + str(done.exception)


def test_the_password_is_asked_for_unseen(start_onvif: StartOnvif, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["discover", start_onvif().address, "--user", "admin"], input="geheim\n")
    assert done.exit_code == 0, done.output
    assert "Road 9" in done.output
    assert "geheim" not in done.output


def test_add_stores_both_streams_sealed(start_onvif: StartOnvif, tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = start_onvif(OnvifDevice(login=("admin", "geheim/@x")))
    done = beket("add", "north", server.address, "--user", "admin", "--place", "Abai", home=home, password="geheim/@x")
    assert done.exit_code == 0, done.stderr
    assert "main (1920x1080) is read, sub (640x360) for the gate" in done.stderr
    with reach_database(RegionSettings(home=home), Home(home)) as database:
        [camera] = camera_book(database, Home(home)).enabled()
        with database.transaction() as connection:
            row = connection.execute("SELECT cameras::text FROM cameras").fetchone()
    assert camera.url == "rtsp://admin:geheim%2F%40x@127.0.0.1:8554/main"
    assert camera.gate_url == "rtsp://admin:geheim%2F%40x@127.0.0.1:8554/sub"
    assert camera.place == "Abai"
    assert row is not None
    assert "geheim" not in row[0] + done.stdout + done.stderr

"""``beket scan`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cluster.command import app
from models.supply.store import ModelStore
from models.training.vehicle import View
from simulation.clip import write_clip
from simulation.traffic import Drive, build


@pytest.fixture
def grey(tmp_path: Path, model_store: ModelStore) -> Path:
    picture = tmp_path / "grey.png"
    cv2.imwrite(str(picture), np.full((200, 300, 3), 120, np.uint8))
    return picture


def test_json_alone_stands_on_stdout_and_a_failed_source_gives_status_1(grey: Path) -> None:
    done = CliRunner().invoke(app, ["scan", str(grey.parent / "absent.png"), str(grey), "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["type"] for row in rows] == ["error", "summary"]
    assert rows[1]["source"] == str(grey)
    assert done.exit_code == 1


def test_a_table_for_people(grey: Path) -> None:
    done = CliRunner().invoke(app, ["scan", str(grey)])
    assert done.exit_code == 0
    assert "1 sources, 0 passes" in done.stdout


@pytest.mark.parametrize("content", [None, b"", b"name;colour\nx;y\n"])
def test_a_hotlist_that_cannot_be_read_is_said_before_anything_is_scanned(grey: Path, content: bytes | None) -> None:
    hotlist = grey.parent / "list.csv"
    if content is not None:
        hotlist.write_bytes(content)
    done = CliRunner().invoke(app, ["scan", str(grey), "--json", "--hotlist", str(hotlist)])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "list.csv" in done.stderr.replace("\n", "")


def test_bad_rows_of_a_hotlist_are_named_and_left_out(grey: Path) -> None:
    hotlist = grey.parent / "list.csv"
    hotlist.write_text("plate,category\nА123ВС02,stolen\n,stolen\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["scan", str(grey), "--hotlist", str(hotlist)])
    assert done.exit_code == 0
    assert "1 entries, 1 rows left out" in done.stderr.replace("\n", "")


def test_a_road_is_read_where_strict_licences_are_denied(tmp_path: Path, model_store: ModelStore) -> None:
    """Our own plate detector takes over; no vehicle detector is permitted, so types of vehicles stay unknown."""
    drives = (
        Drive("417KTA02", "kz2012", "car", "silver", 0, 0.3, 70),
        Drive("739LEO06", "kz2012-square", "suv", "black", 1, 3.0, 60, View.REAR),
    )
    clip = write_clip(build("road", drives, duration_s=7.0, fps=8), tmp_path / "road.mp4")
    done = CliRunner().invoke(app, ["scan", str(clip), "--json", "--deny-licence", "AGPL-3.0"])
    assert done.exit_code == 0, done.stderr
    passes = [row for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "pass"]
    assert sorted(row["text"] for row in passes) == ["417KTA02", "739LEO06"]
    assert all(row["vehicle_type"] is None and row["vehicle_box"] is None for row in passes)
    permitted = ModelStore(deny_licences=["AGPL-3.0"])
    assert permitted.ensure("plate_detector").source.name == "beket-plates"

"""The cameras an ingest remembers: back as they were, never in clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.camera import CameraSpec
from actors.camera_memory import CameraMemory
from storage.sealing import Seal

CAMERAS = [CameraSpec("north", "rtsp://admin:hunter2@10.0.0.1/1"), CameraSpec("south", "rtsp://10.0.0.2/1")]


def test_cameras_come_back_and_lie_sealed(tmp_path: Path) -> None:
    CameraMemory(tmp_path, Seal("key")).remember(CAMERAS)
    assert CameraMemory(tmp_path, Seal("key")).recall() == CAMERAS
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert not any(word in file.read_bytes() for word in (b"hunter2", b"admin", b"10.0.0.1", b"north"))


def test_without_a_seal_nothing_is_written(tmp_path: Path) -> None:
    CameraMemory(tmp_path, None).remember(CAMERAS)
    assert list(tmp_path.iterdir()) == []
    assert CameraMemory(tmp_path, None).recall() == []


def test_what_an_earlier_version_wrote_in_clear_goes(tmp_path: Path) -> None:
    (tmp_path / "cameras.json").write_text('[{"camera_id": "north", "url": "rtsp://admin:hunter2@10.0.0.1/1"}]')
    CameraMemory(tmp_path, Seal("key"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda sealed: sealed[:-1], lambda sealed: b"", lambda sealed: b"x" + sealed[1:]])
def test_what_can_not_be_opened_is_as_nothing(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    memory = CameraMemory(tmp_path, Seal("key"))
    memory.remember(CAMERAS)
    assert CameraMemory(tmp_path, Seal("another")).recall() == []
    [file] = tmp_path.iterdir()
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    assert memory.recall() == []
    assert "hunter2" not in caplog.text

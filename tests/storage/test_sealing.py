"""The key that camera addresses are sealed with: from the environment, a file, or the home's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.sealing import Seal, SealBroken

KEY = "a-key-of-forty-three-characters-as-is-usual"


@pytest.fixture(autouse=True)
def _no_key_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEKET_SEAL_KEY", raising=False)
    monkeypatch.delenv("BEKET_SEAL_KEY_FILE", raising=False)


def test_the_homes_own_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "seal"
    sealed = Seal.from_environment(path).close("rtsp://u:p@camera/1", "north")
    assert path.stat().st_mode & 0o077 == 0
    assert Seal.from_environment(path).open(sealed, "north") == "rtsp://u:p@camera/1"


def test_a_key_of_the_environment_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "seal"
    monkeypatch.setenv("BEKET_SEAL_KEY", KEY)
    sealed = Seal.from_environment(path).close("text", "north")
    assert not path.exists()
    monkeypatch.delenv("BEKET_SEAL_KEY")
    given = tmp_path / "given"
    given.write_text(KEY + "\n")
    monkeypatch.setenv("BEKET_SEAL_KEY_FILE", str(given))
    assert Seal.from_environment(path).open(sealed, "north") == "text"
    assert not path.exists()


def test_a_file_that_is_named_and_missing_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEKET_SEAL_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(SealBroken, match="missing"):
        Seal.from_environment(tmp_path / "seal")
    assert list(tmp_path.iterdir()) == []


def test_a_short_key_is_refused_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEKET_SEAL_KEY", "hunter2")
    with pytest.raises(SealBroken, match="shorter than 32") as refused:
        Seal.from_environment(tmp_path / "seal")
    assert "hunter2" not in str(refused.value)


def test_a_sealed_text_belongs_to_its_owner() -> None:
    seal = Seal(KEY)
    with pytest.raises(SealBroken, match="south"):
        seal.open(seal.close("text", "north"), "south")

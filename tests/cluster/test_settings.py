"""A configuration is read whole or refused with one line that names the file, the key and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.errors import SettingsError
from cluster.settings import RegionSettings, read_settings
from cluster.settings.file import read_requirements

ROOT = Path(__file__).parents[2]


def read(tmp_path: Path, text: str) -> RegionSettings:
    path = tmp_path / "region.yaml"
    path.write_text(text)
    return read_settings(path)


@pytest.mark.parametrize("name", ["region.yaml", "demo.yaml", "region-gpu.yaml"])
def test_the_configurations_we_ship_are_good(name: str) -> None:
    settings = read_settings(ROOT / "configs" / name)
    assert settings.retention.reads_h == 24
    assert all(hotlist.file.exists() for hotlist in settings.hotlists)


def test_an_empty_file_is_a_region_of_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == RegionSettings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("camras: []", r"camras: there is no such key; known here: .*cameras"),
        ("api: {prot: 1}", r"api\.prot: there is no such key; known here: .*port"),
        ("cameras: [{id: a, url: 'rtsp://h/', nam: x}]", r"cameras\.0\.nam: .*known here: .*name"),
        ("cameras: [{url: 'rtsp://h/'}]", r"cameras\.0\.id: is missing"),
        ("retention: {reads_h: 169}", r"retention\.reads_h: .*168"),
        ("retention: {reads_h: 0}", r"retention\.reads_h: .*1"),
        ("retention: {hits_days: 10}", r"events_days: .*no longer than hits_days"),
        ("retention: {hits_days: 3661}", r"retention\.hits_days: .*3660"),
        ("passes: {detect_fps: many}", r"passes\.detect_fps: .*number"),
        ("api: {host: 0.0.0.0}", r"api\.host: .*127\.0\.0\.1"),
        ("cameras: [{id: a, url: 'pipe:1'}]", r"cameras\.0\.url: .*never opened"),
        ("cameras: [{id: a, url: 'file:/x.mp4'}]", r"camera a: is a file; set `allow_files: true`"),
        ("cameras: [{id: A B, url: 'rtsp://h/'}]", r"cameras\.0\.id"),
        ("cameras: [{id: a, url: 'rtsp://h/1'}, {id: a, url: 'rtsp://h/2'}]", r"the id 'a' stands there twice"),
        ("networks: [10.0.0.0/33]", r"networks"),
        (
            "alerts: {crossings: [{id: x, cameras: [a, b]}, {id: y, cameras: [b, c]}]}",
            r"alerts\.crossings: camera b stands in the crossings x and y",
        ),
        ("postgres: {embedded: false}", r"postgres: .*dsn_env.*dsn_file"),
        ("postgres: {dsn_env: X}", r"postgres: .*embedded: false"),
        ("s3: {embedded: false, endpoint: 'h:1', access_key_env: A}", r"s3: .*secret_key_env"),
        ("s3: {embedded: false, endpoint: 'https://h'}", r"s3\.endpoint"),
        ("region: a\nregion: b", r"line 2.*twice"),
        ("ray: {ingests: [{name: a}, {name: a}]}", r"ray\.ingests: .*one name"),
        ("models: {provider: gpu}", r"models\.provider: .*auto.*tensorrt"),
        ("a: [", r"not YAML"),
        ("- a", r"list where keys"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        read(tmp_path, text)
    assert "region.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "cameras: [{id: a, url: 'concat:hunter2'}]",
        "cameras: [{id: a, url: 'rtsp://u:hunter2@h/', x: 1}]",
        "cameras: [{id: a, url: ['rtsp://u:hunter2@h/']}]",
        "cameras: [{id: a, url: 'rtsp://u:hunter2@h/'}, {id: a, url: 'rtsp://u:hunter2@h/'}]",
        "postgres: {dsn: 'postgresql://u:hunter2@h/d'}",
        "s3: {secret_key: hunter2}",
    ],
)
def test_secrets_are_never_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert "hunter2" not in str(caught.value)


def test_addresses_stay_out_of_what_is_printed(tmp_path: Path) -> None:
    settings = read(tmp_path, "cameras: [{id: a, url: 'rtsp://u:hunter2@h/'}]")
    assert "hunter2" not in repr(settings)
    assert settings.cameras[0].url.get_secret_value() == "rtsp://u:hunter2@h/"


def test_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "home: state\nallow_files: true\ncameras: [{id: a, url: 'file:v/a.mp4'}, {id: b, url: 'file:${home}/b.mp4'}]\n"
        "hotlists: [{id: l, file: l.csv, owner: me}]",
    )
    assert settings.home == tmp_path / "state"
    assert settings.cameras[0].url.get_secret_value() == f"file:{tmp_path}/v/a.mp4"
    assert settings.cameras[1].url.get_secret_value() == "file:${home}/b.mp4"
    assert settings.hotlists[0].file == tmp_path / "l.csv"


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:p@h/d\n")
    by_file = read(tmp_path, f"postgres: {{embedded: false, dsn_file: {tmp_path}/dsn}}")
    assert by_file.postgres.dsn() == "postgresql://u:p@h/d"
    by_env = read(tmp_path, "postgres: {embedded: false, dsn_env: BEKET_TEST_DSN}")
    with pytest.raises(SettingsError, match="BEKET_TEST_DSN is not set"):
        by_env.postgres.dsn()
    monkeypatch.setenv("BEKET_TEST_DSN", "postgresql://e/")
    assert by_env.postgres.dsn() == "postgresql://e/"


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "requirements").iterdir()), ids=lambda path: path.stem)
def test_the_requirement_profiles_we_ship_are_good(path: Path) -> None:
    assert read_requirements(path).name == path.stem


def test_requirements_come_from_a_file_beside_the_configuration_or_from_it_not_from_both(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("name: city\nmin_fps: 20\nmin_plate_px: null\n")
    required = read(tmp_path, "health: {requirements_file: profile.yaml}").health.requirements
    assert (required.name, required.min_fps, required.min_plate_px, required.min_width) == ("city", 20.0, None, 1280)
    with pytest.raises(SettingsError, match="one of them"):
        read(tmp_path, "health: {requirements_file: profile.yaml, requirements: {min_fps: 5}}")
    with pytest.raises(SettingsError, match=r"none\.yaml: there is no such file; name a profile"):
        read(tmp_path, "health: {requirements_file: none.yaml}")

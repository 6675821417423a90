"""Camera files: CSV with a header, one camera a row; every bad row says what is wrong and how to mend it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cluster.errors import SettingsError
from cluster.settings import CameraSettings, first_fault

COLUMNS: Final = ("id", "url", "gate_url", "name", "place", "latitude", "longitude", "enabled")


@dataclass(frozen=True, slots=True)
class CameraFile:
    """Good rows in order, and a line for each bad one. The lines never hold an address."""

    cameras: tuple[CameraSettings, ...]
    problems: tuple[str, ...]


def read_camera_file(path: Path) -> CameraFile:
    """Read ``path``. Raises ``SettingsError`` when it can't be read as such a table at all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror})") from error
    lines = text.splitlines()
    delimiter = max((",", ";", "\t"), key=(lines[0] if lines else "").count)
    reader = csv.DictReader(lines, delimiter=delimiter)
    header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if not {"id", "url"} <= set(header):
        raise SettingsError(f"{path}: its first line must name the columns id and url; known are {', '.join(COLUMNS)}")
    unknown = sorted(set(header) - set(COLUMNS))
    if unknown:
        raise SettingsError(f"{path}: there is no column {unknown[0]}; known are {', '.join(COLUMNS)}")
    cameras: dict[str, CameraSettings] = {}
    problems: list[str] = []
    try:
        for row in reader:
            camera = _camera(row, f"line {reader.line_num}", problems)
            if camera is not None and camera.id in cameras:
                problems.append(f"line {reader.line_num}, id: {camera.id} stands there twice; remove one of the rows")
            elif camera is not None:
                cameras[camera.id] = camera
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: {error}; look for a quote that is not closed")
    return CameraFile(tuple(cameras.values()), tuple(problems))


def _camera(row: dict[str, str], where: str, problems: list[str]) -> CameraSettings | None:
    if None in row:
        problems.append(f"{where}: more fields than the header; quote fields that hold the delimiter")
        return None
    values = {name.strip().lower(): (value or "").strip() for name, value in row.items()}
    given = {name: value for name, value in values.items() if value}
    if not given:
        return None
    try:
        return CameraSettings.model_validate(given)
    except ValidationError as error:
        problems.append(f"{where}, {first_fault(error, CameraSettings)}")
        return None

"""An answer as a file: CSV for spreadsheets, JSON lines of everything, GeoJSON for maps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

from storage.search.sighting import Sighting

_COLUMNS: Final = (
    *("seen_at", "plate", "score", "read_score", "country", "format", "vehicle_type", "vehicle_colour"),
    *("camera_id", "camera", "place", "latitude", "longitude", "pass_id", "hits"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection)."""


class ExportFormat(StrEnum):
    """Kinds of files, by their suffixes."""

    CSV = "csv"
    JSON = "json"
    GEOJSON = "geojson"

    @property
    def media_type(self) -> str:
        return {"csv": "text/csv; charset=utf-8", "json": "application/json", "geojson": "application/geo+json"}[self]


def write(sightings: Sequence[Sighting], format: ExportFormat) -> bytes:
    """The file's bytes, UTF-8; CSV begins with a byte order mark, so that spreadsheets read its letters rightly."""
    match format:
        case ExportFormat.CSV:
            return _csv(sightings).encode("utf-8-sig")
        case ExportFormat.JSON:
            return json.dumps([one.as_json() for one in sightings], ensure_ascii=False).encode()
        case ExportFormat.GEOJSON:
            return json.dumps(points(sightings), ensure_ascii=False).encode()


def points(sightings: Iterable[Sighting]) -> dict[str, Any]:
    """A GeoJSON ``FeatureCollection`` with a point for each sighting; cameras that stand nowhere have no geometry."""
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": position(one), "properties": one.as_json()} for one in sightings],
    }


def position(sighting: Sighting) -> dict[str, Any] | None:
    """Where the camera stands, as GeoJSON."""
    if sighting.longitude is None or sighting.latitude is None:
        return None
    return {"type": "Point", "coordinates": [sighting.longitude, sighting.latitude]}


def _csv(sightings: Sequence[Sighting]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in sightings:
        row = (
            *(one.seen_at.isoformat(), one.text, one.score, one.read_score, one.country, one.format),
            *(one.vehicle_type, one.vehicle_colour, one.camera_id, one.camera_name, one.camera_place),
            *(one.latitude, one.longitude, one.pass_id, " ".join(str(hit.alert_id) for hit in one.hits)),
        )
        writer.writerow([harmless(cell) for cell in row])
    return out.getvalue()


def harmless(cell: object) -> str:
    """A number as it is; a text so that no spreadsheet calculates it."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.7g}"
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text

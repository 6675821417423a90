"""Invariant 1: vehicles, never people. What could identify a person is not there to be used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from api.app import create_app
from api.settings import ApiSettings
from index.read import Box, PlateRead
from models.faces import CenterFace
from models.ports import FaceDetector
from models.runtime.session import Session
from models.supply.manifest import DEFAULT_MANIFEST, Role, read_manifest
from models.supply.store import ModelStore
from storage.database import Database

ROOT = Path(__file__).parents[2]
PACKAGES = ("index", "models", "video", "storage", "passes", "simulation", "actors", "cluster", "api")
FACES = {"face", "faces", "facial"}
PEOPLE = FACES | {
    *("person", "persons", "people", "human", "humans", "pedestrian", "pedestrians", "passenger", "passengers"),
    *("driver", "drivers", "biometric", "biometrics", "gait", "iris", "silhouette"),
}
BLURRING = {
    "models/faces.py": "finds them",
    "models/ports.py": "says that boxes are all that is found",
    "models/catalogue.py": "opens the model",
    "video/redaction.py": "blurs boxes",
    "actors/blurring.py": "blurs the pictures of hits",
    "actors/ingest.py": "hands the one to the other",
    "actors/networks.py": "opens it where the settings say so",
    "actors/shells.py": "asks for it",
    "cluster/settings/pictures.py": "alerts.blur_faces",
    "cluster/plan.py": "passes the setting on",
    "cluster/photos.py": "has them painted over in photos to search by",
    "passes/photo.py": "paints over boxes",
    "cluster/region.py": "has the model fetched",
    "cluster/checks.py": "looks whether it is there",
    "simulation/number_plate.py": "typefaces",
}
"""Where a face has a name at all, and what for."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def words(name: str) -> set[str]:
    """The words of a name in any spelling: ``CenterFace``, ``blur_faces``, ``/face-index``."""
    return {word.lower() for word in _WORD.findall(name)}


def names_in(path: Path) -> set[str]:
    """Every identifier of a module."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found |= {name for each in ("id", "name", "attr", "arg") if isinstance(name := getattr(node, each, None), str)}
    return found


def test_no_model_knows_people_but_the_one_that_finds_faces_to_blur() -> None:
    assert set(get_args(Role)) == {"vehicle_detector", "plate_detector", "plate_reader", "face_detector", "appearance"}
    for role, sources in read_manifest(DEFAULT_MANIFEST).roles.items():
        for source in sources:
            assert not any(PEOPLE & words(name) for name in source.classes), source.name
            if role == "face_detector":
                assert source.adapter == "centerface", "boxes only: its landmarks are cut off on conversion"
            else:
                assert not PEOPLE & words(source.name), source.name


def test_of_a_face_no_more_is_found_than_where_it_is(model_store: ModelStore) -> None:
    assert get_type_hints(FaceDetector.detect)["return"] == list[list[Box]]
    assert get_type_hints(CenterFace.detect)["return"] == list[list[Box]]
    assert Box._fields == ("x", "y", "w", "h")
    picture = np.full((1, 3, 64, 96), 90, np.float32)
    session = Session(model_store.get("face_detector").path)
    heat, scale, offset = session.run({next(iter(session.inputs)): picture})
    assert (heat.shape, scale.shape, offset.shape) == ((1, 1, 16, 24), (1, 2, 16, 24), (1, 2, 16, 24))


def test_faces_have_a_name_only_where_they_are_blurred() -> None:
    naming = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "training" not in path.parts and any(FACES & words(name) for name in names_in(path))
    }
    assert naming == set(BLURRING)


def test_who_imports_the_face_detector_is_the_catalogue_alone() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(from models\.faces|import models\.faces)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["models/catalogue.py"]


def test_no_table_column_index_or_function_is_of_people(database: Database) -> None:
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public' "
            "UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        ).fetchall()
    names = [name for (name,) in rows]
    assert {"reads.posterior", "appearances.vector", "hits.appearance", "refuse_change"} <= set(names)
    assert [name for name in names if PEOPLE & words(name)] == []


def test_what_lasts_of_a_look_is_a_vehicle_s_and_is_kept_as_its_read_is(database: Database) -> None:
    """Vectors of looks stand in two of these columns: whoever adds a third has to say here what it is of."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'bytea'"
        ).fetchall()
    assert {name for (name,) in rows} == {
        *("reads.posterior", "hits.posterior", "appearances.vector", "hits.appearance", "hit_pictures.jpeg"),
        *("cameras.source_sealed", "cameras.gate_sealed", "audit.previous", "audit.hash"),
    }


def test_nothing_of_people_is_kept_with_a_read() -> None:
    assert [field.name for field in fields(PlateRead) if PEOPLE & words(field.name)] == []


def spoken(schema: Any) -> Iterator[str]:
    """Every path, parameter, schema, field and choice of an OpenAPI document."""
    if isinstance(schema, list):
        for each in schema:
            yield from spoken(each)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key in ("paths", "properties", "schemas", "parameters") and isinstance(value, dict):
            yield from value
        if key in ("name", "operationId", "title") and isinstance(value, str):
            yield value
        if key in ("enum", "tags"):
            yield from map(str, value)
        yield from spoken(value)


def test_no_endpoint_asks_for_people_or_tells_of_them() -> None:
    settings = ApiSettings(dsn="postgresql:///none", s3_endpoint="127.0.0.1:1", s3_access_key="", s3_secret_key="")  # type: ignore[arg-type]
    names = set(spoken(create_app(settings).openapi()))
    assert {"/search", "/alerts/{alert_id}/picture", "vehicle_type", "plate"} <= names
    assert sorted(name for name in names if PEOPLE & words(name)) == []

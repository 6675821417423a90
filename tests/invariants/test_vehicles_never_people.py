"""Invariant 1: vehicles, never people. What could identify a person is not there to be used."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from index.read import PlateRead
from models.manifest import DEFAULT_MANIFEST, Role, read_manifest
from storage.database import Database

PEOPLE = re.compile(r"fac(e|ial)|person|people|pedestrian|biometr|gait|driver|iris|identity_of", re.IGNORECASE)
ROOT = Path(__file__).parents[2]


def test_no_model_knows_people_but_the_one_that_finds_faces_to_blur() -> None:
    assert set(get_args(Role)) == {"vehicle_detector", "plate_detector", "plate_reader", "face_detector", "appearance"}
    for role, sources in read_manifest(DEFAULT_MANIFEST).roles.items():
        for source in sources:
            assert not any(PEOPLE.search(name) for name in source.classes), source.name
            if role == "face_detector":
                assert source.adapter == "centerface", "boxes only: its landmarks are cut off on conversion"
            else:
                assert not PEOPLE.search(source.name), source.name


def test_no_table_column_or_index_is_of_people(database: Database) -> None:
    with database.transaction() as connection:
        names = connection.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
        ).fetchall()
    assert len(names) > 50
    assert [name for (name,) in names if PEOPLE.search(name)] == []


def test_nothing_of_people_is_kept_with_a_read() -> None:
    assert [field.name for field in fields(PlateRead) if PEOPLE.search(field.name)] == []


def test_faces_are_found_by_the_blurring_alone() -> None:
    """Whoever imports the face detector is named here: the catalogue opens it, redaction is handed its boxes."""
    importing = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if not {".venv", "node_modules", "tests"} & set(path.parts)
        and re.search(r"^\s*(from models\.faces|import models\.faces)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == ["models/catalogue.py"]

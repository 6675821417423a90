"""Invariant 2, looked for in the files: of a read whose hours are over nothing is left in the database's folder."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from storage.alerts import PictureKind
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.hits import HitBook
from storage.posteriors import pack_posterior
from storage.reads import ReadLog
from tests.fixtures.records import NOON, make_match, make_read, posterior_of

PLATE, LISTED = "949QWX13", "716HJV02"
LOOK = np.random.default_rng(5).bytes(256)


def files_with(folder: Path, pattern: bytes) -> list[str]:
    """The files under ``folder`` that hold ``pattern``."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if content.find(pattern) >= 0:
                    found.append(path.relative_to(folder).as_posix())
    return found


@pytest.fixture
def role(database: Database, postgres: EmbeddedPostgres) -> Iterator[str]:
    """A role without rights over the server; its password is its name."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    yield "plain"
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("DROP OWNED BY plain CASCADE; DROP ROLE plain")


def checkpoint(database: Database) -> None:
    """What the server does by itself every five minutes."""
    with database.connect(autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def test_a_forgotten_read_is_in_no_file_and_a_hit_stays(database: Database, postgres: EmbeddedPostgres) -> None:
    read = replace(make_read(text=PLATE), posterior=posterior_of(PLATE, 0.9731), appearance=LOOK)
    traces = [PLATE.encode(), PLATE[::-1].encode(), pack_posterior(read.posterior), LOOK]
    log = ReadLog(database, retention_hours=2)
    log.write([replace(read, pass_id=f"p{n}") for n in range(300)], now=NOON)
    HitBook(database).record(
        make_read(pass_id="hit", text=LISTED),
        make_match(plate=LISTED),
        same_alert_within_s=60,
        pictures={PictureKind.PLATE: b"picture of a hit"},
    )
    with database.connect(autocommit=True) as connection:
        connection.execute("ANALYZE reads_2026112312, appearances_2026112312")  # as autovacuum does
        sampled = connection.execute("SELECT count(*) FROM pg_stats WHERE most_common_vals::text ~ %s", [PLATE])
        assert sampled.fetchone() != (0,), "the statistics name the plate"
    checkpoint(database)
    for trace in traces:
        kinds = {name.split("/")[1] for name in files_with(postgres.folder, trace)}
        assert {"base", "pg_wal"} <= kinds, "it is looked for where it lies"

    assert log.maintain(now=NOON + timedelta(hours=3)).dropped == ("reads_2026112312",)
    checkpoint(database)
    assert [files_with(postgres.folder, trace) for trace in traces] == [[], [], [], []]
    for kept in (LISTED.encode(), b"picture of a hit"):
        assert any("/base/" in name for name in files_with(postgres.folder, kept))


def test_a_role_that_may_not_wipe_still_drops(database: Database, postgres: EmbeddedPostgres, role: str) -> None:
    with database.connect(autocommit=True) as connection:
        for table in ("reads", "appearances"):
            connection.execute(f"ALTER TABLE {table} OWNER TO {role}".encode())
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {role}".encode())
    with Database(database.dsn.replace(f"beket:{postgres.dsn.split(':')[2].split('@')[0]}", f"{role}:{role}")) as plain:
        log = ReadLog(plain, retention_hours=2)
        log.write([make_read(text=PLATE)], now=NOON)
        assert log.maintain(now=NOON + timedelta(hours=3)).dropped == ("reads_2026112312",)
    checkpoint(database)
    assert not any("/base/" in name for name in files_with(postgres.folder, PLATE.encode()))

"""How long a list of 1,000,000 rows takes from a CSV file into an embedded Postgres, live. Prints a table and JSON.

Measured in the same run: the file staged (read, checked, COPY), approved (merged into the entries), imported again
unchanged, restored after a wrong full import, loaded by a matcher's feed; and the opponent, ``--opponent`` of the same
rows written one INSERT at a time. CPU seconds are this process's and Postgres' together: on a machine that does other
work they tell more than the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.hotlists.categories import CategoryBook
from storage.hotlists.feed import EntryFeed
from storage.hotlists.files import EntryReader, FileRules
from storage.hotlists.import_records import ImportKind, ImportSource, OnError
from storage.hotlists.imports import ImportBook

_LETTERS = "ABCDEFHKLMNOPRSTUVXYZ"
_CATEGORIES = ("stolen", "stolen_plates", "hit_and_run", "uninsured")
_CYRILLIC = str.maketrans("ABEKMHOPCTYX", "АВЕКМНОРСТУХ")
_HEADER = "plate;category;legal_basis;authority;owner;valid_until;make;colour;note\n"


def write_list(path: Path, count: int, *, bad_every: int = 0, seed: int = 1) -> None:
    """A CSV of ``count`` different plates; one in ten has Cyrillic letters, one in ``bad_every`` is no plate."""
    draw = random.Random(seed)
    until = f"{datetime.now(UTC) + timedelta(days=60):%d.%m.%Y}"
    plates: dict[str, None] = {}
    while len(plates) < count:
        letters = "".join(draw.choices(_LETTERS, k=3))
        plates[f"{draw.randrange(1000):03}{letters}{draw.randrange(1, 21):02}"] = None
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEADER)
        for number, plate in enumerate(plates):
            written = plate.translate(_CYRILLIC) if number % 10 == 0 else plate
            written = "12#4" if bad_every and number % bad_every == 7 else written
            category = _CATEGORIES[number % 4]
            file.write(f"{written};{category};KUI {number};City police;Duty unit {number % 90};{until};Lada;red;row\n")


class Clock:
    """Wall and CPU seconds of a piece of work, Postgres' included."""

    def __init__(self, database: Database, postgres: int) -> None:
        self._database = database
        self._postgres = psutil.Process(postgres)

    def __call__(self, work: Callable[[], object]) -> tuple[float, float]:
        wall, before = time.perf_counter(), self._cpu()
        work()
        return time.perf_counter() - wall, sum(max(0.0, now - before.get(pid, 0.0)) for pid, now in self._cpu().items())

    def _cpu(self) -> dict[int, float]:
        everyone = [psutil.Process(), self._postgres, *self._postgres.children()]
        spent = {}
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent[process.pid] = times.user + times.system
        return spent


def measure(database: Database, folder: Path, count: int, opponent: int, timed: Clock) -> dict[str, float]:
    good, bad, small = folder / "list.csv", folder / "bad.csv", folder / "small.csv"
    write_list(good, count)
    write_list(bad, count // 10, bad_every=100, seed=2)
    write_list(small, max(10, count // 1000), seed=3)
    imports = ImportBook(database)
    rules = FileRules(CategoryBook(database).all(), id_prefix="big")
    found: dict[str, float] = {"rows": count, "file_mb": good.stat().st_size / 1e6}

    def stage(path: Path, hotlist: str, kind: ImportKind = ImportKind.FULL) -> None:
        reader = EntryReader(path.name, path.read_bytes(), rules)
        imports.stage(hotlist, reader, ImportSource(path.name), by="one", kind=kind, on_error=OnError.QUARANTINE)

    def approve() -> None:
        imports.approve(imports.list(state="pending")[0].import_id, by="two")

    def restore() -> None:
        imports.restore("big", by="one")
        approve()

    found["parse_s"], _ = timed(lambda: [None for _ in EntryReader(good.name, good.read_bytes(), rules)])
    found["stage_s"], found["stage_cpu_s"] = timed(lambda: stage(good, "big"))
    found["approve_s"], found["approve_cpu_s"] = timed(approve)
    found["total_s"] = found["stage_s"] + found["approve_s"]
    found["total_cpu_s"] = found["stage_cpu_s"] + found["approve_cpu_s"]
    found["rows_per_s"] = count / found["total_s"]
    found["unchanged_s"] = timed(lambda: stage(good, "big"))[0] + timed(approve)[0]
    found["load_s"], _ = timed(lambda: EntryFeed(database).live())
    found["delta_s"] = timed(lambda: stage(small, "big", ImportKind.DELTA))[0] + timed(approve)[0]
    rules = FileRules(rules.categories, id_prefix="bad")
    found["quarantine_rows"] = count // 10
    found["quarantine_s"] = timed(lambda: stage(bad, "bad"))[0]
    found["quarantined"] = imports.list("bad")[0].problems
    rules = FileRules(rules.categories, id_prefix="big")
    stage(small, "big")
    approve()  # a wrong full list has taken nearly everything off
    found["restore_s"], _ = timed(restore)
    found["live_after_restore"] = len(EntryFeed(database).live().entries)
    _, cpu = timed(lambda: insert_one_by_one(database, good, rules, opponent))
    found["opponent_cpu_s"] = cpu * count / opponent
    found["times_the_opponent"] = found["opponent_cpu_s"] / found["total_cpu_s"]
    return found


def insert_one_by_one(database: Database, path: Path, rules: FileRules, count: int) -> None:
    """What an import is without staging: each row its own INSERT, one transaction around all."""
    rows = EntryReader(path.name, path.read_bytes(), FileRules(rules.categories, id_prefix="opponent"))
    with database.transaction() as connection:
        connection.execute("INSERT INTO hotlists (hotlist_id, name, owner) VALUES ('opponent', 'opponent', 'x')")
        for number, row in enumerate(rows):
            if number == count:
                break
            connection.execute(
                "INSERT INTO entries (entry_id, hotlist_id, plate, category, legal_basis, authority, owner, "
                "valid_from, valid_until, state, entered_by, approved_by, version) "
                "VALUES (%s, 'opponent', %s, %s, %s, %s, %s, %s, %s, 'live', 'one', 'two', 1) "
                "ON CONFLICT (entry_id) DO UPDATE SET valid_until = excluded.valid_until",
                [
                    row.entry_id,  # type: ignore[union-attr]
                    row.plate,  # type: ignore[union-attr]
                    row.category,  # type: ignore[union-attr]
                    row.legal_basis,  # type: ignore[union-attr]
                    row.authority,  # type: ignore[union-attr]
                    row.owner,  # type: ignore[union-attr]
                    row.valid_from,  # type: ignore[union-attr]
                    row.valid_until,  # type: ignore[union-attr]
                ],
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object, last")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--opponent", type=int, default=5_000, help="rows written one by one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "postgres")
        try:
            with Database(postgres.start()) as database:
                database.migrate()
                clock = Clock(database, postgres.pid or 0)
                figures = measure(database, folder, given.rows, given.opponent, clock)
        finally:
            postgres.stop()
    print(f"{platform.node()}: {platform.machine()}, Python {platform.python_version()}")
    for figure, value in figures.items():
        print(f"{figure:>22}  {value:,.2f}")
    if given.json:
        print(json.dumps({figure: round(value, 3) for figure, value in figures.items()}))


if __name__ == "__main__":
    main()

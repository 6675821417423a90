"""How soon the first page of a search comes, in a database filled with so many reads and hits. Table, EXPLAIN, JSON.

The traffic is made inside an embedded Postgres: ``--hours`` of a fleet's passes at ``--cameras`` cameras, and hits of
half a year. Each kind of question is asked ``--rounds`` times with values drawn anew, through the desk, so that writing
the audit log counts too. The first round meets what the filling left in memory, nothing of its own. ``--keep FOLDER``
fills a folder once and measures it again later.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from index.alphabet import ALPHABET
from storage.audit import AuditLog, Purpose
from storage.database import Connection, Database
from storage.embedded import EmbeddedPostgres
from storage.posteriors import pack_posterior
from storage.search.desk import SearchDesk
from storage.search.likely import certain
from storage.search.query import Place, Query, polygons_of
from storage.search.statement import Filter, window

WHY = Purpose("the benchmark", "to measure", "B-1")
WEST, SOUTH = 76.0, 43.0
STEP = 0.01
"""Degrees between cameras, which stand in a square."""
_PLATE: Final = """
lpad((v %% 1000)::text, 3, '0') || chr(65 + v / 1000 %% 26) || chr(65 + v / 26000 %% 26) || chr(65 + v * 7 %% 26)
|| (ARRAY['02','02','02','05','01','01','10','17','14','09'])[1 + v * 3 %% 10]
"""
_VEHICLE: Final = """
CASE WHEN v %% 10 < 8 THEN 'car' WHEN v %% 10 = 8 THEN 'truck' ELSE 'bus' END,
(ARRAY['white','black','grey','silver','blue','red','green','yellow'])[1 + v * 5 %% 8]
"""
_READS: Final = f"""
INSERT INTO filling SELECT
    %(hour)s::timestamptz + (n - random()) * interval '3599.9 s' / %(count)s,
    'cam-' || (random() * (%(cameras)s - 1))::int,
    md5(n::text || %(hour)s), {_PLATE}, 0.95, 0.9, 'kz', 'kz2012', 1, 6, '{{1,2,3,4}}', '{{1,2,3,4}}', %(posterior)s,
    {_VEHICLE}
FROM (SELECT n, (random() * (%(fleet)s - 1))::int AS v FROM generate_series(1, %(count)s) n) drawn
"""  # noqa: S608 - constants
_READ_COLUMNS: Final = (
    "seen_at, camera_id, pass_id, text, score, legibility, country, format, lines, frames_read, plate_box, "
    "vehicle_box, posterior, vehicle_type, vehicle_colour"
)
_ALERTS: Final = """
INSERT INTO alerts (alert_id, camera_id, entry_id, pass_id, entry, first_seen_at, last_seen_at)
SELECT md5('a' || n)::uuid, 'cam-' || (random() * (%(cameras)s - 1))::int, 'e' || v, 'h' || n, '{}', at, at
FROM (SELECT n, (random() * (%(fleet)s - 1))::int AS v, %(now)s::timestamptz - random() * interval '180 days' AS at
      FROM generate_series(1, %(count)s) n) drawn
"""
_HITS: Final = f"""
INSERT INTO hits (hit_id, alert_id, camera_id, pass_id, entry_id, kind, score, text, read_score, characters, posterior,
    legibility, country, format, lines, frames_read, plate_box, seen_at, closed, vehicle_type, vehicle_colour)
SELECT alert_id, alert_id, camera_id, pass_id, entry_id, 'exact', 0.98, {_PLATE}, 0.95, '{{0.9}}', %(posterior)s,
    0.9, 'kz', 'kz2012', 1, 6, '{{1,2,3,4}}', first_seen_at, true, {_VEHICLE}
FROM (SELECT *, substr(entry_id, 2)::int AS v FROM alerts) raised
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Size:
    """What is filled in."""

    reads: int
    hits: int
    hours: int
    cameras: int
    fleet: int


def fill(database: Database, size: Size, now: datetime, say: Callable[[str], None]) -> None:
    """Make the traffic: partitions one by one, their indexes built when they are full."""
    posterior = pack_posterior(certain("123ABC02"))
    values = {"cameras": size.cameras, "fleet": size.fleet, "posterior": posterior, "now": now}
    side = int(size.cameras**0.5) + 1
    with database.connect(autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
        connection.execute(
            "INSERT INTO cameras (camera_id, name, place, latitude, longitude, source_sealed, source_shown) "
            "SELECT 'cam-' || n, 'Camera ' || n, 'Road ' || n / 100 || '/', "
            "%s + n / %s * %s, %s + n %% %s * %s, '', '' FROM generate_series(0, %s) n",
            [SOUTH, side, STEP, WEST, side, STEP, size.cameras - 1],
        )
        newest = now.replace(minute=0, second=0, microsecond=0)
        for number in range(size.hours):
            hour = newest - timedelta(hours=size.hours - 1 - number)
            with connection.transaction():  # a table made in the transaction that fills it needs no log
                connection.execute("CREATE TABLE filling (LIKE reads INCLUDING DEFAULTS INCLUDING STORAGE)")
                statement = _READS.replace("INSERT INTO filling", f"INSERT INTO filling ({_READ_COLUMNS})")
                connection.execute(
                    statement.encode(), values | {"hour": hour, "count": size.reads // size.hours}, prepare=False
                )
                name, until = f"reads_{hour:%Y%m%d%H}", hour + timedelta(hours=1)
                connection.execute(f"ALTER TABLE filling RENAME TO {name}".encode())
                connection.execute(
                    f"ALTER TABLE reads ATTACH PARTITION {name} FOR VALUES FROM ('{hour}') TO ('{until}')".encode()
                )
            connection.execute(f"VACUUM ANALYZE {name}".encode())
            say(f"{number + 1} of {size.hours} hours are filled")
        values["count"] = size.hits
        with connection.transaction():
            connection.execute(_ALERTS.encode(), values)
            connection.execute(_HITS.encode(), values)
        connection.execute(b"VACUUM ANALYZE alerts")
        connection.execute(b"VACUUM ANALYZE hits")
        connection.execute(b"ANALYZE cameras")
        connection.execute(b"CHECKPOINT")
        say("the hits are there")


def plate_of(v: int) -> str:
    """The plate of vehicle ``v``, as ``_PLATE`` spells it."""
    letters = "".join(chr(65 + n % 26) for n in (v // 1000, v // 26000, v * 7))
    return f"{v % 1000:03d}{letters}" + ("02", "02", "02", "05", "01", "01", "10", "17", "14", "09")[v * 3 % 10]


def questions(size: Size, draw: random.Random, now: datetime) -> dict[str, Callable[[], Query]]:
    """Each kind of question, with values drawn anew at every call."""

    def plate() -> str:
        return plate_of(draw.randrange(size.fleet))

    def corner() -> tuple[float, float]:
        side = int(size.cameras**0.5)
        return WEST + draw.uniform(0, side * STEP), SOUTH + draw.uniform(0, side * STEP)

    def square(of: float) -> Place:
        x, y = corner()
        ring = [[x, y], [x + of, y], [x + of, y + of], [x, y + of], [x, y]]
        return Place(area=polygons_of({"type": "Polygon", "coordinates": [ring]}))

    def hour() -> dict[str, datetime]:
        since = now - timedelta(hours=draw.uniform(2, size.hours - 1))
        return {"since": since, "until": since + timedelta(hours=1)}

    def letters() -> str:
        return "".join(draw.choice(ALPHABET[10:36]) for _ in range(3))

    return {
        "plate": lambda: Query(plate()),
        "plate that never came": lambda: Query("0" + plate()[1:6] + "20"),
        "plate in an hour": lambda: Query(plate(), **hour()),
        "plate among hits": lambda: Query(plate(), hits_only=True),
        "123AB*": lambda: Query(plate()[:5] + "*"),
        "123*": lambda: Query(plate()[:3] + "*"),
        "*BC02": lambda: Query("*" + plate()[4:]),
        "?23ABC02": lambda: Query("?" + plate()[1:]),
        "123A?C02": lambda: Query(plate()[:4] + "?" + plate()[5:]),
        "*ABC*": lambda: Query("*" + letters() + "*"),
        "similar": lambda: Query(plate(), similar=True),
        "one camera": lambda: Query(place=Place(cameras=(f"cam-{draw.randrange(size.cameras)}",))),
        "one camera in an hour": lambda: Query(place=Place(cameras=(f"cam-{draw.randrange(size.cameras)}",)), **hour()),
        "area of 100 cameras": lambda: Query(place=square(10 * STEP)),
        "area of 900 cameras": lambda: Query(place=square(30 * STEP)),
        "within 3 km": lambda: Query(place=Place(centre=corner(), radius_m=3000)),
        "road": lambda: Query(place=Place(road=f"Road {draw.randrange(size.cameras // 100)}/")),
        "red buses": lambda: Query(vehicle_types=("bus",), colours=("red",)),
        "blue buses: none": lambda: Query(vehicle_types=("bus",), colours=("blue",)),
        "all in an hour": lambda: Query(**hour()),
        "plate in an area": lambda: Query(plate(), place=square(30 * STEP)),
    }


def measure(desk: SearchDesk, size: Size, rounds: int, now: datetime) -> dict[str, dict[str, float]]:
    """First pages by kind of question: milliseconds, lines found, and how many had looked at all of the time."""
    asked = questions(size, random.Random(7), now)
    figures: dict[str, dict[str, float]] = {}
    for kind, make in asked.items():
        times, lines, whole = [], 0, 0
        for _ in range(rounds):
            query = make()
            query = query if query.until else replace(query, until=now)  # as if no time had passed since the filling
            started = time.perf_counter()
            page = desk.search(WHY, query, limit=50)
            times.append(1e3 * (time.perf_counter() - started))
            lines += len(page.sightings)
            whole += page.next is None or len(page.sightings) == 50
        figures[kind] = {
            "first_ms": times[0],
            "p50_ms": statistics.median(times),
            "p95_ms": sorted(times)[min(len(times) - 1, round(0.95 * len(times)))],
            "worst_ms": max(times),
            "lines": lines / rounds,
            "answered": whole / rounds,
        }
    return figures


def explain(connection: Connection, size: Size, now: datetime) -> dict[str, str]:
    """Plans of single windows: which partitions are opened, which indexes are used."""
    plans = {}
    for kind in ("plate in an hour", "*BC02", "one camera in an hour", "all in an hour"):
        query = questions(size, random.Random(3), now)[kind]()
        since = query.since or now - timedelta(hours=1)
        lookup = Filter(query, list(query.place.cameras) or None)
        statement, values = window(lookup, since, query.until or now, None, 51)
        rows = connection.execute(b"EXPLAIN (ANALYZE, COSTS OFF, SUMMARY ON) " + statement.encode(), values)
        plans[kind] = "\n".join(row[0] for row in rows)
    return plans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON only")
    parser.add_argument("--reads", type=int, default=2_000_000, help="the mark is set at 50000000")
    parser.add_argument("--hits", type=int, default=100_000, help="the mark is set at 1000000")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--cameras", type=int, default=10_000)
    parser.add_argument("--fleet", type=int, default=2_000_000, help="vehicles")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="fill this folder, or measure what it was filled with"
    )
    given = parser.parse_args()
    size = Size(given.reads, given.hits, given.hours, given.cameras, given.fleet)

    def say(line: str) -> None:
        if not given.json:
            print(line, flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.keep or Path(scratch)
        filled = folder / "filled.json"
        server = EmbeddedPostgres(folder / "pg", durable=False)
        server.start()
        try:
            with Database(server.dsn, connections=4) as database:
                database.migrate()
                fill_s = 0.0
                if not filled.exists():
                    started, now = time.perf_counter(), datetime.now(UTC)
                    fill(database, size, now, say)
                    fill_s = time.perf_counter() - started
                    sizes = {name: getattr(size, name) for name in Size.__slots__}
                    filled.write_text(json.dumps({"now": now.isoformat(), **sizes}))
                record = json.loads(filled.read_text())
                now = datetime.fromisoformat(record.pop("now"))
                size = Size(**record)
                figures = measure(SearchDesk(database, AuditLog(database)), size, given.rounds, now)
                with database.connect(autocommit=True) as connection:
                    plans = explain(connection, size, now)
                    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
                    disk = 0 if row is None else int(row[0])
        finally:
            server.stop()
    if not given.json:
        print(f"{'first page of 50':24}{'first':>9}{'p50':>9}{'p95':>9}{'worst':>9}{'lines':>8}{'answered':>10}")
        for kind, row_ in figures.items():
            times = "".join(f"{row_[name]:9.1f}" for name in ("first_ms", "p50_ms", "p95_ms", "worst_ms"))
            print(f"{kind:24}{times}{row_['lines']:8.1f}{row_['answered']:10.0%}")
        for kind, plan in plans.items():
            print(f"\n{kind}:\n{plan}")
    summary = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        **record,
        "fill_s": round(fill_s, 1),
        "bytes": disk,
        "first_page_p50_ms": round(statistics.median(row_["p50_ms"] for row_ in figures.values()), 1),
        "first_page_worst_p95_ms": round(max(row_["p95_ms"] for row_ in figures.values()), 1),
        "by_question": {kind: {name: round(v, 2) for name, v in row_.items()} for kind, row_ in figures.items()},
        "partitions_opened": {
            kind: sum(f" on reads_{hour}" in plan for hour in _hours(now, size)) for kind, plan in plans.items()
        },
    }
    print(json.dumps(summary))


def _hours(now: datetime, size: Size) -> list[str]:
    return [f"{now - timedelta(hours=n):%Y%m%d%H}" for n in range(size.hours)]


if __name__ == "__main__":
    main()

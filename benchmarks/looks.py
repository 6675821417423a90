"""How soon a search by looks answers, and what its index holds, among so many kept appearances. Table and JSON.

``--reads`` passes with an appearance each are written over the last ``--hours`` into an embedded Postgres. Looks are
sought in all of the time: first with nothing in memory, then ``--rounds`` times more; then after ten more minutes of
reads have come in. ``found`` is the share of sought vehicles, each one of those written and seen again with a cosine of
0.95, that come first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.appearance import DIMENSIONS
from storage.database import Connection, Database
from storage.embedded import EmbeddedPostgres
from storage.posteriors import pack_posterior
from storage.reads import ReadLog
from storage.search.likely import certain
from storage.search.looks import LooksIndex
from storage.search.query import Query

_READS = (
    "seen_at, camera_id, pass_id, text, score, legibility, lines, frames_read, plate_box, posterior, vehicle_type, "
    "vehicle_colour"
)


def fill(connection: Connection, vectors: NDArray[np.int8], since: datetime, until: datetime, cameras: int) -> None:
    """A pass for each vector ``(N, DIMENSIONS) int8``, evenly over the time."""
    posterior = pack_posterior(certain("123ABC02"))
    step = (until - since) / len(vectors)
    keys = [(since + n * step, f"cam-{n * 7 % cameras}", f"{since:%H%M%S}-{n}") for n in range(len(vectors))]
    with connection.cursor().copy("COPY appearances (seen_at, camera_id, pass_id, vector) FROM STDIN") as copy:
        for key, vector in zip(keys, vectors, strict=True):
            copy.write_row((*key, vector.tobytes()))
    with connection.cursor().copy(f"COPY reads ({_READS}) FROM STDIN") as copy:
        for n, key in enumerate(keys):
            told = ("car", "bus", "truck")[n % 3], ("white", "black", "red")[n % 3]
            copy.write_row((*key, "123ABC02", 0.95, 0.9, 1, 6, [1.0, 2.0, 3.0, 4.0], posterior, *told))


def drawn(rng: np.random.Generator, count: int) -> NDArray[np.int8]:
    """Vectors of vehicles: 300 models and colours, each with vehicles of its own around it."""
    centres = rng.standard_normal((300, DIMENSIONS))
    vectors = centres[rng.integers(0, 300, count)] + 0.6 * rng.standard_normal((count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.clip(np.rint(vectors * 250), -127, 127).astype(np.int8)


def seen_again(rng: np.random.Generator, vector: NDArray[np.int8]) -> NDArray[np.float32]:
    """The vehicle of a vector, with a cosine of 0.95."""
    sought = vector / np.linalg.norm(vector.astype(np.float64))
    aside = rng.standard_normal(DIMENSIONS)
    aside -= (aside @ sought) * sought
    return np.asarray(0.95 * sought + np.sqrt(1 - 0.95**2) * aside / np.linalg.norm(aside), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON only")
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--hours", type=int, default=12)
    parser.add_argument("--cameras", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(hours=given.hours)
    with tempfile.TemporaryDirectory() as scratch:
        server = EmbeddedPostgres(Path(scratch) / "pg", durable=False)
        server.start()
        try:
            with Database(server.dsn, connections=2, statement_timeout_s=600) as database:
                database.migrate()
                log = ReadLog(database, retention_hours=given.hours + 1)
                for hour in range(given.hours + 1):
                    log.maintain(now=since + timedelta(hours=hour))
                some = [drawn(rng, given.reads // given.hours) for _ in range(given.hours)]
                for hour, vectors in enumerate(some):
                    began = since + timedelta(hours=hour)
                    with database.connect() as connection:
                        fill(connection, vectors, began, began + timedelta(hours=1), given.cameras)
                    if not given.json:
                        print(f"{hour + 1} of {given.hours} hours are filled", flush=True)
                figures = measure(database, rng, some, since, until, given)
        finally:
            server.stop()
    if not given.json:
        for name, value in figures.items():
            print(f"{name:24}{value}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(json.dumps({"machine": machine, "reads": given.reads, "hours": given.hours, **figures}))


def measure(
    database: Database,
    rng: np.random.Generator,
    some: list[NDArray[np.int8]],
    since: datetime,
    until: datetime,
    given: argparse.Namespace,
) -> dict[str, float]:
    """Seconds and milliseconds of searches in all of the time; bytes; share found first."""
    index, end = LooksIndex(database), until + timedelta(minutes=10)

    def ask(looks: NDArray[np.float32]) -> tuple[float, datetime]:
        started = time.perf_counter()
        with database.transaction() as connection:
            found = index.search(connection, Query(), looks, None, since, end, 500, 600.0)
        return time.perf_counter() - started, max(found.likeness, key=lambda key: found.likeness[key])[0]

    cold_s, _ = ask(seen_again(rng, some[0][0]))
    times, hits = [], 0
    for _ in range(given.rounds):
        hour = int(rng.integers(len(some)))
        row = int(rng.integers(len(some[hour])))
        took_s, first = ask(seen_again(rng, some[hour][row]))
        times.append(took_s)
        seen_at = since + timedelta(hours=hour) + row * (timedelta(hours=1) / len(some[hour]))
        hits += abs(first - seen_at) < timedelta(microseconds=5)
    with database.connect() as connection:
        fill(connection, drawn(rng, len(some[0]) // 6), until, end, given.cameras)
    later_s, _ = ask(seen_again(rng, some[0][0]))
    figures = {
        "cold_s": round(cold_s, 2),
        "warm_p50_ms": round(1e3 * statistics.median(times), 1),
        "warm_worst_ms": round(1e3 * max(times), 1),
        "ten_minutes_later_ms": round(1e3 * later_s, 1),
        "index_bytes": index.nbytes,
        "bytes_per_read": round(index.nbytes / sum(map(len, some)), 1),
        "found": hits / given.rounds,
    }
    index.close()
    return figures


if __name__ == "__main__":
    main()

"""How fast reads, hits and events are written to an embedded Postgres on this machine. Prints a table and JSON."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from index.alphabet import ALPHABET, SLOTS
from index.entry import Entry, HitKind, Match
from index.read import Box, PlateRead, Posterior
from storage.alerts import PictureKind
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.events import EventLog
from storage.hits import HitBook
from storage.hotlists.feed import EntryFeed
from storage.hotlists.imports import ImportBook
from storage.hotlists.rows import EntryRow
from storage.posteriors import pack_posterior
from storage.reads import ReadLog

NOW = datetime.now(UTC)
PICTURE = b"\xff" * 30_000


def make_reads(count: int, seed: int) -> list[PlateRead]:
    """Reads with posteriors as peaked as a real reader's."""
    random = np.random.default_rng(seed)
    reads = []
    for n in range(count):
        logits = random.normal(0, 1.5, (SLOTS, len(ALPHABET))).astype(np.float32)
        logits[np.arange(SLOTS), random.integers(0, len(ALPHABET), SLOTS)] += 14
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        reads.append(
            PlateRead(
                camera_id=f"cam-{n % 100}",
                pass_id=f"{seed}-{n}",
                posterior=Posterior(log_probs),
                legibility=0.9,
                country="kz",
                format="kz2012",
                lines=1,
                frames_read=6,
                plate_box=Box(1, 2, 3, 4),
                vehicle_box=Box(1, 2, 3, 4),
                vehicle_type="car",
                t_in=1.0,
                t_out=2.0,
                best_t=1.5,
                seen_at=NOW - timedelta(seconds=n % 3000),
            )
        )
    return reads


def measure_reads(database: Database, batch: int, batches: int) -> dict[str, float]:
    log = ReadLog(database)
    made = [make_reads(batch, seed) for seed in range(batches)]
    log.write(make_reads(1, 10_000))
    started = time.perf_counter()
    for reads in made:
        log.write(reads)
    wall_s = time.perf_counter() - started
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'reads'::regclass"
        ).fetchone()
    assert row is not None
    return {
        "reads_per_s": batch * batches / wall_s,
        "bytes_per_read": float(row[0]) / (batch * batches),
        "posterior_bytes": float(np.mean([len(pack_posterior(read.posterior)) for read in made[0][:500]])),
    }


def measure_hits(database: Database, count: int) -> dict[str, float]:
    """Each with a picture of 30 KB, one after the other."""
    book, times = HitBook(database), []
    for n, read in enumerate(make_reads(count, 77)):
        entry = Entry(f"e{n}", read.text, "stolen", NOW - timedelta(days=1), NOW + timedelta(days=1))
        match = Match(entry, HitKind.EXACT, 0.98)
        started = time.perf_counter()
        book.record(read, match, same_alert_within_s=60, pictures={PictureKind.PLATE: PICTURE})
        times.append(time.perf_counter() - started)
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    return {"hit_p50_ms": float(p50), "hit_p95_ms": float(p95)}


def measure_wake(database: Database, count: int) -> dict[str, float]:
    """From the append until a reader was woken and has the event."""
    log, times = EventLog(database), []
    with log.listen() as listener:
        listener.start()
        cursor = log.last_cursor()
        for _ in range(count):
            started = time.perf_counter()
            log.append("camera.state", {})
            assert listener.wait(5)
            cursor = log.after(cursor)[-1].cursor
            times.append(time.perf_counter() - started)
    return {"event_p95_ms": float(np.percentile(times, 95) * 1000)}


def measure_import(database: Database, count: int) -> dict[str, float]:
    until = NOW + timedelta(days=9)
    rows = [EntryRow(f"i{n}", f"{n:08d}", "stolen", "order", "police", NOW, until) for n in range(count)]
    started = time.perf_counter()
    ImportBook(database).bring("big", rows, by="benchmark", approved_by="its second person")
    imported_s = time.perf_counter() - started
    started = time.perf_counter()
    EntryFeed(database).live()
    loaded_s = time.perf_counter() - started
    return {"entries_imported_per_s": count / imported_s, "entries_loaded_per_s": count / loaded_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON only")
    parser.add_argument("--batch", type=int, default=1000, help="reads in one COPY")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--hits", type=int, default=300)
    parser.add_argument("--entries", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "pg")
        server.start()
        try:
            with Database(server.dsn) as database:
                database.migrate()
                figures = {
                    **measure_reads(database, given.batch, given.batches),
                    **measure_hits(database, given.hits),
                    **measure_wake(database, 200),
                    **measure_import(database, given.entries),
                }
        finally:
            server.stop()
    if not given.json:
        for name, value in figures.items():
            print(f"{name:24} {value:12,.1f}")
    print(json.dumps({"machine": platform.processor() or platform.machine(), **figures}))


if __name__ == "__main__":
    main()

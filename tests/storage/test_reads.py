from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from index.alphabet import ALPHABET, SLOTS
from index.read import Posterior
from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.posteriors import pack_posterior, unpack_posterior
from storage.reads import ReadLog, WrittenReads
from tests.fixtures.records import NOON, make_read


@given(arrays(np.float32, (SLOTS, len(ALPHABET)), elements=st.floats(-10, 10, width=32)))
def test_a_packed_posterior_comes_back_close(logits: np.ndarray) -> None:
    log_probs = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True))
    back = unpack_posterior(pack_posterior(Posterior(log_probs.astype(np.float32))))
    assert np.allclose(np.exp(back.log_probs), np.exp(log_probs), rtol=0.07, atol=1e-4)


def test_impossible_symbols_survive_packing() -> None:
    log_probs = np.full((SLOTS, len(ALPHABET)), -np.inf, dtype=np.float32)
    log_probs[:, 3] = 0
    packed = pack_posterior(Posterior(log_probs))
    assert unpack_posterior(packed).text == "3333333333"
    assert len(packed) < 100


def test_reads_are_kept_and_found(database: Database) -> None:
    log = ReadLog(database)
    reads = [make_read(pass_id=f"p{n}", seen_at=NOON + timedelta(minutes=7 * n)) for n in range(20)]
    assert log.write(reads, now=NOON + timedelta(hours=3)) == WrittenReads(20, 0, 0)
    found = log.find("123ABC02", NOON, NOON + timedelta(minutes=30))
    assert [read.pass_id for read in found] == ["p4", "p3", "p2", "p1", "p0"]
    assert found[0].posterior.text == "123ABC02"


def test_a_replayed_batch_changes_nothing(database: Database) -> None:
    log = ReadLog(database)
    reads = [make_read(pass_id=f"p{n}") for n in range(3)]
    log.write(reads[:2], now=NOON)
    assert log.write(reads, now=NOON) == WrittenReads(1, 2, 0)
    assert log.count() == 3


def test_writers_race_for_the_same_partition_and_the_same_reads(database: Database) -> None:
    logs = [ReadLog(database) for _ in range(4)]
    reads = [make_read(pass_id=f"p{n}") for n in range(50)]
    written: list[WrittenReads] = []
    threads = [threading.Thread(target=lambda log=log: written.append(log.write(reads, now=NOON))) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(batch.written for batch in written) == 50
    assert logs[0].count() == 50


def test_retention_drops_partitions_and_their_files(database: Database, postgres: EmbeddedPostgres) -> None:
    log = ReadLog(database, retention_hours=2)
    reads = [make_read(pass_id=f"p{hour}", seen_at=NOON + timedelta(hours=hour)) for hour in range(3)]
    log.write(reads, now=NOON + timedelta(hours=2))
    with database.transaction() as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_relation_filepath('reads_2026112312')").fetchone()
    assert row is not None
    file: Path = postgres.folder / "data" / row[0]
    assert file.stat().st_size > 0
    kept = log.maintain(now=NOON + timedelta(hours=2, minutes=59))
    assert kept.dropped == ()
    done = log.maintain(now=NOON + timedelta(hours=3))
    assert done.dropped == ("reads_2026112312",)
    assert done.oldest == NOON + timedelta(hours=1)
    assert log.count() == 2
    with database.transaction() as connection:
        connection.execute("CHECKPOINT")  # the server keeps an empty first segment until then
    assert not file.exists()


def test_what_is_past_keeping_is_refused_and_counted(database: Database) -> None:
    log = ReadLog(database, retention_hours=2)
    reads = [make_read(pass_id=str(hours), seen_at=NOON + timedelta(hours=hours)) for hours in (-4, 0)]
    assert log.write(reads, now=NOON) == WrittenReads(1, 0, 1)


def test_what_a_clock_ahead_saw_is_kept_once_under_its_arrival_and_no_longer_than_the_rest(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    log = ReadLog(database, retention_hours=2)
    reads = [make_read(pass_id=str(hours), seen_at=NOON + timedelta(hours=hours)) for hours in (0, 24, 9000)]
    assert log.write(reads, now=NOON) == WrittenReads(3, 0, 0, ahead=2)
    [told] = caplog.messages
    assert "reads of cam-1 are from a clock that runs 9000.0 h ahead" in told
    replay = NOON + timedelta(minutes=5)
    assert log.write(reads, now=replay) == WrittenReads(0, 3, 0, ahead=2)
    assert [read.seen_at for read in log.find("123ABC02", NOON, replay)] == [NOON] * 3
    log.maintain(now=NOON + timedelta(hours=3))
    assert log.count() == 0


def test_partitions_are_made_ahead(database: Database) -> None:
    log = ReadLog(database)
    assert log.maintain(now=NOON).created == tuple(f"reads_20261123{hour}" for hour in (12, 13, 14, 15))
    assert log.maintain(now=NOON).created == ()


def test_a_partition_dropped_by_another_is_made_again(database: Database) -> None:
    log, other = ReadLog(database), ReadLog(database)
    log.write([make_read(pass_id="a")], now=NOON)
    other.maintain(now=NOON + timedelta(hours=26))
    assert log.write([make_read(pass_id="b")], now=NOON).written == 1


def test_a_clock_set_ahead_and_back_loses_no_read_before_its_time(database: Database) -> None:
    log = ReadLog(database, retention_hours=2)
    late = NOON + timedelta(hours=9)
    log.maintain(now=NOON)
    assert log.write([make_read(pass_id="far ahead", seen_at=late)], now=late).written == 1, "no partition was ready"
    assert log.write([make_read(pass_id="set back")], now=NOON + timedelta(minutes=1)).written == 1
    assert log.maintain(now=NOON + timedelta(minutes=1)).dropped == ()
    assert log.count() == 2
    assert log.write([make_read(pass_id="lags", seen_at=NOON + timedelta(hours=7))], now=late).written == 1
    dropped = log.maintain(now=late).dropped
    assert "reads_2026112312" in dropped
    assert log.count() == 2, "what was written while the clock was ahead lives as long as any other"
    log.maintain(now=late + timedelta(hours=3))
    assert log.count() == 0


def test_hours_are_of_utc_whatever_the_zone_of_the_database(database: Database) -> None:
    with database.transaction() as connection:
        name = connection.execute("SELECT current_database()").fetchone()
        assert name is not None
        connection.execute(f"ALTER DATABASE {name[0]} SET timezone = 'Asia/Kathmandu'".encode())
    with Database(database.dsn) as other:
        log = ReadLog(other)
        edges = [NOON, NOON + timedelta(minutes=59, seconds=59, microseconds=999_999), NOON + timedelta(hours=1)]
        log.write([make_read(pass_id=f"p{n}", seen_at=at) for n, at in enumerate(edges)], now=NOON)
    with database.transaction() as connection:
        counts = connection.execute("SELECT tableoid::regclass::text, count(*) FROM reads GROUP BY 1 ORDER BY 1")
        assert counts.fetchall() == [("reads_2026112312", 2), ("reads_2026112313", 1)]


def test_no_setting_goes_beyond_the_ceiling(database: Database) -> None:
    with pytest.raises(ValueError, match="168 hours"):
        ReadLog(database, retention_hours=169)

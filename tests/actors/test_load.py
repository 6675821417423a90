"""How hard the workers are pressed, and what is kept of seconds that nobody looked at."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from actors.load import Load
from actors.unwatched import UnwatchedLedger


def test_a_node_is_strained_only_while_no_worker_has_time_to_spare() -> None:
    load = Load(workers=2)
    release = threading.Event()
    started = threading.Barrier(3)

    def work() -> None:
        with load.working():
            started.wait(60)
            release.wait(60)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    started.wait(60)
    load.judge([])
    release.wait(0.2)
    load.judge([0.1, 0.6, 0.9])
    assert load.busy == pytest.approx(1.0, abs=0.02)
    assert load.strain == 0.6
    release.set()
    for worker in workers:
        worker.join(60)
    load.judge([])
    threading.Event().wait(0.2)
    load.judge([0.9])
    assert load.busy < 0.1
    assert load.strain == 0.0, "one camera too heavy for a worker is no trouble of the others"


def test_seconds_go_on_being_counted_while_the_ingest_is_down(tmp_path: Path) -> None:
    ledger = UnwatchedLedger(tmp_path)
    assert ledger.resume("north") is None
    ledger.note({"north": 12.0, "south": 0.0})
    ledger.save()
    again = UnwatchedLedger(tmp_path)
    first = again.resume("north")
    assert first is not None
    assert first.noted_s == 12.0
    assert 12.0 <= first.now_s < 60.0
    threading.Event().wait(0.1)
    later = again.resume("north")
    assert later is not None
    assert later.now_s > first.now_s
    again.forget("north")
    again.note({"south": 1.0})
    again.save()
    assert UnwatchedLedger(tmp_path).resume("north") is None, "a camera that left is forgotten"


def test_a_broken_ledger_counts_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "unwatched.json").write_text('{"north": 3}')
    assert UnwatchedLedger(tmp_path).resume("north") is None

"""An entry that goes live finds the vehicle in the reads still kept, whoever dies meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from actors.look_back import LookBackOptions, LookBackWorker
from actors.match import Matcher
from index.alphabet import ALPHABET
from index.read import Posterior
from storage.alerts import Alert, AlertBook
from storage.database import Database
from storage.hotlists.entries import EntryBook
from storage.hotlists.imports import ImportBook
from storage.hotlists.lists import HotlistBook
from storage.hotlists.look_backs import LookBackQueue
from storage.reads import ReadLog
from tests.fixtures.entries import make_row
from tests.fixtures.records import make_read, posterior_of

OPTIONS = LookBackOptions(batch=50, share=1.0, settle_s=0.2, poll_s=0.05)


def ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def doubtful(text: str, slot: int, other: str) -> Posterior:
    """A read that takes ``text``'s character in ``slot`` for ``other``, without being sure."""
    probabilities = np.exp(posterior_of(text, 0.999).log_probs)
    probabilities[slot] = 1e-4
    probabilities[slot, ALPHABET.index(other)] = 0.6
    probabilities[slot, ALPHABET.index(text[slot])] = 0.4
    return Posterior(np.log(probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32))


@contextmanager
def looking_back(database: Database, **given: Any) -> Iterator[LookBackWorker]:
    matcher = Matcher(database)
    worker = LookBackWorker(database, matcher, replace(OPTIONS, **given))
    try:
        yield worker
    finally:
        worker.close()
        matcher.close()


def wait_until(what: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_done(database: Database) -> bool:
    queue = LookBackQueue(database)
    return bool(queue.newest()) and not queue.waiting()


def alerts(database: Database) -> list[Alert]:
    return sorted(AlertBook(database).newest(), key=lambda alert: alert.seen_at)


@pytest.fixture
def entries(database: Database) -> EntryBook:
    HotlistBook(database).make("main", by="clerk", owner="police", purpose="stolen vehicles")
    return EntryBook(database)


def test_the_reads_still_kept_are_searched_by_likelihood(database: Database, entries: EntryBook) -> None:
    ReadLog(database).write(
        [
            make_read(camera_id="a", pass_id="night", text="123ABC02", seen_at=ago(9)),
            replace(make_read(camera_id="b", pass_id="doubt", seen_at=ago(3)), posterior=doubtful("123ABC02", 3, "H")),
            make_read(camera_id="b", pass_id="other", text="777KZA05", seen_at=ago(2)),
            *(make_read(camera_id="c", pass_id=f"p{n}", text=f"{n:03}XYZ0{n % 9}", seen_at=ago(1)) for n in range(120)),
        ]
    )
    with looking_back(database) as worker:
        entries.draft("main", make_row("123ABC02", since_days=0), by="clerk")
        assert not LookBackQueue(database).newest()  # a draft is not looked for
        live = entries.approve("e-123ABC02", by="chief")
        wait_until(lambda: is_done(database))
        found = alerts(database)
        assert [(alert.camera_id, alert.pass_id, alert.kind) for alert in found] == [
            ("a", "night", "exact"),
            ("b", "doubt", "probable"),
        ]
        assert all(alert.before_entry for alert in found)
        told = found[0].as_json()
        assert (told["before_entry"], told["picture"]["state"], told["clip"]["state"]) == (True, "lost", "lost")
        assert told["clip"]["reason"] == "it passed before the entry"
        (done,) = LookBackQueue(database).newest()
        assert (done.version, done.reads, done.hits) == (live.version, 123, 2)
        assert worker.stats()["look_back_hits"] == 2


def test_a_read_on_its_way_while_the_entry_went_live_is_found_and_is_not_before_it(
    database: Database, entries: EntryBook
) -> None:
    with looking_back(database, settle_s=4.0):
        entries.draft("main", make_row(), by="clerk")
        live = entries.approve("e-123ABC02", by="chief")
        assert live.live_since is not None
        wait_until(lambda: any(one.before for one in LookBackQueue(database).waiting()))
        ReadLog(database).write([make_read(seen_at=live.live_since + timedelta(milliseconds=1))])
        wait_until(lambda: is_done(database))
    assert [alert.before_entry for alert in alerts(database)] == [False]


def test_it_goes_on_after_a_death_and_doubles_nothing(database: Database) -> None:
    reads = [make_read(camera_id=f"c{n}", pass_id=f"h{n}", seen_at=ago(n + 0.01)) for n in range(5)]
    ReadLog(database).write(reads)
    ImportBook(database).bring("main", [make_row()], by="clerk", approved_by="chief")
    with looking_back(database, share=0.001):  # so slow that it dies in the middle of the first hour
        wait_until(lambda: len(alerts(database)) == 1)
    (waiting,) = LookBackQueue(database).waiting()
    assert waiting.next_hour is not None
    with looking_back(database):
        wait_until(lambda: is_done(database))
    assert [alert.camera_id for alert in alerts(database)] == ["c4", "c3", "c2", "c1", "c0"]


def test_what_does_not_match_is_not_looked_for(database: Database, entries: EntryBook) -> None:
    ReadLog(database).write([make_read(seen_at=ago(1))])
    entries.draft("main", make_row(), by="clerk")
    entries.approve("e-123ABC02", by="chief")
    HotlistBook(database).suspend("main", by="chief", because="wrong")
    with looking_back(database):
        wait_until(lambda: is_done(database))
    assert alerts(database) == []


def test_entries_begin_and_end_by_themselves(database: Database, entries: EntryBook) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=4)
    ReadLog(database).write([make_read(seen_at=ago(1))])
    entries.draft("main", replace(make_row(), valid_from=soon), by="clerk")
    assert entries.approve("e-123ABC02", by="chief").state == "approved"
    entries.draft("main", replace(make_row("777AAA01"), valid_until=soon), by="clerk")
    entries.approve("e-777AAA01", by="chief")
    with looking_back(database):
        wait_until(lambda: entries.get("e-123ABC02").state == "live")
        wait_until(lambda: entries.get("e-777AAA01").state == "expired")
        wait_until(lambda: bool(alerts(database)))
    assert [alert.before_entry for alert in alerts(database)] == [True]

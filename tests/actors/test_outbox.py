"""Reports are matched, published, and forgotten only then; peers that are away only delay them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from actors.journal import Journal
from actors.outbox import Outbox, OutboxOptions
from actors.peers import PeerAway, Recorded, Sighting
from actors.report import PassReport, ReportBroken
from index.entry import Match
from index.read import PlateRead, Posterior
from tests.fixtures.records import make_match, make_read


def until(what: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Peer:
    """A matcher and publisher that can be away, and remembers what it took."""

    def __init__(self, listed: str = "123ABC02") -> None:
        self.listed = listed
        self.away = False
        self.recorded: list[tuple[PassReport, Sequence[Match]]] = []
        self.reads: list[PlateRead] = []

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        self._check()
        texts = [Posterior(sighting.log_probs).text for sighting in sightings]
        if "BROKEN" in texts:
            raise ZeroDivisionError
        return [[make_match()] if text == self.listed else [] for text in texts]

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        self._check()
        self.recorded.append((report, matches))
        return Recorded(wants_clip=True, raised=1)

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        self._check()
        self.reads.extend(reads)

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        raise AssertionError

    def _check(self) -> None:
        if self.away:
            raise PeerAway("away")


class Desk:
    """An outbox over a journal, and the hits that it told of."""

    def __init__(self, folder: Path, peer: Peer, options: OutboxOptions | None = None) -> None:
        self.journal = Journal(folder)
        self.hits: list[PassReport] = []
        self.told = threading.Event()
        options = options or OutboxOptions(reads_every_s=0.05)
        self.outbox = Outbox(self.journal, peer, peer, self._tell, options)

    def _tell(self, report: PassReport) -> None:
        self.hits.append(report)
        self.told.set()


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def desk(tmp_path: Path, peer: Peer) -> Iterator[Desk]:
    desk = Desk(tmp_path / "journal", peer)
    yield desk
    desk.outbox.close()


def report(text: str = "123ABC02", pass_id: str = "p1", *, closed: bool = True) -> PassReport:  # noqa: S107
    return PassReport(make_read(pass_id=pass_id, text=text, closed=closed), b"plate", b"vehicle")


def test_a_hit_is_recorded_and_its_clip_asked_for(desk: Desk, peer: Peer) -> None:
    desk.outbox.put(report())
    until(lambda: desk.journal.counts.items == 0 and bool(peer.reads))
    assert [r.identity for r, _ in peer.recorded] == [("cam-1", "p1")]
    assert peer.recorded[0][0].vehicle_jpeg == b"vehicle"
    assert [hit.identity for hit in desk.hits] == [("cam-1", "p1")]


def test_a_read_of_no_interest_is_kept_without_an_alert(desk: Desk, peer: Peer) -> None:
    desk.outbox.put(report("999XYZ01"))
    until(lambda: len(peer.reads) == 1)
    assert peer.recorded == []
    until(lambda: desk.journal.counts.items == 0)


def test_an_early_report_alerts_at_once_and_the_final_one_completes_it(desk: Desk, peer: Peer) -> None:
    desk.outbox.put(report(closed=False))
    assert desk.told.wait(60)
    assert desk.journal.counts.items == 1, "the pass is not over: its report stays"
    desk.outbox.put(report("999XYZ01"))  # fused further, it reads as another plate: the alert stands, and is completed
    until(lambda: desk.journal.counts.items == 0)
    assert [r.read.closed for r, _ in peer.recorded] == [False, True]


def test_nothing_is_lost_while_a_peer_is_away(desk: Desk, peer: Peer) -> None:
    peer.away = True
    for number in range(5):
        desk.outbox.put(report(pass_id=f"p{number}"))
    until(lambda: desk.outbox.counts.retries > 2)
    assert desk.journal.counts.items == 5
    peer.away = False
    until(lambda: desk.journal.counts.items == 0)
    assert sorted(r.read.pass_id for r, _ in peer.recorded) == [f"p{number}" for number in range(5)]


def test_what_a_killed_process_left_is_delivered_by_the_next(tmp_path: Path, peer: Peer) -> None:
    dead = Journal(tmp_path / "journal")
    dead.put(report(closed=False))
    desk = Desk(tmp_path / "journal", peer)
    until(lambda: desk.journal.counts.items == 0)
    (recorded, _) = peer.recorded[0]
    assert recorded.read.closed, "the pass ended with the process that watched it"
    assert desk.outbox.counts.replayed == 1
    desk.outbox.close()


def test_more_than_fits_in_memory_waits_on_disk(tmp_path: Path, peer: Peer) -> None:
    peer.away = True
    desk = Desk(tmp_path / "journal", peer, OutboxOptions(in_memory=3, batch=2, reads_every_s=0.05))
    for number in range(20):
        desk.outbox.put(report(pass_id=f"p{number:02d}"))
    assert desk.outbox.waiting <= 5
    peer.away = False
    until(lambda: desk.journal.counts.items == 0)
    assert {r.read.pass_id for r, _ in peer.recorded} == {f"p{number:02d}" for number in range(20)}
    desk.outbox.close()


def test_one_bad_report_does_not_hold_up_the_others(desk: Desk, peer: Peer) -> None:
    peer.away = True
    for text, pass_id in (("BROKEN", "p0"), ("123ABC02", "p1"), ("123ABC02", "p2")):
        desk.outbox.put(report(text, pass_id))
    peer.away = False
    until(lambda: desk.journal.counts.items == 0 and desk.outbox.counts.set_aside == 1)
    assert sorted(r.read.pass_id for r, _ in peer.recorded) == ["p1", "p2"]


def test_an_early_report_whose_final_one_never_comes_is_final(tmp_path: Path, peer: Peer) -> None:
    desk = Desk(tmp_path / "journal", peer, OutboxOptions(reads_every_s=0.05, early_for_s=0.05))
    desk.outbox.put(report(closed=False))
    assert desk.told.wait(60)

    def is_final() -> bool:
        desk.outbox.put(report("999XYZ01", "p2"))  # whatever comes next reminds the outbox
        return any(read.pass_id == "p1" for read in peer.reads)

    until(is_final)
    desk.outbox.close()


def test_a_report_survives_as_bytes() -> None:
    before = report()
    after = PassReport.from_bytes(before.to_bytes())
    assert replace(after.read, posterior=before.read.posterior) == before.read
    assert (after.read.posterior.log_probs == before.read.posterior.log_probs).all()
    assert (after.plate_jpeg, after.vehicle_jpeg) == (b"plate", b"vehicle")
    for broken in (b"", before.to_bytes()[:-1], b"x" * 40, before.to_bytes() + b"x"):
        with pytest.raises(ReportBroken):
            PassReport.from_bytes(broken)


def test_the_journal_is_bounded_and_sets_broken_files_aside(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=6000)
    kept = [journal.put(report(pass_id=f"p{number}")) for number in range(5)]
    assert kept[0]
    assert not kept[-1]
    assert journal.counts.refused == kept.count(False)
    next(tmp_path.glob("*.report")).write_bytes(b"bkr1 cut short")
    again = Journal(tmp_path)
    assert len(list(again.replay())) == kept.count(True) - 1
    assert again.counts.broken == 1
    assert len(list(tmp_path.glob("*.broken"))) == 1


def test_what_nobody_took_for_as_long_as_reads_are_kept_is_gone_from_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        journal.put(PassReport(make_read(pass_id=f"p{number}"), b"plate", b"vehicle"))
    journal.set_aside(("cam-1", "p0"))
    journal.forget(3600.0)
    assert len(list(tmp_path.iterdir())) == 3
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    journal.put(PassReport(make_read(pass_id="p2"), b"plate", b"a later picture"))
    journal.forget(3600.0)
    assert [report.vehicle_jpeg for report in journal.replay()] == [b"a later picture"]
    assert (journal.counts.items, journal.counts.forgotten, len(list(tmp_path.iterdir()))) == (1, 2, 1)

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.errors import SpoolFull
from storage.spool import Spool, SpoolItem, SpoolItemBroken
from storage.spool_files import SpoolInUse

MB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def test_items_come_in_order_by_key_one_at_a_time(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        for key, payload in (("a", b"1"), ("a", b"2"), ("b", b"3")):
            spool.put(key, payload, {"n": 1})
        first, second = spool.take(0), spool.take(0)
        assert first is not None
        assert second is not None
        assert (first.read(), second.read(), spool.take(0)) == (b"1", b"3", None)
        spool.done(first)
        third = spool.take(0)
        assert third is not None
        assert (third.read(), dict(third.note)) == (b"2", {"n": 1})


def test_what_was_not_done_comes_again_after_a_restart(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"film")
    with Spool(folder, bound_bytes=MB) as spool:
        spool.put_file("clip", file)
        assert not file.exists()
        assert spool.take(0) is not None
    with Spool(folder, bound_bytes=MB) as spool:
        item = spool.take(0)
        assert item is not None
        assert item.read() == b"film"
        spool.done(item)
        assert spool.figures().size_bytes == 0
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["owner.lock"]


def test_what_is_forgotten_is_gone_from_the_disk_whether_it_waits_or_lies_aside(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        for payload in (b"seen", b"wrong", b"seen too"):
            spool.put("reads", payload)
        spool.put("hit", b"stays")
        first = spool.take(0)
        assert first is not None
        assert spool.forget("reads", 0.0) == 0, "the first of them is being delivered"
        spool.set_aside(first, "refused")
        assert spool.forget("reads", 3600.0) == 0
        assert spool.forget("reads", 0.0) == 3
        assert not any(b"seen" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
        kept = spool.take(0)
        assert kept is not None
        assert kept.read() == b"stays"
        spool.done(kept)
        assert (spool.figures().items, spool.figures().set_aside, spool.figures().size_bytes) == (0, 0, 0)


def test_a_full_spool_refuses_and_counts_and_keeps_what_it_has(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"x" * 2000)
    with Spool(folder, bound_bytes=1000) as spool:
        spool.put("a", b"small")
        with pytest.raises(SpoolFull, match="is full"):
            spool.put("a", b"x" * 1000)
        with pytest.raises(SpoolFull):
            spool.put_file("a", file)
        assert file.exists()
        assert (spool.figures().items, spool.figures().refused) == (1, 2)
        item = spool.take(0)
        assert item is not None
        spool.done(item)
        spool.put("a", b"y" * 800)


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_behind(folder: Path) -> None:
    program = """
import sys
from pathlib import Path
from storage.errors import SpoolFull
from storage.spool import Spool
with Spool(Path(sys.argv[1]), bound_bytes=1 << 30) as spool:
    spool.put("a", b"fits")
    try:
        spool.put("a", b"x" * 100_000)
    except SpoolFull as error:
        print(error, "|", spool.figures().items, spool.figures().refused)
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert "can't be written" in done.stdout
    assert done.stdout.strip().endswith("| 1 1")
    assert len(list(folder.glob("*.item"))) == 1
    assert not list(folder.glob("*.draft"))


def test_failures_pause_and_another_key_gets_the_next_try(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        spool.put("a", b"1")
        spool.put("b", b"2")
        item = spool.take(0)
        assert item is not None
        assert 0 < spool.retry(item, "away") <= 0.25
        assert spool.take(0) is None
        assert spool.figures().last_failure == "away"
        other = spool.take(5)
        assert other is not None
        assert other.key == "b"
        longer = spool.retry(other, "still away")
        assert longer > 0.25
        spool.hurry()
        assert spool.take(0) is not None


def test_a_poison_item_is_set_aside_with_its_reason(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        spool.put("a", b"poison")
        spool.put("a", b"good")
        item = spool.take(0)
        assert item is not None
        spool.set_aside(item, "no such column")
        after = spool.take(0)
        assert after is not None
        assert after.read() == b"good"
    with Spool(folder, bound_bytes=MB) as spool:
        [aside] = spool.list_aside()
        assert (aside.key, aside.reason) == ("a", "no such column")
        assert spool.figures().set_aside == 1
        spool.put("b", b"numbers go on")
        assert len(list(folder.glob("*.item"))) == 2


def test_an_item_that_fails_while_others_go_through_is_poison(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        spool.put("bad", b"")
        for _ in range(20):
            spool.put("good", b"")
            for _ in range(2):
                spool.hurry()
                item = spool.take(0)
                assert item is not None
                if item.key == "bad":
                    spool.retry(item, "hm")
                else:
                    spool.done(item)
        assert [aside.key for aside in spool.list_aside()] == ["bad"]


def test_an_item_changed_on_disk_is_noticed(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB) as spool:
        spool.put("a", b"payload")
        [path] = folder.glob("*.item")
        path.write_bytes(path.read_bytes().replace(b"payload", b"pay1oad"))
        item = spool.take(0)
        assert item is not None
        with pytest.raises(SpoolItemBroken):
            item.read()
    path.write_bytes(b"garbage")
    with Spool(folder, bound_bytes=MB) as spool:
        assert spool.take(0) is None
        assert spool.figures().set_aside == 1


def test_one_owner_at_a_time(folder: Path) -> None:
    with Spool(folder, bound_bytes=MB), pytest.raises(SpoolInUse):
        Spool(folder, bound_bytes=MB)


def test_a_waiter_wakes_on_a_put_and_on_close(folder: Path) -> None:
    got: list[SpoolItem | None] = []
    with Spool(folder, bound_bytes=MB) as spool:
        for wake in (lambda: spool.put("a", b""), spool.close):
            waiter = threading.Thread(target=lambda: got.append(spool.take(300)))
            waiter.start()
            wake()
            waiter.join(60)
            assert not waiter.is_alive()
    assert [item is None for item in got] == [False, True]


def test_kill_9_loses_nothing_that_was_accepted(folder: Path) -> None:
    program = """
import sys
from pathlib import Path
from storage.spool import Spool
spool = Spool(Path(sys.argv[1]), bound_bytes=1 << 30)
for n in range(100000):
    spool.put(f"key-{n % 3}", str(n).encode() * 50)
    print(n, flush=True)
"""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 30:
        pass
    process.send_signal(signal.SIGKILL)
    accepted = [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    process.wait()
    found = defaultdict(list)
    with Spool(folder, bound_bytes=1 << 30) as spool:
        while (item := spool.take(0)) is not None:
            found[item.key].append(int(item.read()[: item.size_bytes].decode()[: len(item.read()) // 50]))
            spool.done(item)
    assert set(range(max(accepted, default=30) + 1)) <= {n for numbers in found.values() for n in numbers}
    assert all(numbers == sorted(numbers) for numbers in found.values())


class SpoolWithCrashes(RuleBasedStateMachine):
    """Whatever the order of puts, takes, outcomes and crashes: nothing accepted is lost, order by key holds."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.lives = 0
        self.spool = Spool(self.home / "0", bound_bytes=2000)
        self.waiting: dict[str, list[bytes]] = defaultdict(list)
        self.taken: list[SpoolItem] = []

    @rule(key=st.sampled_from("abc"), payload=st.binary(max_size=300), as_file=st.booleans())
    def put(self, key: str, payload: bytes, as_file: bool) -> None:
        try:
            if as_file:
                (self.home / "file").write_bytes(payload)
                self.spool.put_file(key, self.home / "file")
            else:
                self.spool.put(key, payload)
        except SpoolFull:
            assert self.spool.figures().size_bytes + len(payload) + 150 > 2000
        else:
            self.waiting[key].append(payload)

    @rule()
    def take(self) -> None:
        self.spool.hurry()
        item = self.spool.take(0)
        free = {key for key, payloads in self.waiting.items() if payloads} - {one.key for one in self.taken}
        if item is None:
            assert not free
        else:
            assert item.key in free
            assert item.read() == self.waiting[item.key][0]
            self.taken.append(item)

    @precondition(lambda self: self.taken)
    @rule(outcome=st.sampled_from(["done", "retry", "aside"]))
    def finish(self, outcome: str) -> None:
        item = self.taken.pop(0)
        if outcome == "retry":
            self.spool.retry(item, "away")
            return
        if outcome == "done":
            self.spool.done(item)
        else:
            self.spool.set_aside(item, "bad")
        self.waiting[item.key].pop(0)

    @rule(debris=st.booleans())
    def crash(self, debris: bool) -> None:
        """What is on the disk at this moment is all that the next life has."""
        self.lives += 1
        folder = self.home / str(self.lives)
        shutil.copytree(self.spool.folder, folder)
        self.spool.close()
        if debris:
            (folder / "0000000000009999.draft").write_bytes(b"{half")
            (folder / "0000000000009998.blob").write_bytes(b"half a film")
        self.spool = Spool(folder, bound_bytes=2000)
        self.taken = []

    @invariant()
    def counts(self) -> None:
        assert self.spool.figures().items == sum(map(len, self.waiting.values()))

    def teardown(self) -> None:
        self.spool.close()
        shutil.rmtree(self.home)


TestSpoolWithCrashes = SpoolWithCrashes.TestCase
TestSpoolWithCrashes.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)

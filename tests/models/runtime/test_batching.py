"""Batches across callers: each gets its own answer, no batch is too large, nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runtime.batching import Batcher, BatchOptions

FOR_EVER_S = 600.0
"""A test that waits so long fails by its time limit."""

Question = tuple[str, int]
Many = Batcher[Question, Question]


class Network:
    """Answers with the question itself, negative ones with an error; waits for ``go`` first."""

    def __init__(self, *, goes: bool = True) -> None:
        self.batches: list[list[Question]] = []
        self.began = threading.Semaphore(0)
        self.go = threading.Event()
        if goes:
            self.go.set()

    def run(self, questions: list[Question]) -> list[Question]:
        self.batches.append(questions)
        self.began.release()
        assert self.go.wait(30)
        if bad := [number for _, number in questions if number < 0]:
            raise ValueError(f"can't answer {bad}")
        return questions


@contextmanager
def batching(network: Network, options: BatchOptions, callers: int = 12) -> Iterator[tuple[Many, ThreadPoolExecutor]]:
    batcher = Batcher(network.run, options)
    with ThreadPoolExecutor(callers) as pool:
        try:
            yield batcher, pool
        finally:
            network.go.set()
            batcher.close()


def in_line(batcher: Many, count: int) -> None:
    while batcher.waiting < count:
        threading.Event().wait(0.001)


def companions(network: Network, batcher: Many, pool: ThreadPoolExecutor, count: int, key: str = "a") -> None:
    """Have ``count`` callers share a batch of ``key``, so that its next one waits for as many."""
    network.go.clear()
    blocker = pool.submit(batcher.ask, ("blocks", 0), 1, "blocks")
    assert network.began.acquire(timeout=30)
    together = [pool.submit(batcher.ask, (key, number), 1, key) for number in range(count)]
    in_line(batcher, count)
    network.go.set()
    for answer in (blocker, *together):
        answer.result(30)
    assert sorted(network.batches.pop()) == [(key, number) for number in range(count)]
    network.batches.clear()


Asked = st.tuples(st.sampled_from("abc"), st.integers(-2, 30), st.integers(1, 6))


@settings(max_examples=60)
@given(
    callers=st.lists(st.lists(Asked, min_size=1, max_size=6), min_size=1, max_size=8),
    max_size=st.integers(1, 8),
    max_wait_s=st.sampled_from([0.0, 0.001, 0.01]),
)
def test_each_caller_gets_its_own_answers_in_order(
    callers: list[list[tuple[str, int, int]]], max_size: int, max_wait_s: float
) -> None:
    network = Network()
    sizes = {(key, number): size for caller in callers for key, number, size in caller}
    with batching(network, BatchOptions(max_wait_s, max_size)) as (batcher, pool):

        def ask_all(caller: list[tuple[str, int, int]]) -> list[Question | str]:
            answers: list[Question | str] = []
            for key, number, _ in caller:
                try:
                    answers.append(batcher.ask((key, number), sizes[key, number], key))
                except ValueError as error:
                    answers.append(str(error))
            return answers

        for caller, answers in zip(callers, pool.map(ask_all, callers), strict=True):
            wanted = [(key, number) if number >= 0 else f"can't answer [{number}]" for key, number, _ in caller]
            assert answers == wanted, "an error is that of the caller's own question"
        asked = sum(len(caller) for caller in callers)
        assert batcher.counts.questions <= asked, "the last batch is counted after its callers have gone on"
    assert batcher.counts.questions == asked
    for batch in network.batches:
        assert len({key for key, _ in batch}) == 1
        assert len(batch) == 1 or sum(sizes[question] for question in batch) <= max_size


def test_a_lone_caller_never_waits() -> None:
    network = Network()
    with batching(network, BatchOptions(FOR_EVER_S)) as (batcher, _):
        assert [batcher.ask(("a", n)) for n in range(3)] == [("a", n) for n in range(3)]
    assert len(network.batches) == 3


def test_company_is_waited_for_and_no_longer_than_allowed() -> None:
    network = Network()
    with batching(network, BatchOptions(FOR_EVER_S)) as (batcher, pool):
        companions(network, batcher, pool, 3)
        answers = [pool.submit(batcher.ask, ("a", n), 1, "a") for n in range(3)]
        assert [answer.result(30) for answer in answers] == [("a", n) for n in range(3)]
        assert [len(batch) for batch in network.batches] == [3]
        assert batcher.ask(("b", 7), 1, "b") == ("b", 7), "others' company is not waited for"

    network = Network()
    with batching(network, BatchOptions(0.01)) as (batcher, pool):
        companions(network, batcher, pool, 3)
        assert batcher.ask(("a", 5), 1, "a") == ("a", 5)
        assert network.batches == [[("a", 5)]]


def test_a_full_batch_goes_at_once() -> None:
    network = Network()
    with batching(network, BatchOptions(FOR_EVER_S, max_size=4)) as (batcher, pool):
        companions(network, batcher, pool, 4)
        assert batcher.ask(("a", 1), 4, "a") == ("a", 1)
        assert batcher.ask(("a", 2), 9, "a") == ("a", 2), "what is larger than a batch goes alone"


def test_nobody_starves() -> None:
    """However many ask for one thing, whoever asked for another goes when they are the oldest."""
    network = Network(goes=False)
    with batching(network, BatchOptions(0.0, max_size=2)) as (batcher, pool):
        first = pool.submit(batcher.ask, ("a", 0), 1, "a")
        assert network.began.acquire(timeout=30)
        answers: list[Future[Question]] = []
        for number, key in enumerate("aaabaaaa", 1):
            answers.append(pool.submit(batcher.ask, (key, number), 1, key))
            in_line(batcher, number)
        network.go.set()
        for answer in (first, *answers):
            answer.result(30)
    order = [batch[0][0] + str(len(batch)) for batch in network.batches]
    assert order[:4] == ["a1", "a2", "a2", "b1"], "the third a is older than b, and takes one more with it"


def test_the_end_answers_what_stands_in_line() -> None:
    network = Network()
    batcher = Batcher(network.run, BatchOptions(FOR_EVER_S))
    with ThreadPoolExecutor(8) as pool:
        companions(network, batcher, pool, 5)
        waiting = [pool.submit(batcher.ask, ("a", number), 1, "a") for number in range(4)]
        in_line(batcher, 4)
        batcher.close()
        assert [answer.result(30) for answer in waiting] == [("a", number) for number in range(4)]
    batcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        batcher.ask(("a", 1))


def test_too_few_answers_are_an_error_and_no_end() -> None:
    given: list[list[int]] = [[], [1]]
    batcher: Batcher[int, int] = Batcher(lambda _: given.pop(0))
    with pytest.raises(ValueError, match="shorter"):
        batcher.ask(0)
    assert batcher.ask(1) == 1
    batcher.close()


def test_bounds_are_bounds() -> None:
    for options in ({"max_wait_s": -1.0}, {"max_size": 0}):
        with pytest.raises(ValueError, match="at least"):
            BatchOptions(**options)  # type: ignore[arg-type]

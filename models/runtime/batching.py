"""Batches across callers: what several threads ask of one network at about the same time goes through it together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How long a question may wait for company while the network is free, and how large a batch may get."""

    max_wait_s: float = 0.04
    max_size: int = 64

    def __post_init__(self) -> None:
        if self.max_wait_s < 0 or self.max_size < 1:
            raise ValueError(f"a batch waits 0 s and holds 1 at least, not {self.max_wait_s} and {self.max_size}")


@dataclass(slots=True)
class BatchCounts:
    """What has been answered so far."""

    questions: int = 0
    size: int = 0
    """Sizes of all questions, summed: crops, pictures."""
    batches: int = 0
    busy_s: float = 0.0


@dataclass(slots=True)
class _Asked(Generic[Question, Answer]):
    question: Question
    size: int
    answer: Future[Answer] = field(default_factory=Future)
    at: float = field(default_factory=time.monotonic)


class Batcher(Generic[Question, Answer]):
    """Answers questions of any number of threads by ``run``, which one thread of its own calls with whole batches.

    Only questions of one ``key`` share a batch. Batches form by themselves while ``run`` is busy. Only when the last
    batch of a key had several callers does its next one wait for as many, ``max_wait_s`` at most, so that a lone caller
    never waits. The key whose first question is oldest goes first. Where ``run`` fails on a batch of several, each is
    run alone: an error reaches the caller whose question it is.
    """

    def __init__(
        self, run: Callable[[list[Question]], list[Answer]], options: BatchOptions | None = None, name: str = "batcher"
    ) -> None:
        self.options = options or BatchOptions()
        self.counts = BatchCounts()
        self._run_batch = run
        self._lines: dict[Hashable, deque[_Asked[Question, Answer]]] = {}
        """Never an empty one."""
        self._callers: dict[Hashable, int] = {}
        """How many the last batch of each key had."""
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Questions that stand in line."""
        with self._changed:
            return sum(len(line) for line in self._lines.values())

    def ask(self, question: Question, size: int = 1, key: Hashable = None) -> Answer:
        """The answer, waited for; raises what ``run`` raised on this question. One larger than a batch goes alone.

        Raises RuntimeError once closed.
        """
        asked: _Asked[Question, Answer] = _Asked(question, size)
        with self._changed:
            if self._closed:
                raise RuntimeError(f"{self._thread.name} is closed")
            self._lines.setdefault(key, deque()).append(asked)
            self._changed.notify()
        return asked.answer.result()

    def close(self) -> None:
        """Answer what is in line, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._gather():
            began = time.monotonic()
            self._answer(batch)
            self.counts.questions += len(batch)
            self.counts.size += sum(asked.size for asked in batch)
            self.counts.batches += 1
            self.counts.busy_s += time.monotonic() - began

    def _answer(self, batch: list[_Asked[Question, Answer]]) -> None:
        try:
            answered = list(zip(batch, self._run_batch([asked.question for asked in batch]), strict=True))
        except Exception as error:  # noqa: BLE001 - the thread's outer edge: it is the caller's
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for asked in batch:
                self._answer([asked])
            return
        for asked, answer in answered:
            asked.answer.set_result(answer)

    def _gather(self) -> list[_Asked[Question, Answer]]:
        """The next batch, waited for; none once closed and empty."""
        with self._changed:
            while True:
                now = time.monotonic()
                dues = {key: self._due(key, line) for key, line in self._lines.items()}
                ready = [key for key, due in dues.items() if due <= now]
                if ready:
                    return self._take(min(ready, key=lambda key: self._lines[key][0].at))
                if self._closed and not dues:
                    return []
                self._changed.wait(min(dues.values()) - now if dues else None)

    def _due(self, key: Hashable, line: deque[_Asked[Question, Answer]]) -> float:
        """The monotonic time at which what stands in a line shall be run, if nobody joins it."""
        is_full = sum(asked.size for asked in line) >= self.options.max_size
        if is_full or len(line) >= self._callers.get(key, 1) or self._closed:
            return line[0].at
        return line[0].at + self.options.max_wait_s

    def _take(self, key: Hashable) -> list[_Asked[Question, Answer]]:
        line = self._lines[key]
        batch = [line.popleft()]
        size = batch[0].size
        while line and size + line[0].size <= self.options.max_size:
            batch.append(line.popleft())
            size += batch[-1].size
        if not line:
            del self._lines[key]
        self._callers[key] = len(batch)
        return batch

"""Crops of many callers go through the network together, each caller gets its own readings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from actors.read import BatchOptions, BatchReader
from models.ports import Image, Reading
from tests.fixtures.records import posterior_of


class SlowReader:
    """Reads the value of a crop's first pixel; the first batch waits for the signal."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Event()
        self.batches: list[int] = []

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        self.batches.append(len(crops))
        self.began.set()
        assert self.go.wait(10)
        if any(crop[0, 0, 0] == 255 for crop in crops):
            raise ValueError("a crop that can't be read")
        return [Reading(posterior_of(str(crop[0, 0, 0])), 0.9, None, None, 1) for crop in crops]


def crop(value: int) -> Image:
    return np.full((8, 24, 3), value, dtype=np.uint8)


def test_callers_that_wait_are_read_together() -> None:
    network = SlowReader()
    reader = BatchReader(network)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(reader.read, [crop(0)])
        assert network.began.wait(10)
        later = [pool.submit(reader.read, [crop(n), crop(n + 100)]) for n in range(1, 9)]
        while reader._waiting < 16:
            pass
        network.go.set()
        assert first.result()[0].posterior.text == "0"
        for n, answer in enumerate(later, 1):
            assert [reading.posterior.text for reading in answer.result()] == [str(n), str(n + 100)]
    reader.close()
    assert network.batches == [1, 16]
    assert reader.counts.crops == 17


def test_a_batch_is_bounded() -> None:
    network = SlowReader()
    reader = BatchReader(network, BatchOptions(max_crops=4))
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(reader.read, [crop(0)])
        assert network.began.wait(10)
        later = [pool.submit(reader.read, [crop(n)]) for n in range(1, 9)]
        while reader._waiting < 8:
            pass
        network.go.set()
        assert all(len(answer.result()) == 1 for answer in [first, *later])
    reader.close()
    assert max(network.batches) <= 4


def test_a_failure_reaches_its_callers_and_nobody_later() -> None:
    network = SlowReader()
    network.go.set()
    reader = BatchReader(network)
    with pytest.raises(ValueError, match="can't be read"):
        reader.read([crop(255)])
    assert reader.read([crop(7)])[0].posterior.text == "7"
    assert reader.read([]) == []
    reader.close()
    with pytest.raises(RuntimeError, match="closed"):
        reader.read([crop(1)])

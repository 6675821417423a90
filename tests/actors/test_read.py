"""Crops of many callers go through the network together, each caller gets its own readings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from actors.read import BatchReader
from models.ports import Image, Reading
from models.runtime.batching import BatchOptions
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
        assert self.go.wait(60)
        if any(crop[0, 0, 0] == 255 for crop in crops):
            raise ValueError("a crop that can't be read")
        return [Reading(posterior_of(str(crop[0, 0, 0])), 0.9, None, None, 1) for crop in crops]


def crop(value: int) -> Image:
    return np.full((8, 24, 3), value, dtype=np.uint8)


def test_callers_that_wait_are_read_together_and_fail_alone() -> None:
    network = SlowReader()
    reader = BatchReader(network, BatchOptions(max_size=32))
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(reader.read, [crop(0)])
        assert network.began.wait(60)
        later = [pool.submit(reader.read, [crop(n), crop(n + 100)]) for n in range(1, 8)]
        unreadable = pool.submit(reader.read, [crop(255), crop(9)])
        while reader.waiting < 8:
            pass
        network.go.set()
        assert first.result()[0].posterior.text == "0"
        for n, answer in enumerate(later, 1):
            assert [reading.posterior.text for reading in answer.result()] == [str(n), str(n + 100)]
        with pytest.raises(ValueError, match="can't be read"):
            unreadable.result()
    reader.close()
    assert network.batches == [1, 16, *[2] * 8]
    assert reader.counts.size == 17
    assert reader.read([]) == []
    with pytest.raises(RuntimeError, match="closed"):
        reader.read([crop(1)])

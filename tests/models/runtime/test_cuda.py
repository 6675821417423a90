"""What is asked of CUDA's driver before ONNX Runtime opens it. This machine has none: one that answers is played."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from models.runtime import cuda
from models.runtime.cuda import BLOCKING_SYNC, wait_asleep


class PlayedDriver:
    """Notes what it is asked; ``refused`` is what it refuses. GPU 3 of the process is the driver's 7."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.asked: list[tuple[Any, ...]] = []

    def cuInit(self, flags: ctypes.c_uint) -> int:
        return self._answer("cuInit", flags.value)

    def cuDeviceGet(self, number: Any, ordinal: ctypes.c_int) -> int:
        number._obj.value = 7 if ordinal.value == 3 else 0
        return self._answer("cuDeviceGet", ordinal.value)

    def cuDevicePrimaryCtxSetFlags_v2(self, number: ctypes.c_int, flags: ctypes.c_uint) -> int:
        return self._answer("cuDevicePrimaryCtxSetFlags_v2", number.value, flags.value)

    def _answer(self, *asked: Any) -> int:
        self.asked.append(asked)
        return 801 if asked[0] == self.refused else 0


def test_threads_are_told_to_sleep() -> None:
    driver = PlayedDriver()
    assert wait_asleep(3, driver) is None
    assert driver.asked == [("cuInit", 0), ("cuDeviceGet", 3), ("cuDevicePrimaryCtxSetFlags_v2", 7, BLOCKING_SYNC)]


@pytest.mark.parametrize("call", ["cuInit", "cuDeviceGet", "cuDevicePrimaryCtxSetFlags_v2"])
def test_a_driver_that_refuses_is_left_alone(call: str) -> None:
    driver = PlayedDriver(call)
    assert wait_asleep(0, driver) == f"{call} gave 801"
    assert driver.asked[-1][0] == call


def test_without_a_driver_or_with_a_very_old_one_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    assert "no driver that knows how" in str(wait_asleep(0))
    assert "no driver that knows how" in str(wait_asleep(0, object()))

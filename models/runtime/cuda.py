"""CUDA made ready before ONNX Runtime opens it: its libraries, its log, and how a thread waits for the GPU."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from functools import cache
from typing import Any, Final

import onnxruntime as ort

LIBRARY: Final = "libcuda.so.1"
BLOCKING_SYNC: Final = 0x04
"""CU_CTX_SCHED_BLOCKING_SYNC of cuda.h."""
_ERRORS: Final = 3
"""The runtime's log level. Below it 1.31 warns at each network that CUDA is no plugin; one that fails is an error."""

_log = logging.getLogger(__name__)


@cache
def load_cuda(device: int) -> None:
    """Once a process and GPU, before the first network. CUDA's libraries are taken from the wheels beside
    onnxruntime-gpu, where they were installed so."""
    ort.set_default_logger_severity(_ERRORS)
    with contextlib.redirect_stdout(sys.stderr):  # it prints what it misses
        ort.preload_dlls()
    fault = wait_asleep(device)
    if fault is not None:
        _log.warning("threads spin while they wait for GPU %d, and NVDEC may refuse: %s", device, fault)


def wait_asleep(device: int, driver: Any | None = None) -> str | None:
    """Have threads sleep, not spin, while they wait for a GPU. Why it could not be, None when it could.

    FFmpeg's decoders share the context, and refuse one that is open with other flags (``hwcontext_cuda.c``, ENOTSUP).
    ``driver``: CUDA's driver, by default this machine's.
    """
    number = ctypes.c_int()
    try:
        driver = driver or ctypes.CDLL(LIBRARY)
        steps = (
            (driver.cuInit, (ctypes.c_uint(0),)),
            (driver.cuDeviceGet, (ctypes.byref(number), ctypes.c_int(device))),
            (driver.cuDevicePrimaryCtxSetFlags_v2, (number, ctypes.c_uint(BLOCKING_SYNC))),
        )
    except (OSError, AttributeError) as error:
        return f"no driver that knows how ({error})"
    for call, arguments in steps:
        code = call(*arguments)
        if code:
            return f"{call.__name__} gave {code}"
    return None

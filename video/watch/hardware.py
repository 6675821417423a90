"""Decoding on a GPU: whether this machine's NVDEC works, and which streams it refused.

FFmpeg's own decoders parse a stream and hand its pictures to NVDEC (its ``cuda`` acceleration, which PyAV's wheel has);
they stay there until their pixels are asked for, and come to memory as NV12: bringing one takes some 16 times the CPU
of decoding it. Networks on CUDA must open the GPU with FFmpeg's own flags (``models/runtime/cuda.py``).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import av
import numpy as np
from av.codec.hwaccel import HWAccel, hwdevices_available

DecoderName = Literal["auto", "cpu", "nvdec"]

_TRIAL_SIZE = (320, 192)
"""More than the least that any NVDEC takes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """Where woken streams are decoded. The gate's looks are always the CPU's: an NVDEC decoder for each camera that
    sleeps would fill the GPU's memory."""

    decoder: DecoderName = "cpu"
    """``auto`` and ``nvdec`` take NVDEC where it works, else the CPU; only ``nvdec`` warns of that."""
    device: int = 0
    """Among the GPUs that the process may see."""
    retry_s: float = 600.0
    """After a failure a camera's streams are decoded on the CPU for so long."""


class Nvdec:
    """One stream's use of NVDEC. For one thread at a time."""

    def __init__(self, name: object, settings: DecodeSettings) -> None:
        self._name = name
        self._retry_s = settings.retry_s
        self._device = nvdec_device(settings.decoder, settings.device)
        self._not_before = float("-inf")

    def open(self, codec: str) -> Any | None:
        """A decoding context on the GPU; None where the CPU is to decode: there is no GPU, or it failed lately."""
        if self._device is None or time.monotonic() < self._not_before:
            return None
        try:
            return nvdec_context(codec, self._device)
        except (av.error.FFmpegError, ValueError) as error:
            self.give_up(f"NVDEC does not open ({error})")
            return None

    def give_up(self, why: str) -> None:
        """The stream goes on on the CPU for a while."""
        self._not_before = time.monotonic() + self._retry_s
        _log.warning("%s: decoded on the CPU for %.0f s: %s", self._name, self._retry_s, why)


def nvdec_context(codec: str, device: int) -> Any:
    """A context that decodes on the GPU or fails: never by itself on the CPU. Its frames stay on the GPU.

    Raises FFmpegError, ValueError.
    """
    # decoders share the device's primary context; one each would cost them some 200 MB of its memory
    accel = HWAccel(
        "cuda", device=str(device), allow_software_fallback=False, options={"primary_ctx": "1"}, is_hw_owned=True
    )
    context = av.CodecContext.create(codec, "r", hwaccel=accel)
    if not context.is_hwaccel:
        raise ValueError(f"this FFmpeg decodes no {codec} on a GPU")
    return context


_deciding = threading.Lock()


def nvdec_device(decoder: DecoderName, device: int) -> int | None:
    """The GPU that decodes by ``decoder``'s choice, None for the CPU. Says once why it is not the GPU."""
    if decoder == "cpu":
        return None
    with _deciding:
        return _device(decoder, device)


@cache
def _device(decoder: DecoderName, device: int) -> int | None:
    fault = nvdec_fault(device)
    if fault is None:
        _log.info("woken streams are decoded by NVDEC on GPU %d", device)
        return device
    _log.log(logging.WARNING if decoder == "nvdec" else logging.INFO, "woken streams are decoded on the CPU: %s", fault)
    return None


def nvdec_fault(device: int = 0) -> str | None:
    """Why NVDEC can't be used here, None when it can: by decoding a picture."""
    if "cuda" not in hwdevices_available():
        return "this FFmpeg was built without CUDA; install PyAV from its own wheel"
    try:
        context = nvdec_context("h264", device)
    except (av.error.FFmpegError, ValueError) as error:
        return f"GPU {device} does not open ({error}); see that there is one, and its driver"
    try:
        pictures = [frame.reformat(format="nv12") for packet in (*_trial(), None) for frame in context.decode(packet)]
    except av.error.FFmpegError as error:
        return f"GPU {device} decodes nothing ({error}); see that its driver brings libnvcuvid"
    if not pictures:
        return f"GPU {device} gave no picture; see that its driver brings libnvcuvid"
    return None


def _trial() -> list[av.Packet]:
    """A grey picture in H.264."""
    width, height = _TRIAL_SIZE
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate = 25
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    grey = av.VideoFrame.from_ndarray(np.full((height, width, 3), 128, np.uint8), format="bgr24")
    return [av.Packet(bytes(packet)) for packet in (*encoder.encode(grey), *encoder.encode(None))]

"""Who decodes: a GPU where it works, the CPU elsewhere, and the CPU for a camera whose stream a GPU refuses.

This machine has no GPU, so that what a GPU does is played by a decoder of the CPU; that it does not work is real.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.hwaccel import hwdevices_available

from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.packets.demux import Demuxer
from video.packets.packet import Packet
from video.reader import FrameReader, ReadSettings
from video.watch import hardware
from video.watch.decoded import DecodedFrame
from video.watch.decoder import StreamDecoder
from video.watch.hardware import DecodeSettings, Nvdec, nvdec_device, nvdec_fault
from video.watch.watcher import WatchSettings

without_gpu = pytest.mark.skipif(nvdec_fault() is None, reason="there is a GPU here that decodes")


def source(path: Path) -> SourceUrl:
    return parse_source(str(path), SourceRules(allow_files=True))


@pytest.fixture
def road(encode: Encode) -> Path:
    return encode("road.mp4", seconds=4, fps=10, gop=10, b_frames=2)


@pytest.fixture(autouse=True)
def undecided() -> None:
    hardware._device.cache_clear()


class PretendedGpu:
    """A context that decodes on the CPU; what it does instead at the n-th packet is the test's."""

    def __init__(self, codec: str, does: Callable[[int, list[Any]], list[Any]]) -> None:
        self._inner = av.CodecContext.create(codec, "r")
        self._does = does
        self._packets = -1

    def decode(self, packet: av.Packet | None) -> list[Any]:
        self._packets += 1
        return self._does(self._packets, [frame.reformat(format="nv12") for frame in self._inner.decode(packet)])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._inner, name, value)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[PretendedGpu]]:
    """Pretends a GPU; gives the contexts that were opened on it."""

    def play(does: Callable[[int, list[Any]], list[Any]]) -> list[PretendedGpu]:
        opened: list[PretendedGpu] = []

        def open_one(codec: str, device: int) -> PretendedGpu:
            opened.append(PretendedGpu(codec, does))
            return opened[-1]

        monkeypatch.setattr(hardware, "nvdec_fault", lambda device: None)
        monkeypatch.setattr(hardware, "nvdec_context", open_one)
        return opened

    return play


def decoded(path: Path, nvdec: Nvdec | None = None) -> tuple[StreamDecoder, list[DecodedFrame]]:
    with Demuxer(source(path)) as demuxer:
        packets: list[Packet] = list(demuxer.packets())
    decoder = StreamDecoder(path, packets[0].format, nvdec=nvdec)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    return decoder, [*frames, *decoder.flush()]


def gpu(**settings: Any) -> Nvdec:
    return Nvdec("camera north", DecodeSettings("nvdec", **settings))


def test_this_pyav_was_built_for_nvidia_gpus() -> None:
    assert "cuda" in hwdevices_available()
    assert {"h264_cuvid", "hevc_cuvid"} <= av.codec.codecs_available


@without_gpu
def test_without_a_gpu_the_cpu_decodes_and_it_is_said_once(caplog: pytest.LogCaptureFixture, road: Path) -> None:
    fault = nvdec_fault()
    assert fault is not None
    assert "GPU 0 does not open" in fault
    with caplog.at_level(logging.INFO, "video"):
        assert [nvdec_device(name, 0) for name in ("cpu", "auto", "auto")] == [None] * 3
        assert [nvdec_device("nvdec", 0) for _ in range(2)] == [None] * 2
    assert [(record.levelname, "decoded on the CPU: GPU 0" in record.getMessage()) for record in caplog.records] == [
        ("INFO", True),
        ("WARNING", True),
    ]
    decoder, frames = decoded(road, gpu())
    assert (decoder.is_on_gpu, len(frames)) == (False, 40)


@without_gpu
def test_a_gpu_that_goes_away_leaves_its_cameras_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, road: Path
) -> None:
    """It was there when the node began, and opens no more: a real failure of FFmpeg's."""
    monkeypatch.setattr(hardware, "nvdec_fault", lambda device: None)
    decoder, frames = decoded(road, gpu())
    assert (decoder.is_on_gpu, len(frames)) == (False, 40)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("camera north: decoded on the CPU for 600 s: NVDEC does not open")


def test_pictures_of_a_gpu_are_those_of_the_cpu(pretend: Callable[..., Any], road: Path) -> None:
    pretend(lambda number, frames: frames)
    decoder, frames = decoded(road, gpu())
    _, wanted = decoded(road)
    assert decoder.is_on_gpu
    assert [frame.t for frame in frames] == [frame.t for frame in wanted]
    for mine, theirs in zip(frames, wanted, strict=True):
        part = (33, 17, 150, 90)
        assert np.abs(mine.luma(3).astype(int) - theirs.luma(3)).max() == 0
        seen, other = (frame.bgr(part)[17:90, 33:150].astype(int) for frame in (mine, theirs))
        assert np.abs(seen - other).max() <= 3
        assert not mine.bgr(part)[100:, 200:].any(), "no more than the part is converted"


def mute(number: int, frames: list[Any]) -> list[Any]:
    return []


def refusing(number: int, frames: list[Any]) -> list[Any]:
    raise av.error.PermissionError(1, "Operation not permitted", "nvdec")


def exhausted(number: int, frames: list[Any]) -> list[Any]:
    raise av.error.MemoryError(12, "Cannot allocate memory", "nvdec")


@pytest.mark.parametrize("does", [mute, refusing, exhausted])
def test_what_a_gpu_refuses_the_cpu_decodes_from_the_first_packet_on(
    pretend: Callable[..., Any], caplog: pytest.LogCaptureFixture, road: Path, does: Callable[..., Any]
) -> None:
    """A profile that it does not know, too many streams, no memory: no picture is lost, and no other camera is."""
    opened = pretend(does)
    camera, other = gpu(), gpu()
    decoder, frames = decoded(road, camera)
    _, wanted = decoded(road)
    assert [frame.t for frame in frames] == [frame.t for frame in wanted]
    assert (decoder.is_on_gpu, decoder.broken) == (False, 0)
    assert "camera north: decoded on the CPU for 600 s: NVDEC" in caplog.text
    assert camera.open("h264") is None
    assert other.open("h264") is not None
    assert len(opened) == 2


def test_a_short_stream_is_not_lost_with_a_mute_gpu(pretend: Callable[..., Any], encode: Encode) -> None:
    pretend(mute)
    _, frames = decoded(encode("short.mp4", seconds=1, fps=5, gop=5), gpu())
    assert len(frames) == 5


def test_a_gpu_that_fails_later_is_left_at_the_next_keyframe(pretend: Callable[..., Any], road: Path) -> None:
    pretend(lambda number, frames: refusing(number, frames) if number >= 12 else frames)
    decoder, frames = decoded(road, gpu())
    assert not decoder.is_on_gpu
    assert decoder.broken >= 8
    assert {frame.t for frame in frames} >= {n / 10 for n in range(20, 40)}
    assert [frame.t for frame in frames] == sorted({frame.t for frame in frames})


def test_a_damaged_packet_is_no_fault_of_the_gpu(pretend: Callable[..., Any], road: Path) -> None:
    def damaged(number: int, frames: list[Any]) -> list[Any]:
        if number in (0, 15):
            raise av.error.InvalidDataError(0, "Invalid data", "nvdec")
        return frames

    pretend(damaged)
    decoder, frames = decoded(road, gpu())
    assert decoder.is_on_gpu
    assert len(frames) >= 30


def test_a_gpu_is_tried_again_later(pretend: Callable[..., Any], road: Path) -> None:
    pretend(mute)
    camera = gpu(retry_s=0.0)
    decoded(road, camera)
    assert camera.open("h264") is not None


def test_a_watcher_counts_what_the_gpu_decoded(pretend: Callable[..., Any], road: Path) -> None:
    pretend(lambda number, frames: frames)
    for decoder, count in (("nvdec", 40), ("cpu", 0)):
        watch = WatchSettings(fps=None, gate=None, decoding=DecodeSettings(decoder))  # type: ignore[arg-type]
        with FrameReader(source(road), ReadSettings(watch=watch)) as reader:
            assert len(list(reader)) == 40
            assert reader._watcher.count.frames_on_gpu == count


class FrameOnGpu:
    """A frame as one that lies on a GPU shows itself; ``fetched`` counts how often it was brought to memory."""

    def __init__(self, frame: av.VideoFrame, *, is_lost: bool = False) -> None:
        self._frame = frame
        self._is_lost = is_lost
        self.fetched = 0
        self.pts, self.width, self.height, self.key_frame = frame.pts, frame.width, frame.height, True
        self.sw_format = frame.format

    def reformat(self, format: str, threads: int) -> av.VideoFrame:
        assert format == self._frame.format.name
        if self._is_lost:
            raise av.error.ExternalError(0, "Generic error in an external library", "nvdec")
        self.fetched += 1
        return self._frame


def test_a_frame_stays_on_the_gpu_until_its_pixels_are_asked_for() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (96, 64), np.uint8)
    plain = av.VideoFrame.from_ndarray(noise, format="nv12")
    lying = FrameOnGpu(plain)
    frame, wanted = DecodedFrame(lying, 1.0, None), DecodedFrame(plain, 1.0, None)
    assert frame.size == (64, 64)
    assert frame.is_keyframe
    assert lying.fetched == 0
    assert (frame.luma(8) == wanted.luma(8)).all()
    assert (frame.bgr((16, 16, 32, 32)) == wanted.bgr((16, 16, 32, 32))).all()
    assert (frame.bgr() == wanted.bgr()).all()
    assert lying.fetched == 1


def test_pictures_that_the_gpu_has_lost_send_the_stream_to_the_cpu(pretend: Callable[..., Any], road: Path) -> None:
    pretend(lambda number, frames: [FrameOnGpu(frame, is_lost=number >= 12) for frame in frames])
    watch = WatchSettings(fps=None, gate=None, decoding=DecodeSettings("nvdec"))
    with FrameReader(source(road), ReadSettings(watch=watch)) as reader:
        frames = [frame for frame in reader if isinstance(frame, DecodedFrame)]
        count = reader.count
    assert {round(frame.t, 2) for frame in frames} >= {n / 10 for n in (*range(10), *range(20, 40))}
    assert all(frame.bgr().any() for frame in frames)
    assert 10 <= count.frames_on_gpu < count.frames_decoded

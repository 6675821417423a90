"""Packets to frames, for one stream format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import av

from video.errors import OpenFailed, Reason
from video.packets.packet import TICKS, Packet, StreamFormat
from video.picture import MAX_PIXELS
from video.watch.decoded import DecodedFrame
from video.watch.hardware import Nvdec

_OUTPUT_CORRUPT = 1 << 3
_LOW_DELAY = 1 << 19
"""libav's AV_CODEC_FLAG_*."""
_GPU_PATIENCE = 24
"""Packets within which a GPU must have given its first picture: more than any stream reorders."""
_GPU_FAILURES = 8
"""Packets in a row that a GPU may refuse before it is given up: more than a damaged stretch of a stream."""


class StreamDecoder:
    """Decodes packets of one format in their order; made when a stream wakes and dropped when it sleeps.

    Broken packets are counted in ``broken`` and skipped. Not for use by two threads at once.
    Raises OpenFailed (``unsupported_codec``) where there is no decoder.
    """

    def __init__(
        self,
        source: object,
        stream_format: StreamFormat,
        *,
        sparse: bool = False,
        threads: int = 1,
        nvdec: Nvdec | None = None,
    ) -> None:
        """``sparse`` is for looks: packets may be left out in between, pictures come at once, torn where they lean on
        what was left out, and without the loop filter (a third cheaper).

        With ``nvdec`` a GPU decodes where it can; where it gives no picture, the CPU takes the same packets.
        """
        self.format = stream_format
        self.broken = 0
        self.decoded = 0
        self._source = source
        self._threads = threads
        self._waiting: dict[int, Packet] = {}
        self._nvdec = nvdec
        self._untried: list[av.Packet] = []
        """What the GPU was given before its first picture."""
        self._refused = 0
        """Packets in a row that the GPU refused."""
        context = nvdec.open(stream_format.codec) if nvdec is not None else None
        self.is_on_gpu = context is not None
        self._context = self._set_up(context if context is not None else self._on_cpu(), sparse=sparse)

    def decode(self, packet: Packet) -> Iterator[DecodedFrame]:
        """Frames that ``packet`` completes, in the order in which they are shown."""
        coded = av.Packet(packet.data)
        tick = round(packet.t * TICKS)
        coded.pts = tick
        coded.dts = round(packet.dts * TICKS)
        coded.is_keyframe = packet.is_keyframe
        self._waiting[tick] = packet
        yield from self._run(coded)

    def flush(self) -> Iterator[DecodedFrame]:
        """The frames still held back for reordering. The decoder then starts afresh at the next keyframe."""
        yield from self._run(None)
        self.forget()

    def forget(self) -> None:
        """Start afresh at the next packet; what is held back is lost."""
        self._context.flush_buffers()
        self._waiting.clear()
        self._untried.clear()

    def _run(self, coded: av.Packet | None) -> Iterator[DecodedFrame]:
        if self.is_on_gpu:
            yield from self._run_on_gpu(coded)
            return
        try:
            frames = self._context.decode(coded)
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.EOFError):
                return
            self.broken += 1
            return
        yield from self._given(frames)

    def _run_on_gpu(self, coded: av.Packet | None) -> Iterator[DecodedFrame]:
        if not self.decoded and coded is not None:
            self._untried.append(coded)
        why = "NVDEC gives no picture of it"
        try:
            frames = self._context.decode(coded)
            self._refused = 0
        except av.error.FFmpegError as error:
            frames = []
            if not isinstance(error, av.error.EOFError):
                why = f"NVDEC refuses it ({error})"
                is_damage = isinstance(error, av.error.InvalidDataError)  # a packet's own fault, for all we know
                self._refused += bool(self.decoded) or not is_damage
                self.broken += bool(self.decoded)
        if frames:
            self._untried.clear()
            yield from self._given(frames)
            return
        is_mute = not self.decoded and (coded is None or len(self._untried) >= _GPU_PATIENCE)
        if not (is_mute and self._untried) and self._refused < (_GPU_FAILURES if self.decoded else 1):
            return
        again = self._untried
        self._leave_gpu(why)
        for packet in again if coded is not None else (*again, None):
            yield from self._run(packet)

    def fetch(self, frame: DecodedFrame) -> bool:
        """Have the pixels of a frame that was given in memory; false where the GPU gives them no more."""
        try:
            frame.fetch()
        except av.error.FFmpegError as error:
            if self.is_on_gpu:
                self._leave_gpu(f"its pictures can't be had from the GPU ({error})")
            return False
        return True

    def _leave_gpu(self, why: str) -> None:
        """The CPU decodes from here on; where pictures were given already, from the next keyframe."""
        if self._nvdec is not None:
            self._nvdec.give_up(why)
        self.is_on_gpu = False
        self._context = self._set_up(self._on_cpu())
        self._untried = []

    def _given(self, frames: Sequence[Any]) -> Iterator[DecodedFrame]:
        for frame in frames:
            self.decoded += 1
            packet = self._waiting.pop(frame.pts, None) if frame.pts is not None else None
            if len(self._waiting) > 64:
                self._waiting = dict(list(self._waiting.items())[-32:])
            if packet is None and frame.pts is None:
                continue
            if packet is None:
                yield DecodedFrame(frame, frame.pts / TICKS, None)
            else:
                yield DecodedFrame(frame, packet.t, packet.seen_at, packet.camera_at)

    def _on_cpu(self) -> Any:
        try:
            return av.CodecContext.create(self.format.codec, "r")
        except (av.error.FFmpegError, ValueError):
            raise OpenFailed(
                Reason.UNSUPPORTED_CODEC,
                self._source,
                f"its codec {self.format.codec} can't be decoded here",
                "set the camera to H.264 or H.265",
            ) from None

    def _set_up(self, context: Any, *, sparse: bool = False) -> Any:
        if self.format.extradata:
            context.extradata = self.format.extradata
        context.thread_count = self._threads
        context.options = {"max_pixels": str(MAX_PIXELS)} | ({"skip_loop_filter": "all"} if sparse else {})
        if sparse:
            context.flags |= _OUTPUT_CORRUPT | _LOW_DELAY
        return context

"""Packets to frames, for one stream format."""

from __future__ import annotations

from collections.abc import Iterator

import av

from video.decoded import DecodedFrame
from video.errors import OpenFailed, Reason
from video.packet import TICKS, Packet, StreamFormat
from video.picture import MAX_PIXELS

_OUTPUT_CORRUPT = 1 << 3
_LOW_DELAY = 1 << 19
"""libav's AV_CODEC_FLAG_*."""


class StreamDecoder:
    """Decodes packets of one format in their order; made when a stream wakes and dropped when it sleeps.

    Broken packets are counted in ``broken`` and skipped. Not for use by two threads at once.
    Raises OpenFailed (``unsupported_codec``) where there is no decoder.
    """

    def __init__(self, source: object, stream_format: StreamFormat, *, sparse: bool = False, threads: int = 1) -> None:
        """``sparse`` is for looks: packets may be left out in between, pictures come at once, torn where they lean on
        what was left out, and without the loop filter (a third cheaper)."""
        self.format = stream_format
        self.broken = 0
        self.decoded = 0
        self._waiting: dict[int, Packet] = {}
        try:
            self._context = av.CodecContext.create(stream_format.codec, "r")
        except (av.error.FFmpegError, ValueError):
            raise OpenFailed(
                Reason.UNSUPPORTED_CODEC,
                source,
                f"its codec {stream_format.codec} can't be decoded here",
                "set the camera to H.264 or H.265",
            ) from None
        if stream_format.extradata:
            self._context.extradata = stream_format.extradata
        self._context.thread_count = threads
        self._context.options = {"max_pixels": str(MAX_PIXELS)} | ({"skip_loop_filter": "all"} if sparse else {})
        if sparse:
            self._context.flags |= _OUTPUT_CORRUPT | _LOW_DELAY

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
        self._context.flush_buffers()
        self._waiting.clear()

    def _run(self, coded: av.Packet | None) -> Iterator[DecodedFrame]:
        try:
            frames = self._context.decode(coded)
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.EOFError):
                return
            self.broken += 1
            return
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

"""Taking a source's video packets apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import av

from video.connect.explain import explain
from video.connect.opening import OpenSettings, open_container
from video.connect.source import SourceKind, SourceUrl
from video.errors import OpenFailed, Reason, StreamFailed
from video.packets import nal
from video.packets.camera_clock import time_of_sender
from video.packets.packet import TICKS, Packet, StreamFormat
from video.packets.timeline import Timeline
from video.picture import MAX_PIXELS

__all__ = ["Demuxer", "OpenSettings"]


class Demuxer:
    """An open source. ``packets()`` gives its video packets in order until the end; close it explicitly.

    Not for use by two threads, but ``close`` may follow from the one that opened it only.
    Raises OpenFailed or SourceRefused with the reason.
    """

    def __init__(self, source: SourceUrl, settings: OpenSettings | None = None) -> None:
        self.source = source
        self.settings = settings or OpenSettings()
        self.is_short = False
        """Whether a file ended before its header said."""
        self.camera_time: datetime | None = None
        """The camera's own UTC of the last packet, once its RTCP sender report has come; None where it tells none."""
        self._opened = open_container(source, self.settings)
        self._container = self._opened.container
        try:
            self._stream = self._pick_stream()
            self.format = self._first_format()
            self.duration_s = self._duration_s()
            """Length of a file in seconds, as its header says; None where it doesn't, and for live streams."""
        except BaseException:
            self._opened.close()
            raise

    def seek(self, t: float) -> None:
        """Go to the last keyframe at or before ``t`` seconds of a file."""
        start = self._stream.start_time or 0
        self._container.seek(start + int(t / self._stream.time_base), stream=self._stream, backward=True)

    def packets(self, anchor_s: float | None = None) -> Iterator[Packet]:
        """Video packets until the end of the source, times counted from ``anchor_s``.

        By default that is 0 for files and the epoch's seconds at the first packet's arrival for live sources.
        Raises StreamFailed where a stream breaks off with an error.
        """
        live = self.source.is_live
        base = float(self._stream.time_base)
        frame_s = 1.0 / self.format.fps if self.format.fps else 0.04
        timeline: Timeline | None = None
        now: datetime | None = None
        for coded in self._demuxed():
            if live:
                now = datetime.now(UTC)
            if timeline is None:
                anchor = anchor_s if anchor_s is not None else (now.timestamp() if now else 0.0)
                if not live and anchor_s is None and coded.pts is not None and self._stream.start_time is not None:
                    anchor = (coded.pts - self._stream.start_time) * base
                gap_s = self.settings.max_gap_s if live else max(3600.0, self.duration_s or 0.0)
                timeline = Timeline(anchor, gap_s, frame_s)
            moment = timeline.place(
                coded.pts * base if coded.pts is not None else None,
                coded.dts * base if coded.dts is not None else None,
                now.timestamp() if now else None,
            )
            self.camera_time = _camera_time(coded, now) if now is not None else None
            data = bytes(coded)
            keyframe = bool(coded.is_keyframe) or (
                bool(nal.is_keyframe(self.format.codec, data, self.format.length_size)) if live else False
            )
            changed = False
            if keyframe:
                changed = self._follow_format(data)
            yield Packet(
                data=data,
                t=round(moment.t * TICKS) / TICKS,
                dts=moment.dts,
                duration=coded.duration * base if coded.duration else frame_s,
                is_keyframe=keyframe,
                format=self.format,
                seen_at=now,
                discontinuity=changed or moment.jumped,
                camera_at=self.camera_time,
            )

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Demuxer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _demuxed(self) -> Iterator[Any]:
        waiting_since = time.monotonic()
        try:
            # of a live source all streams are taken: sound that goes on must not hide that the pictures have stopped
            wanted = [] if self.source.is_live else [self._stream]
            for coded in self._container.demux(*wanted):
                if coded.size and coded.stream_index == self._stream.index:
                    yield coded
                    waiting_since = time.monotonic()
                elif self.source.is_live and time.monotonic() - waiting_since > self.settings.read_timeout_s:
                    break
            if self.source.is_live and time.monotonic() - waiting_since > 0.9 * self.settings.read_timeout_s:
                raise StreamFailed(*explain(self.source, TimeoutError(), opened=True))
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.EOFError):
                return
            if not self.source.is_live:
                self.is_short = True
                return
            raise StreamFailed(*explain(self.source, error, opened=True)) from None

    def _duration_s(self) -> float | None:
        if self._container.duration is None or self.source.kind is SourceKind.RTSP:
            return None
        return float(self._container.duration) / TICKS

    def _follow_format(self, data: bytes) -> bool:
        found = nal.parameter_sets(self.format.codec, data, self.format.length_size)
        if not found or found == self.format.parameter_sets:
            return False
        changed = bool(self.format.parameter_sets) and not set(nal.units(found, 0)) <= set(
            nal.units(self.format.parameter_sets, 0)
        )
        if changed or not self.format.parameter_sets:
            extradata = self.format.extradata if self.format.length_size else b""
            self.format = replace(self.format, parameter_sets=found, extradata=extradata)
        return changed

    def _first_format(self) -> StreamFormat:
        context = self._stream.codec_context
        extradata = bytes(context.extradata or b"")
        rate = self._stream.average_rate or self._stream.guessed_rate
        fps = float(rate) if rate else None
        if context.width * context.height > MAX_PIXELS:
            raise OpenFailed(
                Reason.TOO_LARGE,
                self.source,
                f"its header says {context.width}x{context.height}",
                f"pictures of at most {MAX_PIXELS / 1e6:.0f} megapixels are decoded",
            )
        return StreamFormat(
            codec=context.codec.canonical_name,
            extradata=extradata,
            parameter_sets=nal.configured_sets(context.codec.canonical_name, extradata),
            width=context.width,
            height=context.height,
            fps=fps if fps and 0 < fps <= 240 else None,
        )

    def _pick_stream(self) -> Any:
        videos = [stream for stream in self._container.streams.video if stream.codec_context is not None]
        if not videos:
            kinds = sorted({str(stream.type) for stream in self._container.streams}) or ["nothing"]
            raise OpenFailed(
                Reason.NO_VIDEO,
                self.source,
                f"holds no video that can be decoded, only {' and '.join(kinds)}",
                "give the address of its video stream, in H.264 or H.265",
            )
        return max(videos, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def _camera_time(coded: Any, now: datetime) -> datetime | None:
    reference = coded.get_sidedata("prft") if coded.has_sidedata("prft") else None
    return time_of_sender(bytes(reference), now) if reference is not None else None

"""Frames of a picture, a folder, a video file or a live address, pulled one by one in the caller's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from video.decoded import DecodedFrame, Still
from video.decoder import StreamDecoder
from video.demux import Demuxer, OpenSettings
from video.errors import OpenFailed, Reason
from video.packet import Packet
from video.picture import SUFFIXES, read_picture
from video.source import SourceKind, SourceRules, SourceUrl, parse_source

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".asf", ".wmv"}
    | {".3gp", ".ogv", ".h264", ".264", ".h265", ".hevc", ".265", ".mjpeg", ".dav"}
)


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How a source is read.

    ``fps`` thins the frames handed out to about so many a second of the stream (None: every one); all are decoded.
    """

    fps: float | None = 6.0
    threads: int = 1
    opening: OpenSettings = field(default_factory=OpenSettings)


class FrameReader:
    """The frames of one source, in order, decoded when asked for: the reader waits for its caller and never drops one.

    Close it explicitly, or use it in a ``with``. Iterating raises StreamFailed where a live stream breaks off; a file
    that is shorter than its header says ends quietly, with ``is_short`` set.
    """

    def __init__(self, source: SourceUrl, settings: ReadSettings | None = None) -> None:
        """Opens the source. Raises PictureRefused, OpenFailed or SourceRefused."""
        self.source = source
        self.settings = settings or ReadSettings()
        self.is_picture = source.path is not None and source.path.suffix.lower() in SUFFIXES
        self.frames_decoded = 0
        self.t = 0.0
        """Seconds of the stream read so far."""
        self._still: Still | None = None
        self._demuxer: Demuxer | None = None
        if source.path is not None and self.is_picture:
            self._still = Still(read_picture(source.path))
        else:
            self._demuxer = Demuxer(source, self.settings.opening)

    @property
    def duration_s(self) -> float | None:
        """Length of a video file in seconds; None for pictures, live streams and files that don't say."""
        return self._demuxer.duration_s if self._demuxer else None

    @property
    def is_short(self) -> bool:
        """Whether a file broke off before its end."""
        return self._demuxer is not None and self._demuxer.is_short

    def __iter__(self) -> Iterator[DecodedFrame | Still]:
        if self._still is not None:
            self.frames_decoded = 1
            yield self._still
            return
        assert self._demuxer is not None  # noqa: S101 - a reader holds one or the other
        yield from thinned(self._decoded(self._demuxer), self.settings.fps)
        if not self.frames_decoded:
            raise OpenFailed(
                Reason.UNDECODABLE, self.source, "no picture of it could be decoded", "get it anew, or convert it"
            )

    def close(self) -> None:
        if self._demuxer is not None:
            self._demuxer.close()

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _decoded(self, demuxer: Demuxer) -> Iterator[DecodedFrame]:
        decoder: StreamDecoder | None = None
        for packet in demuxer.packets():
            self.t = max(self.t, packet.t)
            if decoder is None or decoder.format is not packet.format:
                if decoder is not None:
                    yield from self._counted(decoder.flush())
                decoder = self._decoder(packet)
            yield from self._counted(decoder.decode(packet))
        if decoder is not None:
            yield from self._counted(decoder.flush())

    def _decoder(self, packet: Packet) -> StreamDecoder:
        return StreamDecoder(self.source, packet.format, threads=self.settings.threads)

    def _counted(self, frames: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
        for frame in frames:
            self.frames_decoded += 1
            yield frame


def thinned(frames: Iterator[DecodedFrame], fps: float | None) -> Iterator[DecodedFrame]:
    """About ``fps`` of the frames a second of stream time, evenly; all for None."""
    if fps is None:
        yield from frames
        return
    due = float("-inf")
    step = 1.0 / fps
    for frame in frames:
        if frame.t >= due - 0.002 or frame.t < due - 2 * step:
            yield frame
            if not due - 2 * step <= frame.t <= due + step:
                due = frame.t
            due += step


def sources_of(text: str, rules: SourceRules | None = None) -> list[SourceUrl]:
    """The sources that an argument of ``beket scan`` names: itself, or each picture and video of a folder, by name.

    Raises SourceRefused, or OpenFailed for a folder that holds none.
    """
    source = parse_source(text, rules or SourceRules(allow_files=True))
    if source.kind is not SourceKind.FILE or source.path is None or not source.path.is_dir():
        return [source]
    found = sorted(path for path in source.path.iterdir() if _is_readable(path))
    if not found:
        raise OpenFailed(Reason.NOT_FOUND, source, "holds no picture and no video", "give another folder")
    return [parse_source(str(path), source.rules) for path in found]


def _is_readable(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES | VIDEO_SUFFIXES and path.is_file()

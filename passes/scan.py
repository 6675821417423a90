"""Scanning pictures, videos and streams in one process: sources in, rows out. The same pipeline as a region's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from index.hotlist import HotlistIndex
from models.ports import PlateReader
from passes.clipping import ClipCutter, Hit
from passes.options import PassOptions
from passes.pipeline import Detectors, PassPipeline
from passes.record import Pass, PassCounts
from passes.rows import ErrorRow, HitRow, PassRow, Row, SummaryRow
from passes.stills import is_unread, read_still
from video.connect.source import SourceUrl
from video.errors import Reason, VideoError
from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.decoded import DecodedFrame
from video.watch.watcher import WatchSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan has come."""

    source: str
    number: int
    """Of the source, from 1."""
    sources: int
    t: float
    """Seconds of the source done."""
    duration_s: float | None
    """Of the source; None where it is not known, as for a live stream."""
    passes: int


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What a scan does beyond reading plates."""

    hotlist: HotlistIndex | None = None
    clips: Path | None = None
    """Folder for the clips of hits; None cuts none."""
    options: PassOptions = field(default_factory=PassOptions)
    decode_threads: int = 1


class Scan:
    """Scans sources one after the other. One that fails gives an error row and stops no other."""

    def __init__(
        self,
        detectors: Detectors,
        reader: PlateReader,
        settings: ScanSettings,
        emit: Callable[[Row], None],
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._detectors = detectors
        self._reader = reader
        self._settings = settings
        self._emit = emit
        self._progress = progress
        self.failed = 0
        """Sources that failed so far."""

    def run(self, arguments: Sequence[str]) -> None:
        """Scan what the arguments name: pictures, folders, videos, rtsp(s) and https addresses."""
        found: list[tuple[str, SourceUrl]] = []
        for argument in arguments:
            try:
                sources = sources_of(argument)
            except VideoError as error:
                self._fail(str(error).split(":", 1)[0] if "://" in argument else argument, error)
                continue
            is_folder = len(sources) > 1 or (sources[0].path is not None and sources[0].path != _path_of(argument))
            found += [(str(s) if is_folder or s.path is None else argument, s) for s in sources]
        for number, (name, source) in enumerate(found, 1):
            try:
                with FrameReader(source, self._read_settings()) as frames:
                    _Source(self, name, frames, number, len(found)).scan()
            except VideoError as error:
                self._fail(name, error)

    def _read_settings(self) -> ReadSettings:
        options = self._settings
        return ReadSettings(
            watch=WatchSettings(fps=options.options.detect_fps, gate=None, threads=options.decode_threads)
        )

    def warn(self, name: str, reason: Reason, message: str) -> None:
        """Tell of something that failed in a source, and count it."""
        self.failed += 1
        self._emit(ErrorRow(source=name, reason=reason, message=message))

    def _fail(self, name: str, error: VideoError) -> None:
        self.warn(name, error.reason, str(error))


class _Source:
    """The scan of one open source."""

    def __init__(self, scan: Scan, name: str, frames: FrameReader, number: int, sources: int) -> None:
        self._scan = scan
        self._name = name
        self._frames = frames
        self._number = number
        self._sources = sources
        self._settings = scan._settings
        self._counts = PassCounts()
        self._clips: ClipCutter | None = None
        if self._settings.clips is not None and not frames.is_picture:
            self._clips = ClipCutter(name, frames, self._settings.clips)

    def scan(self) -> None:
        """All frames to rows; the summary comes last, whatever breaks off."""
        wall, cpu = time.monotonic(), time.process_time()
        try:
            if self._frames.is_picture:
                self._still()
            else:
                self._stream()
        finally:
            counts = self._counts
            self._scan._emit(
                SummaryRow(
                    source=self._name,
                    duration_s=self._duration(),
                    frames_decoded=self._frames.frames_decoded,
                    frames_detected=counts.frames_detected,
                    passes=counts.passes,
                    unread=counts.unread,
                    wall_s=round(time.monotonic() - wall, 3),
                    cpu_s=round(time.process_time() - cpu, 3),
                    repeated=counts.repeated,
                    static=counts.static,
                )
            )

    def _still(self) -> None:
        settings = self._settings
        for frame in self._frames:
            self._counts.frames_detected += 1
            for one in read_still(frame.bgr(), self._scan._detectors, self._scan._reader, settings.options):
                self._counts.passes += 1
                self._counts.unread += is_unread(one.read, settings.options)
                self._put(one)
        self._tell()

    def _stream(self) -> None:
        pipeline = PassPipeline(self._name, self._scan._detectors, self._scan._reader, self._settings.options)
        self._counts = pipeline.counts
        try:
            for frame in self._decoded():
                for one in pipeline.process(frame):
                    self._put(one)
                if pipeline.watched:
                    self._frames.note_activity(frame.t)
                if pipeline.all_known:
                    self._frames.note_known(frame.t)
                self._put_cut()
                self._tell()
        finally:
            for one in pipeline.flush():
                self._put(one)
            self._put_cut(is_end=True)

    def _decoded(self) -> Iterator[DecodedFrame]:
        for frame in self._frames:
            if isinstance(frame, DecodedFrame):
                yield frame

    def _put(self, one: Pass) -> None:
        read = one.read
        if not read.closed:
            return
        self._scan._emit(PassRow.of(self._name, read))
        if self._settings.hotlist is None:
            return
        [met] = self._settings.hotlist.match(
            [read.posterior], read.seen_at or datetime.now(UTC), legibility=[read.legibility]
        )
        if self._clips is not None and met:
            self._clips.order(read, met)
        else:
            self._put_hits([(read.pass_id, match, None) for match in met])

    def _put_cut(self, *, is_end: bool = False) -> None:
        """Tell the hits whose clips are cut; at the end of the source, all."""
        if self._clips is not None:
            self._put_hits(self._clips.finished(is_end=is_end))
            for failure in self._clips.failures:
                self._scan.warn(self._name, Reason.CLIP_MISSED, failure)
            self._clips.failures.clear()

    def _put_hits(self, hits: Sequence[Hit]) -> None:
        for pass_id, match, clip in hits:
            self._scan._emit(HitRow.of(self._name, pass_id, match, clip))

    def _duration(self) -> float | None:
        if self._frames.is_picture:
            return None
        length = self._frames.duration_s
        return round(length if length is not None else self._frames.t, 3)

    def _tell(self) -> None:
        self._scan._progress(
            Progress(
                self._name, self._number, self._sources, self._frames.t, self._frames.duration_s, self._counts.passes
            )
        )


def _path_of(argument: str) -> Path:
    return Path(argument).expanduser().absolute()

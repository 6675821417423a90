"""Frames of a picture, a folder, a video file or a live address, pulled one by one in the caller's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from video.connect.source import SourceKind, SourceRules, SourceUrl, parse_source
from video.errors import OpenFailed, Reason
from video.packets.clip import ClipJob, ClipSettings
from video.packets.demux import Demuxer, OpenSettings
from video.packets.ring import PacketRing, RingSettings
from video.picture import SUFFIXES, read_picture
from video.watch.decoded import DecodedFrame, Still
from video.watch.watcher import WatchCount, Watcher, WatchSettings

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".asf", ".wmv"}
    | {".3gp", ".ogv", ".h264", ".264", ".h265", ".hevc", ".265", ".mjpeg", ".dav"}
)


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How a source is read: how it is opened, what is decoded of it, and what is kept for clips."""

    opening: OpenSettings = field(default_factory=OpenSettings)
    watch: WatchSettings = field(default_factory=lambda: WatchSettings(gate=None))
    ring: RingSettings = field(default_factory=lambda: RingSettings(seconds=60.0, bytes=128 * 2**20))
    clip: ClipSettings = field(default_factory=ClipSettings)


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
        self.t = 0.0
        """Seconds of the stream read so far."""
        self._still: Still | None = None
        self._demuxer: Demuxer | None = None
        self._given_stills = 0
        self._ring = PacketRing(self.settings.ring)
        self._watcher = Watcher(source, self._ring, self.settings.watch)
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

    @property
    def frames_decoded(self) -> int:
        """Pictures decoded so far, those of the gate's looks included."""
        return self._watcher.count.frames_decoded + self._watcher.count.looks + self._given_stills

    @property
    def count(self) -> WatchCount:
        """What was decoded, looked at and skipped, for a stream."""
        return self._watcher.count

    def note_activity(self, t: float) -> None:
        """Say that a vehicle was tracked at ``t``, so that a gated stream stays awake."""
        self._watcher.note_activity(t)

    def note_known(self, t: float) -> None:
        """Say that more frames of what is in view at ``t`` would tell nothing new."""
        self._watcher.note_known(t)

    def request_clip(self, t0: float, t1: float, path: Path) -> ClipJob:
        """A clip of ``[t0, t1]`` with pre- and post-roll; ready once the reader is past them, or at its end."""
        return ClipJob(self.source, self._ring, t0, t1, path, self.settings.clip)

    def __iter__(self) -> Iterator[DecodedFrame | Still]:
        if self._still is not None:
            self._given_stills = 1
            yield self._still
            return
        assert self._demuxer is not None  # noqa: S101 - a reader holds one or the other
        try:
            for packet in self._demuxer.packets():
                self.t = max(self.t, packet.t)
                if self._ring.append(packet):
                    while self._watcher.is_behind:
                        yield from self._watcher.step()
            yield from self._watcher.flush()
        finally:
            self._ring.end()
        if not self.frames_decoded or (not self.count.frames_decoded and self.count.undecoded_run):
            raise OpenFailed(
                Reason.UNDECODABLE, self.source, "no picture of it could be decoded", "get it anew, or convert it"
            )

    def close(self) -> None:
        self._ring.end()
        if self._demuxer is not None:
            self._demuxer.close()

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


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

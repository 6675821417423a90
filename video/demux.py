"""Opening a source and taking its video packets apart: the only place where FFmpeg meets an address."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import av
import av.logging
import certifi

from video import nal
from video.camera_clock import time_of_sender
from video.errors import OpenFailed, Reason, StreamFailed, VideoError
from video.packet import TICKS, Packet, StreamFormat
from video.picture import MAX_PIXELS
from video.playlist import checked_address
from video.source import SourceKind, SourceUrl, resolve
from video.timeline import Timeline

av.logging.set_level(None)  # libav's own lines hold addresses with logins, and its callback can deadlock with threads

_FILE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,mjpeg,mpjpeg,flv,asf,ogg,ivf,obu,"
    "dhav,mxf"
)
_PROTOCOLS = {
    SourceKind.RTSP: "rtsp,rtsps,rtp,tcp,tls",
    SourceKind.HTTPS: "https,tls,tcp,crypto",
    SourceKind.FILE: "file",
}
_FORMATS = {
    SourceKind.RTSP: "rtsp,rtp,sdp,mpegts",
    SourceKind.HTTPS: f"hls,aac,{_FILE_FORMATS}",
    SourceKind.FILE: _FILE_FORMATS,
}


@dataclass(frozen=True, slots=True)
class OpenSettings:
    """How long to wait for a source, in seconds."""

    open_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    max_gap_s: float = 10.0
    """A live clock that leaps by more is taken for a new one."""


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
        self._container = self._open()
        try:
            self._stream = self._pick_stream()
            self.format = self._first_format()
            self.duration_s = self._duration_s()
            """Length of a file in seconds, as its header says; None where it doesn't, and for live streams."""
        except BaseException:
            self._container.close()
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
        self._container.close()

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
                raise StreamFailed(*_explain(self.source, TimeoutError(), opened=True))
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.EOFError):
                return
            if not self.source.is_live:
                self.is_short = True
                return
            raise StreamFailed(*_explain(self.source, error, opened=True)) from None

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

    def _open(self) -> Any:
        source, settings = self.source, self.settings
        if source.path is not None and not source.path.is_file():
            what = "is not a file" if source.path.exists() else "there is no such file"
            raise OpenFailed(Reason.NOT_FOUND, source, what, "mend the path")
        deadline = time.monotonic() + settings.open_timeout_s
        address = resolve(source)
        if source.kind is SourceKind.HTTPS:
            address = checked_address(source, settings.open_timeout_s)
        options = {
            "protocol_whitelist": _PROTOCOLS[source.kind],
            "format_whitelist": _FORMATS[source.kind],
        }
        if source.kind is SourceKind.RTSP:
            options |= {
                "rtsp_transport": "tcp",
                "timeout": str(int(settings.open_timeout_s * TICKS)),
            }
        if source.kind is SourceKind.HTTPS:
            options |= {"rw_timeout": str(int(settings.read_timeout_s * TICKS)), "max_redirects": "0"}
        if source.secure and source.rules.verify_tls:
            options |= {"tls_verify": "1", "ca_file": trusted_certificates(source)}
        # cameras name their parameter sets in the description, so the stream itself need not be looked into, nor sound
        fast = {"analyzeduration": "0", "probesize": "32", "allowed_media_types": "video"}
        attempts = [fast, {}] if source.kind is SourceKind.RTSP else [{}]
        failure: VideoError | None = None
        for attempt in attempts:
            left = deadline - time.monotonic()
            if failure is not None and left <= 0:
                break
            try:
                container = av.open(
                    address, options=options | attempt, timeout=(max(left, 0.05), settings.read_timeout_s)
                )
            except av.error.FFmpegError as error:
                if time.monotonic() >= deadline - 0.02 and isinstance(error, av.error.InvalidDataError):
                    error = TimeoutError()  # libav names an interrupted wait so
                failure = OpenFailed(*_explain(source, error, opened=False))
                if failure.reason not in (Reason.NOT_VIDEO, Reason.UNDECODABLE, Reason.SERVER_FAILED):
                    break
                continue
            return container
        assert failure is not None  # noqa: S101 - every attempt either returned or failed
        raise failure


def _camera_time(coded: Any, now: datetime) -> datetime | None:
    reference = coded.get_sidedata("prft") if coded.has_sidedata("prft") else None
    return time_of_sender(bytes(reference), now) if reference is not None else None


def trusted_certificates(source: SourceUrl) -> str:
    """The file of certificates that TLS connections of ``source`` are checked with."""
    if source.rules.ca_file is not None:
        return str(source.rules.ca_file)
    return ssl.get_default_verify_paths().cafile or certifi.where()


def _explain(source: SourceUrl, error: Any, *, opened: bool) -> tuple[Reason, SourceUrl, str, str]:
    """What a libav error means for a camera engineer. Its own text is used last, and redacted."""
    kinds: list[tuple[tuple[type[BaseException], ...], Reason, str, str]] = [
        (
            (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
            Reason.LOGIN_FAILED,
            "refused the login",
            "mend the user name and password",
        ),
        ((av.error.HTTPNotFoundError,), Reason.NOT_FOUND, "has no such stream", "mend the path of the address"),
        ((av.error.HTTPServerError,), Reason.SERVER_FAILED, "its server failed", "look at the camera"),
        (
            (av.error.HTTPError, av.error.HTTPClientError),
            Reason.SERVER_FAILED,
            "its server refused the request",
            "mend the address",
        ),
        (
            (ConnectionRefusedError, ConnectionResetError, BrokenPipeError, ConnectionAbortedError),
            Reason.UNREACHABLE,
            "broke the connection" if opened else "refused the connection",
            "see that the camera is on and its port is right",
        ),
        (
            (TimeoutError, av.error.ExitError),
            Reason.STALLED if opened else Reason.TIMED_OUT,
            "sent nothing in time" if opened else "did not answer in time",
            "see that the camera is on and the network reaches it",
        ),
        ((FileNotFoundError,), Reason.NOT_FOUND, "there is no such file", "mend the path"),
        ((PermissionError,), Reason.UNREACHABLE, "may not be read", "mend its permissions"),
        ((EOFError, av.error.EOFError), Reason.ENDED, "ended before a picture came", "look at the camera"),
        (
            (av.error.InvalidDataError,),
            Reason.NOT_VIDEO,
            "is not a video of a kind that is read, or is broken",
            "convert it to MP4 (H.264), or get it anew",
        ),
        (
            (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError, av.error.PatchWelcomeError),
            Reason.UNSUPPORTED_CODEC,
            "its kind of stream is not supported",
            "set the camera to H.264 or H.265",
        ),
    ]
    for classes, reason, what, way_out in kinds:
        if isinstance(error, classes):
            return reason, source, what, way_out
    text = source.redact(getattr(error, "strerror", None) or type(error).__name__)
    return Reason.UNREACHABLE, source, f"can't be read ({text})", "see that the camera is on and the address is right"

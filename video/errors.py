"""What can go wrong with a source: a machine code (the camera's health reason) and a message with the way out."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a camera is not live, or a source could not be read. The values go into events, so they never change."""

    UNREACHABLE = "unreachable"
    NAME_UNKNOWN = "name_unknown"
    TLS_FAILED = "tls_failed"
    LOGIN_FAILED = "login_failed"
    NOT_FOUND = "not_found"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    ENDED = "ended"
    SERVER_FAILED = "server_failed"
    SOURCE_REFUSED = "source_refused"
    NETWORK_REFUSED = "network_refused"
    PLAYLIST_REFUSED = "playlist_refused"
    NO_VIDEO = "no_video"
    NO_KEYFRAME = "no_keyframe"
    NOT_VIDEO = "not_video"
    UNDECODABLE = "undecodable"
    UNSUPPORTED_CODEC = "unsupported_codec"
    TOO_LARGE = "too_large"
    CLOCK_SKEW = "clock_skew"
    NEVER_SLEEPS = "never_sleeps"
    NEVER_WAKES = "never_wakes"
    DISABLED = "disabled"
    CLIP_MISSED = "clip_missed"
    INTERNAL = "internal"


class VideoError(Exception):
    """One thing wrong with one source: ``reason`` for machines; the text names the source, redacted, and a way out."""

    def __init__(self, reason: Reason, source: object, what: str, way_out: str) -> None:
        super().__init__(f"{source}: {what}; {way_out}")
        self.reason = reason
        self.what = what
        self.way_out = way_out


class SourceRefused(VideoError):
    """The source's address is one that beket never opens, or that the configuration forbids."""


class OpenFailed(VideoError):
    """The source could not be opened, or holds nothing that can be decoded."""


class StreamFailed(VideoError):
    """An open stream broke off."""


class PictureRefused(VideoError):
    """A picture that can't or mustn't be decoded."""


class ClipFailed(VideoError):
    """A clip could not be cut."""

"""What libav's errors mean for a camera engineer."""

from __future__ import annotations

from typing import Any

import av

from video.connect.source import SourceUrl
from video.errors import Reason


def explain(source: SourceUrl, error: Any, *, opened: bool) -> tuple[Reason, SourceUrl, str, str]:
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

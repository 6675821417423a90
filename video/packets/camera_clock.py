"""The camera's own clock: read from its RTCP sender reports, and weighed against ours."""

from __future__ import annotations

import struct
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

_NTP_EPOCH: Final = datetime(1900, 1, 1, tzinfo=UTC)
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ERA_S: Final = 2**32
"""Seconds after which NTP's clock starts again: 2036-02-07 (RFC 5905, 6)."""
_LEAST_S: Final = 2**31
"""A sender's clock that has not come so far since 1900 (1968) counts from its start: it knows no time of day."""
_YEAR_S: Final = 366 * 86_400


def time_of_sender(reference: bytes, now: datetime) -> datetime | None:
    """The camera's UTC in libav's "producer reference time" of a packet (``AVProducerReferenceTime``: µs of the epoch).

    None for a camera that has no time of day: it sends zeros, or counts from its start. ``now`` says which era of NTP.
    """
    if len(reference) < 8:
        return None
    since_1900_s = struct.unpack_from("=q", reference)[0] / 1e6 + (_UNIX_EPOCH - _NTP_EPOCH).total_seconds()
    if not 0 <= since_1900_s < 2 * _ERA_S:
        return None
    if since_1900_s < _LEAST_S:
        if (now - _NTP_EPOCH).total_seconds() < _ERA_S - _YEAR_S:
            return None
        since_1900_s += _ERA_S
    return _NTP_EPOCH + timedelta(seconds=since_1900_s)


class ClockSkew:
    """The camera's clock minus ours, from packets' sending and arrival times, over the last ``window_s`` seconds.

    A packet comes late and never early, so the greatest difference is the one nearest to the truth (the network's
    shortest delay is in it). A clock that is set anew is followed within the window. One thread notes, any may read.
    """

    def __init__(self, window_s: float = 60.0, steps: int = 6) -> None:
        self._step_s = window_s / steps
        self._greatest: deque[tuple[int, float]] = deque(maxlen=steps)
        self.camera_at: datetime | None = None
        """The camera's time at which the newest packet was taken."""
        self.skew_s: float | None = None
        """Seconds by which the camera is ahead; None where it tells no time."""

    def note(self, camera_at: datetime, seen_at: datetime) -> None:
        """One packet: the camera's time of it, and ours of its arrival."""
        self.camera_at = camera_at
        skew_s = (camera_at - seen_at).total_seconds()
        step = int(seen_at.timestamp() // self._step_s)
        if self._greatest and self._greatest[-1][0] == step:
            self._greatest[-1] = step, max(skew_s, self._greatest[-1][1])
        else:
            self._greatest.append((step, skew_s))
        self.skew_s = max(skew for _, skew in self._greatest)

    def forget(self) -> None:
        """A new connection: what was known of the camera's clock may be over."""
        self._greatest.clear()
        self.camera_at = self.skew_s = None

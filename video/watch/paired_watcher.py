"""Two streams of one camera: the small one is watched for what moves, the large one is decoded only while something
does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from video.watch.decoded import DecodedFrame
from video.watch.watcher import WatchCount, Watcher

_MARGIN_S = 1.0
"""How far the two streams' times may lie apart: each is counted from its own first packet's arrival."""


class PairedWatcher:
    """Frames of ``reader``'s stream whenever ``sentry`` is awake, from before it woke to after it fell asleep.

    While the small stream is away (``sentry_is_live`` says no), the reader watches its own with its own gate. For one
    thread at a time, as a ``Watcher`` is.
    """

    def __init__(self, reader: Watcher, sentry: Watcher, sentry_is_live: Callable[[], bool]) -> None:
        self._reader = reader
        self._sentry = sentry
        self._sentry_is_live = sentry_is_live
        self._is_driven = False
        """Whether the sentry says when the reader rests."""
        self._wanted_until = float("-inf")

    @property
    def count(self) -> WatchCount:
        """The reader's, with the sentry's pictures counted as looks."""
        reader, sentry = self._reader.count, self._sentry.count
        return replace(
            reader,
            looks=reader.looks + sentry.looks + sentry.frames_decoded,
            broken=reader.broken + sentry.broken,
            undecoded_run=max(reader.undecoded_run, sentry.undecoded_run),
            wakes=reader.wakes + sentry.wakes,
            refused=reader.refused + sentry.refused,
            unwatched_s=reader.unwatched_s + sentry.unwatched_s,
        )

    @property
    def is_awake(self) -> bool:
        return self._reader.is_awake

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the large pictures, once one is decoded."""
        return self._reader.size

    @property
    def t(self) -> float:
        """Stream time up to which packets have been taken."""
        return self._reader.t

    @property
    def is_behind(self) -> bool:
        return self._reader.is_behind or self._sentry.is_behind

    @property
    def lag_s(self) -> float:
        return max(self._sentry.lag_s, self._reader.lag_s if self._reader.is_awake or not self._is_driven else 0.0)

    @property
    def thinning(self) -> int:
        return self._reader.thinning

    @thinning.setter
    def thinning(self, thinning: int) -> None:
        self._reader.thinning = thinning

    @property
    def wake_bar(self) -> float:
        return self._sentry.wake_bar

    @wake_bar.setter
    def wake_bar(self, bar: float) -> None:
        self._sentry.wake_bar = self._reader.wake_bar = bar

    @property
    def inspector(self) -> Callable[[DecodedFrame], None] | None:
        """Is shown keyframes of the small stream, whichever is awake."""
        return self._sentry.inspector

    @inspector.setter
    def inspector(self, inspector: Callable[[DecodedFrame], None] | None) -> None:
        self._sentry.inspector = inspector

    def note_activity(self, t: float) -> None:
        """Say that a vehicle was tracked at ``t``: both streams stay awake."""
        self._sentry.note_activity(t)
        self._reader.note_activity(t)

    def note_known(self, t: float) -> None:
        """Nothing comes of it: the small stream tells when the large one rests."""

    def skip_to_newest(self) -> float:
        """Give up the backlog of both but for its last GOP; the seconds given up."""
        return max(self._sentry.skip_to_newest(), self._reader.skip_to_newest())

    def step(self, max_frames: int = 8, max_packets: int = 256) -> list[DecodedFrame]:
        """The next frames of the large stream, as ``Watcher.step``."""
        noticed = self._sentry.step(max_frames, max_packets)
        if not self._sentry_is_live():
            self._is_driven = False
            return self._reader.step(max_frames, max_packets)
        if not self._is_driven:
            self._is_driven = True
            self._wanted_until = self._reader.t
        if self._sentry.is_awake or noticed:
            woken_t = noticed[0].t if noticed else self._sentry.t
            self._wanted_until = max(self._wanted_until, self._sentry.t + _MARGIN_S)
            if not self._reader.is_awake:
                self._reader.wake_at(woken_t - _MARGIN_S)
        elif self._reader.t >= self._wanted_until:
            self._reader.rest()
            return []
        if self._reader.is_awake:
            self._reader.note_activity(self._wanted_until)
        return self._reader.step(max_frames, max_packets)

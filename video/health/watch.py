"""Whether a camera is watched as it should be: seconds passed over, a gate that never sleeps or never wakes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from video.health.fault import Fault, Finding
from video.health.requirements import Requirements

WATCH_FAULTS: Final = frozenset({Fault.UNWATCHED, Fault.NEVER_SLEEPS, Fault.NEVER_WAKES})
_UNWATCHED_OVER_S: Final = 300.0
_SLEEPLESS_OVER_S: Final = 3600.0
_SLEEPLESS_SHARE: Final = 0.98
_WAKELESS_OVER_S: Final = 86400.0
_MARKS: Final = 144


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """What a camera's watcher counted since its start, in seconds of the stream."""

    watched_s: float = 0.0
    awake_s: float = 0.0
    unwatched_s: float = 0.0
    """Those in which nobody could watch included, and those of processes before this."""
    noted_s: float | None = None
    """``unwatched_s`` as the process before this one last noted it; None where there was none."""
    wakes: int = 0
    """Those that something on the road gave cause to, not the gate's own proofs."""
    has_gate: bool = True


class WatchJudge:
    """Compares counts now with those of minutes, an hour, a day ago. For one thread."""

    def __init__(self, required: Requirements) -> None:
        self._required = required
        self._marks: deque[WatchFacts] = deque(maxlen=_MARKS)
        self._recent: deque[WatchFacts] = deque()

    def look(self, now: WatchFacts) -> Iterator[Finding]:
        """What is wrong with how the camera was watched up to ``now``."""
        if self._recent and _clock(now) < _clock(self._recent[-1]):  # counted anew
            self._recent.clear()
            self._marks.clear()
        if not self._recent and now.noted_s is not None:
            self._recent.append(WatchFacts(unwatched_s=now.noted_s))
        self._recent.append(now)
        while len(self._recent) > 2 and _clock(now) - _clock(self._recent[1]) >= _UNWATCHED_OVER_S:
            self._recent.popleft()
        if not self._marks or _clock(now) - _clock(self._marks[-1]) >= _WAKELESS_OVER_S / (_MARKS - 2):
            self._marks.append(now)
        yield from self._unwatched(now)
        if now.has_gate:
            yield from self._sleepless(now)

    def _unwatched(self, now: WatchFacts) -> Iterator[Finding]:
        then, most = self._recent[0], self._required.max_unwatched_share
        passed_s = _clock(now) - _clock(then)
        if then.unwatched_s == now.noted_s:  # what is not known of the time before counts as watched
            passed_s = max(passed_s, _UNWATCHED_OVER_S)
        if most is None or passed_s <= 0:
            return
        share = (now.unwatched_s - then.unwatched_s) / passed_s
        if share > most:
            yield Finding(Fault.UNWATCHED, min(1.0, 0.3 + share / 0.5), round(share, 3), most, "share")

    def _sleepless(self, now: WatchFacts) -> Iterator[Finding]:
        hour_ago = next((one for one in reversed(self._marks) if _clock(now) - _clock(one) >= _SLEEPLESS_OVER_S), None)
        if hour_ago is not None:
            share = (now.awake_s - hour_ago.awake_s) / max(now.watched_s - hour_ago.watched_s, 1.0)
            if share >= _SLEEPLESS_SHARE:
                yield Finding(Fault.NEVER_SLEEPS, 1.0, round(share, 3), _SLEEPLESS_SHARE, "share")
        day_ago = self._marks[0]
        if now.watched_s - day_ago.watched_s >= _WAKELESS_OVER_S and now.wakes == day_ago.wakes:
            yield Finding(Fault.NEVER_WAKES, 1.0, 0, 1, "wakes")


def _clock(facts: WatchFacts) -> float:
    return facts.watched_s + facts.unwatched_s

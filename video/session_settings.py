"""A session's times and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

from video.packets.clip import ClipSettings
from video.packets.demux import OpenSettings
from video.packets.ring import RingSettings
from video.watch.watcher import WatchSettings


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A session's times and bounds, in seconds."""

    opening: OpenSettings = field(default_factory=OpenSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    ring: RingSettings = field(default_factory=RingSettings)
    gate_ring: RingSettings = field(default_factory=lambda: RingSettings(seconds=12.0, bytes=8 * 2**20))
    """Of the small stream that is looked at for the gate, where a camera has one."""
    clip: ClipSettings = field(default_factory=ClipSettings)
    stall_s: float = 3.0
    """Without packets for so long, a live camera counts as stalled."""
    keyframe_s: float = 12.0
    """A stream that sends no keyframe for so long is given up."""
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0
    backoff_login_s: float = 60.0
    """The wait after failures that only a person mends."""
    settled_s: float = 10.0
    """Live for so long, a camera's next failure is its first again."""
    backlog_s: float = 8.0
    """Seconds that decoding may lie behind: from a quarter of it on frames are thinned, from half of it on wakes
    refused; what is more is skipped. The last two count as unwatched."""

"""How a stream is looked at, and what was done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from video.watch.gate import GateSettings
from video.watch.hardware import DecodeSettings
from video.watch.promise import WakeReason


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How a stream is looked at.

    ``fps`` thins the frames handed out of a woken stream (None: every one). Without a ``gate`` it is always awake.
    """

    fps: float | None = 6.0
    gate: GateSettings | None = field(default_factory=GateSettings)
    threads: int = 1
    decoding: DecodeSettings = field(default_factory=DecodeSettings)


@dataclass(slots=True)
class WatchCount:
    """What a watcher has done so far."""

    frames_decoded: int = 0
    """Pictures decoded in full, on waking or while awake."""
    frames_on_gpu: int = 0
    """Those of them that a GPU decoded."""
    looks: int = 0
    """Pictures decoded for the gate alone."""
    frames_given: int = 0
    broken: int = 0
    """Packets that the decoder refused."""
    undecoded_run: int = 0
    """Packets in a row without a picture."""
    wakes: Counter[WakeReason] = field(default_factory=Counter)
    refused: Counter[WakeReason] = field(default_factory=Counter)
    """Wakes passed over because the worker can't keep up."""
    awake_s: float = 0.0
    watched_s: float = 0.0
    unwatched_s: float = 0.0
    """Seconds of the stream that nothing looked at: the ring or the backlog ran over, or a wake was refused."""
    thinned_s: float = 0.0
    """Seconds awake in which fewer frames were given than ``fps`` asks for."""

"""What a wake promises: how often wakes of its kind have shown a vehicle at this camera."""

from __future__ import annotations

from enum import StrEnum

_PRIOR = 2.0
"""Wakes, half of them kept, that stand for what is not known yet."""
_MEMORY = 50.0
"""Wakes after which the old ones fade: roads change."""


class WakeReason(StrEnum):
    """What woke a stream."""

    KEYFRAME = "keyframe"
    BETWEEN = "between"
    PACKETS = "packets"
    PROOF = "proof"


class Promise:
    """A camera's record of wakes by their reason."""

    def __init__(self) -> None:
        self._kept = dict.fromkeys(WakeReason, _PRIOR / 2)
        self._all = dict.fromkeys(WakeReason, _PRIOR)

    def of(self, reason: WakeReason) -> float:
        """Probability that a wake for ``reason`` shows a vehicle, 0-1."""
        return self._kept[reason] / self._all[reason]

    def note(self, reason: WakeReason, *, is_kept: bool) -> None:
        """A wake for ``reason`` has shown a vehicle, or has not."""
        fade = min(1.0, _MEMORY / (self._all[reason] + 1))
        self._kept[reason] = fade * (self._kept[reason] + is_kept)
        self._all[reason] = fade * (self._all[reason] + 1)

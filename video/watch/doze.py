"""When a stream whose vehicles are all known may sleep while they leave."""

from __future__ import annotations

_LONGEST_S = 2.0
"""Time to the next keyframe that is slept through, at most: what comes behind known vehicles is in view for longer, or
makes packets grow."""
_PUT_OFF_MOST = 4
"""GOPs that pass before the next doze where dozes are in vain, at most."""


class Doze:
    """From the last frame that tells something new to the next keyframe. For one thread at a time."""

    def __init__(self) -> None:
        self.is_on = False
        self._from_t = float("-inf")
        self._vain = 0
        """Dozes in a row that ended at a keyframe with vehicles in view."""

    def may_begin(self, t: float, keyframe_in_s: float) -> bool:
        """Whether to doze from ``t`` on, the next keyframe being due in ``keyframe_in_s``."""
        return t > self._from_t and 0 < keyframe_in_s <= _LONGEST_S

    def put_off(self, t: float) -> None:
        """No doze up to ``t``: the stream was woken there."""
        self._from_t = max(self._from_t, t)

    def end(self, t: float, gop_s: float, *, is_vain: bool) -> None:
        """The keyframe at ``t`` shows that the known vehicles have left, or that something is still in view."""
        self.is_on = False
        self._vain = self._vain + 1 if is_vain else 0
        self.put_off(t + gop_s * min(max(self._vain - 1, 0), _PUT_OFF_MOST))

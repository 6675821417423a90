"""A stream's own time: timestamps unwrapped and kept from jumping."""

from __future__ import annotations

from dataclasses import dataclass

_WRAPS = (2**33 / 90_000, 2**32 / 90_000)
"""Seconds after which MPEG-TS and RTP clocks of 90 kHz start again."""
_REORDERED_S = 1.0
"""How far presentation times may run back, where there are no decoding times."""
_DISORDER_S = 0.1
"""How far decoding times may run back before it counts as a new clock."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a packet lies in the stream's time, in seconds."""

    t: float
    dts: float
    jumped: bool


class Timeline:
    """Places packets of one connection in a time that only grows.

    ``anchor_s`` is the time of the first packet shown: 0 for a file, the epoch's seconds at arrival for a camera. A
    wrapped clock goes on; a clock that leaps by more than ``max_gap_s``, or back, goes on from the last packet (or from
    its arrival, if that is later) and is reported as ``jumped``.
    """

    def __init__(self, anchor_s: float, max_gap_s: float, frame_s: float = 0.04) -> None:
        self._anchor_s = anchor_s
        self._max_gap_s = max_gap_s
        self._frame_s = frame_s
        self._offset: float | None = None
        self._raw = 0.0
        self._dts = float("-inf")

    def place(self, pts: float | None, dts: float | None, arrived_s: float | None = None) -> Moment:
        """``pts`` and ``dts`` in seconds of the stream's clock, ``arrived_s`` in seconds of the anchor's clock."""
        jumped = False
        raw = dts if dts is not None else pts
        if raw is None:
            raw = self._raw + self._frame_s if self._offset is not None else 0.0
        shown = pts if pts is not None else raw
        if self._offset is None:
            self._offset = self._anchor_s - shown
        else:
            step = raw - self._raw
            back_s = _REORDERED_S if dts is None else _DISORDER_S
            if not -back_s <= step <= self._max_gap_s:
                wrap = next((w for w in _WRAPS if -back_s <= step + w <= self._max_gap_s), None)
                if wrap is not None:
                    self._offset += wrap
                else:
                    jumped = True
                    goes_on = self._dts + self._frame_s
                    self._offset = max(goes_on, arrived_s if arrived_s is not None else goes_on) - raw
        if (
            shown - raw > self._max_gap_s or raw - shown > self._max_gap_s
        ):  # pts on one side of a wrap, dts on the other
            shown = raw
        self._raw = raw
        self._dts = max(self._dts, raw + self._offset) if not jumped else raw + self._offset
        return Moment(shown + self._offset, self._dts, jumped)

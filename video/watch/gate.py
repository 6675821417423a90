"""The gate: decides from cheap looks at a stream whether anything is on the road.

Three kinds of evidence, each against what the camera's own empty road has taught:

- the brightness of keyframes against a learned background that follows the light;
- between two keyframes of H.264, single P pictures decoded on top of the keyframe, all pictures in between left out:
  what stands still comes out as it was, what moves comes out torn, and the place differs from the keyframe (2 ms for
  1080p, where decoding the whole GOP takes 150); of HEVC likewise, where libav paints what is missing grey, so that
  all that is not grey has been coded anew;
- the sizes of packets over a window, against their mean at the same place in a GOP.

Pure arithmetic on arrays: decoding is the watcher's work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video.watch.packet_sizes import PacketSizes

Luma = NDArray[np.uint8]

_CELL = 4
_FLOOD = 0.12
"""Share of the picture whose change is another light or view, if it stays and no vehicle is tracked."""
_CLUTTER_MOST = 0.01
"""Share of the cells that may be clutter at most."""
_SUSPICION_MOST = 3.0
_LEAST_SPREAD = 6.0
"""Mean deviation of brightness below which a picture's contrast can't be compared."""
_MORE = 1.4
"""Growth of the packets of known vehicles from which another is there: one of half their size adds half of it."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Thresholds of the gate. Times in seconds of the stream, brightness in levels of 0-255."""

    learn_s: float = 4.0
    """How long a new background is learned, the stream being awake."""
    step: float = 14.0
    """Least change of a pixel's brightness that counts."""
    noise_factor: float = 5.0
    """Times a pixel's own noise that its change must reach."""
    cells: int = 1
    """Cells of 4x4 sampled pixels, half of them changed, that wake the stream."""
    packet_score: float = 3.0
    """Standard scores of the packets of a window, taken together, that wake it; 0 leaves packets out. Rises by itself,
    to twice this at most, where it wakes the stream for nothing."""
    packet_window_s: float = 0.7
    residue: float = 2.0
    """Least difference from grey that counts in a sparse picture of HEVC."""
    residue_cells: int = 6
    """Least newly coded cells of it that wake the stream; rises by itself where they do so for nothing."""
    suspicion: float = 1.0
    """Standard score of packets since the keyframe from which a look inside a GOP is worth its while; rises by itself
    with each look in vain, and falls back with one that shows something."""
    quiet_s: float = 4.0
    """While packets, keyframes among them, are as an empty road's, a keyframe is looked at only so often."""
    look_s: float = 0.9
    """Seconds from a keyframe to a look inside its GOP, and between further ones in a long GOP."""
    linger_s: float = 0.4
    """How long the stream stays awake after it was woken; afterwards it is awake until a frame shows nothing."""
    adapt_s: float = 6.0
    """Time constant with which the background follows the light where nothing changes."""
    absorb_s: float = 25.0
    """Time constant with which what stands still becomes background."""
    clutter_s: float = 60.0
    """Time constant with which cells that change here and there become usual."""
    prove_s: float = 900.0
    """A stream asleep for so long is woken for a moment, to prove its gate."""


class Gate:
    """What one camera's empty road looks like, and whether a look differs from it. For one thread."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self.settings = settings or GateSettings()
        self.area = 0
        """Changed cells of the last look."""
        self._learning: list[NDArray[np.float32]] = []
        self._learn_from: float | None = None
        self._background: NDArray[np.float32] | None = None
        self._noise: NDArray[np.float32] | None = None
        self._last: NDArray[np.float32] | None = None
        self._t = 0.0
        self._sizes = PacketSizes(self.settings.packet_window_s)
        self._packet_score = self.settings.packet_score
        self._residue_cells = float(self.settings.residue_cells)
        self._residue_area = 0
        self._suspicion = self.settings.suspicion
        self._flooded_from: float | None = None
        self._clutter = 0.0
        """Cells that change without a vehicle, as a rule."""
        self._known_size = 0.0
        """Bytes of a packet that vehicles known already account for."""

    @property
    def is_learned(self) -> bool:
        return self._background is not None

    def forget(self) -> None:
        """Start anew: another resolution."""
        self.__init__(self.settings)  # type: ignore[misc]

    def _see_anew(self) -> None:
        """Learn the picture again: another light, another view. What packets are usual changes less, and is kept until
        those that come say otherwise."""
        self._background = self._noise = self._last = self._learn_from = self._flooded_from = None
        self._clutter = 0.0
        self._sizes.fade()

    def look(self, luma: Luma, t: float, *, occupied: bool = False) -> bool:
        """Whether the picture at ``t`` shows anything but the empty road; always while that is being learned.

        ``occupied`` says that a vehicle is known to be there, so that it doesn't become background by waiting.
        """
        picture = luma.astype(np.float32)
        if self._background is not None and self._background.shape != picture.shape:
            self.forget()
        if self._background is None or self._noise is None or self._last is None:
            return self._learn(picture, t)
        change = np.abs(picture - _lit_as(picture, self._background))
        changed = change > np.maximum(self.settings.step, self.settings.noise_factor * self._noise)
        self.area = _cells(changed)
        present = self._is_present(self.area)
        if occupied or self.area * _CELL**2 < _FLOOD * picture.size:
            self._flooded_from = None
        elif self._flooded_from is None:
            self._flooded_from = t
        elif t - self._flooded_from >= self.settings.learn_s:
            self._see_anew()  # no vehicle fills the picture for so long unseen
            return self._learn(picture, t)
        self._adapt(picture, change, changed, t, present=present, occupied=occupied)
        return present

    def differs(self, luma: Luma) -> bool:
        """Whether a picture shows anything but the empty road; nothing is learned from it."""
        if self._background is None or self._noise is None or self._background.shape != luma.shape:
            return True
        picture = luma.astype(np.float32)
        change = np.abs(picture - _lit_as(picture, self._background))
        return self._is_present(
            _cells(change > np.maximum(self.settings.step, self.settings.noise_factor * self._noise))
        )

    def look_between(self, luma: Luma, keyframe: Luma) -> bool:
        """Whether a picture decoded sparsely differs from the keyframe that it was decoded on."""
        if self._noise is None or luma.shape != keyframe.shape or self._noise.shape != luma.shape:
            return True
        change = np.abs(luma.astype(np.int16) - keyframe)
        changed = change > np.maximum(self.settings.step, self.settings.noise_factor * self._noise)
        self.area = _cells(changed)
        return self._has_paid(self._is_present(self.area))

    def look_residue(self, luma: Luma) -> bool:
        """Whether a picture of HEVC decoded sparsely holds more newly coded places than an empty road gives."""
        self.area = self._residue_area = _cells(np.abs(luma.astype(np.int16) - 128) > self.settings.residue)
        return self._has_paid(self.area >= self._residue_cells)

    def weigh(self, size: int, t: float, *, is_keyframe: bool) -> bool:
        """Whether the packets up to this one are too large together for an empty road; call for each, awake or not."""
        score = self._sizes.add(size, t, is_keyframe=is_keyframe)
        late = self._sizes.late
        self._known_size = 0.0 if is_keyframe else min(self._known_size, late or math.inf)
        return 0 < self._packet_score <= score and (late or 0.0) >= _MORE * self._known_size

    def discount(self) -> None:
        """Let packets up to the next keyframe count only where they grow: what the vehicles now in view take is known,
        and becomes less as they leave."""
        self._known_size = self._sizes.late or math.inf

    def keyframe_in(self, t: float) -> float:
        """Seconds from ``t`` until the next keyframe is due."""
        return self._sizes.keyframe_due - t

    @property
    def suspects(self) -> bool:
        """Whether the packets since the keyframe are large enough for a look, or what is usual is not known yet."""
        return self._sizes.loudest is None or self._sizes.loudest >= self._suspicion

    @property
    def is_quiet(self) -> bool:
        """Whether all packets since the keyframe before, and this one if it is one, are no larger than usual."""
        return self._sizes.before is not None and self._sizes.before < self.settings.suspicion

    def _is_present(self, area: int) -> bool:
        return area >= self.settings.cells + self._clutter + 2 * math.sqrt(self._clutter)

    def _has_paid(self, present: bool) -> bool:
        """Look sooner between keyframes where that has shown something, later where it was in vain (by night it is)."""
        self._suspicion = self.settings.suspicion if present else min(self._suspicion + 0.15, _SUSPICION_MOST)
        return present

    def was_empty(self) -> None:
        """Say that the road was empty since the last word on it: those packets are learned from."""
        self._sizes.learn()
        self._packet_score += 0.02 * (self.settings.packet_score - self._packet_score)
        self._residue_cells += 0.005 * (self.settings.residue_cells - self._residue_cells)

    def was_false_alarm(self, *, by_packets: bool) -> None:
        """Say that no picture showed what woke the stream: packets, or a look between keyframes, need to say it louder
        for a while."""
        self._sizes.learn()
        if not by_packets:
            self._residue_cells = max(self._residue_cells, 1.25 * self._residue_area + 1)
        elif self.settings.packet_score:
            self._packet_score = min(self._packet_score + 0.5, 2 * self.settings.packet_score)

    def was_occupied(self) -> None:
        """Say that the road was not empty: the packets since the last word on it teach nothing."""
        self._sizes.discard()

    def was_left(self) -> None:
        """Say that nothing is in view any more: the packets up to now are no sign of what comes."""
        self._sizes.discard()
        self._sizes.clear()

    def _learn(self, picture: NDArray[np.float32], t: float) -> bool:
        if self._learn_from is None or (self._learning and self._learning[0].shape != picture.shape):
            self._learn_from = t
            self._learning.clear()
        if not self._learning or t - self._t >= min(0.3, self.settings.learn_s / 5):
            self._learning.append(picture)
            self._t = t
        if t - self._learn_from >= self.settings.learn_s and len(self._learning) >= 3:
            stack = np.stack(self._learning)
            self._background = np.median(stack, axis=0).astype(np.float32)
            spread = 1.48 * np.median(np.abs(stack - self._background), axis=0)
            self._noise = np.clip(spread, 1.0, 6.0).astype(np.float32)
            self._last = picture
            self._learning.clear()
        return True

    def _adapt(
        self,
        picture: NDArray[np.float32],
        change: NDArray[np.float32],
        changed: NDArray[np.bool_],
        t: float,
        *,
        present: bool,
        occupied: bool,
    ) -> None:
        assert self._background is not None  # noqa: S101 - only called once learned
        assert self._noise is not None  # noqa: S101
        assert self._last is not None  # noqa: S101
        gap_s = min(max(t - self._t, 0.0), 5.0)
        if not occupied:
            # rain, snow, insects: never twice at one place, so that no place's noise tells of it
            usual = min(self.area, 2 * self._clutter + 3, _CLUTTER_MOST * picture.size / _CELL**2)
            self._clutter += (1.0 - math.exp(-gap_s / self.settings.clutter_s)) * (usual - self._clutter)
        follow = 1.0 - math.exp(-gap_s / self.settings.adapt_s)
        step = picture - self._background
        if not present:
            self._background += follow * step
            self._noise += 0.05 * (np.clip(1.25 * change, 1.0, 10.0) - self._noise)
        else:
            absorb = 0.0 if occupied else 1.0 - math.exp(-gap_s / self.settings.absorb_s)
            still = np.abs(picture - self._last) < self.settings.step / 2
            self._background += np.where(changed, np.where(still, absorb, 0.0), follow).astype(np.float32) * step
            if not occupied:
                # trees in wind, rain: what flickers where no vehicle is tracked is noise, in the end
                self._noise += 0.01 * (np.clip(1.25 * change, 1.0, 10.0) - self._noise)
        self._last = picture
        self._t = t


def _lit_as(picture: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """The background in the light of ``picture``: of the same median, and of the same contrast where it has any."""
    seen, known = picture[::6, ::6], background[::6, ::6]
    seen_middle, known_middle = _median(seen), _median(known)
    spread = _median(np.abs(known - known_middle))
    gain = 1.0
    if spread > _LEAST_SPREAD:
        gain = min(max(_median(np.abs(seen - seen_middle)) / spread, 0.5), 2.0)
    return (background - np.float32(known_middle)) * np.float32(gain) + np.float32(seen_middle)


def _median(values: NDArray[np.float32]) -> float:
    """What ``np.median`` gives, in a third of its time: it is asked four times a picture."""
    middle = (values.size - 1) // 2, values.size // 2
    low, high = np.partition(values.ravel(), middle)[list(middle)]
    return (float(low) + float(high)) / 2


def _cells(changed: NDArray[np.bool_]) -> int:
    rows, columns = changed.shape[0] // _CELL * _CELL, changed.shape[1] // _CELL * _CELL
    pixels = changed[:rows, :columns].view(np.uint8)
    strips = np.stack([pixels[row::_CELL] for row in range(_CELL)]).sum(axis=0, dtype=np.uint8)
    cells = np.stack([strips[:, column::_CELL] for column in range(_CELL)]).sum(axis=0, dtype=np.uint8)
    return int(np.count_nonzero(cells >= _CELL * _CELL // 2))

"""Which detection is which vehicle: assignment by expected place, size, and what the plates say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from index.read import Box
from passes.options import TrackOptions
from passes.regions import Followed, Region, around
from passes.surroundings import surroundings
from passes.track import Likeness, Read, Track

_SETTLED_SIGHTINGS: Final = 2
_HARD_SIGHTINGS: Final = 3
"""Sightings from which a plate that can't be read is worth a finer look."""
_SETTLED_SD: Final = 1.0
"""Plate widths within which a plate's next place must be known for a narrow look to be enough."""
_SETTLED: Final = 0.8
"""Plate widths within which a track's next place must be known for its neighbour to be no candidate."""
_SAME_GAIN: Final = 14.0
"""What agreeing readings are worth against distance: more than the whole gate of a track that is settled."""
_LEFTOVER_S: Final = 0.5
_LEFTOVER_GATE: Final = 6.0
_LEFTOVER_WIDTHS: Final = 4.0
"""Plate widths, about two metres: within them no other vehicle's plate can be, save in the next lane."""
_NEW_COST: Final = 80.0
"""Worth of any match over beginning a new track."""


class Tracker:
    """The tracks of one camera. Knows motion and likeness; lifetimes are judged here, passes are made elsewhere."""

    def __init__(self, options: TrackOptions) -> None:
        self._options = options
        self.tracks: list[Track] = []
        self._t: float | None = None

    def expected(self, t: float, size: tuple[int, int], certain_every_s: float) -> list[Followed]:
        """Where the tracked plates should be at ``t``, and which of them are to be looked for: standing ones once a
        second, those read with certainty or just missed every ``certain_every_s``, others always."""
        followed = []
        for track in self.tracks:
            place = track.motion.expect(t)
            reach = min(2.0 * place.place_sd, 4.0 * place.width)
            is_hard = track.sightings >= _HARD_SIGHTINGS and not track.standing and not track.legible
            is_settled = track.sightings >= _SETTLED_SIGHTINGS and track.doubt is None and not is_hard
            is_settled = is_settled and (track.missed_s == 0 or track.certain)
            is_settled = is_settled and place.place_sd < _SETTLED_SD * place.width
            since = t - max(track.last.t, track.missed_t)
            if track.standing:
                is_due = since >= 1.0
            else:
                can_wait = is_settled and track.certain and track.moved
                can_wait = can_wait or (track.missed_s > 0 and track.sightings >= _SETTLED_SIGHTINGS)
                is_due = not can_wait or since >= certain_every_s - 0.01
            w = place.width
            plate = Box(place.x - w / 2, place.y - w / 8, w, w / 4)
            vehicle = _extent(track, plate, size)
            followed.append(
                Followed(
                    around(place.x, place.y, 2.2 * w + reach, 1.5 * w + reach, size),
                    around(place.x, place.y, 1.2 * w + reach, 0.8 * w + reach, size) if is_settled else None,
                    vehicle,
                    vehicle or surroundings(plate, size),
                    w,
                    is_due,
                    is_hard,
                )
            )
        return followed

    def candidates(self, boxes: Sequence[Box], t: float) -> list[Track | None]:
        """For each box, the one settled track that alone can own it (and that can own no other box), else None.

        Where this is None, a reading may be needed to know whose the plate is.
        """
        near = np.zeros((len(self.tracks), len(boxes)), bool)
        settled = np.zeros(len(self.tracks), bool)
        for i, track in enumerate(self.tracks):
            place = track.motion.expect(t)
            settled[i] = place.place_sd < _SETTLED * place.width
            near[i] = [not self._is_lost(track, t) and place.distance(box) < self._options.gate for box in boxes]
        owners: list[Track | None] = []
        for j in range(len(boxes)):
            rows = np.flatnonzero(near[:, j])
            alone = len(rows) == 1 and settled[rows[0]] and near[rows[0]].sum() == 1
            owners.append(self.tracks[int(rows[0])] if alone else None)
        return owners

    def assign(self, boxes: Sequence[Box], reads: Sequence[Read | None], t: float) -> list[Track | None]:
        """The track of each box, None where a new one begins. ``reads``: of those plates that were read."""
        owners: list[Track | None] = [None] * len(boxes)
        if not boxes or not self.tracks:
            return owners
        alone = self.candidates(boxes, t)
        gain = np.zeros((len(self.tracks), len(boxes)))
        for i, track in enumerate(self.tracks):
            place = track.motion.expect(t)
            doubt = place.doubt()
            for j, box in enumerate(boxes):
                distance = place.distance(box)
                says = track.likeness(reads[j])
                if says is Likeness.OTHER and alone[j] is not track:
                    continue
                if distance > self._options.gate or self._is_lost(track, t):
                    if says is not Likeness.SAME:
                        continue
                    distance = self._options.gate + np.log(distance / self._options.gate)
                cost = distance + doubt - (_SAME_GAIN if says is Likeness.SAME else 0.0)
                gain[i, j] = max(_NEW_COST - cost, 0.1)
        for i, j in _best_pairs(gain):
            owners[j] = self.tracks[i]
        self._join_leftovers(owners, boxes, reads, t)
        return owners

    def _is_lost(self, track: Track, t: float) -> bool:
        """Whether a moving vehicle was seen so long ago that only its plate can tell it again: the stream slept."""
        return not track.standing and t - track.last.t > self._options.lost_after_s

    def _join_leftovers(
        self, owners: list[Track | None], boxes: Sequence[Box], reads: Sequence[Read | None], t: float
    ) -> None:
        """Give plates that no track expected to tracks that found no plate, where place and size allow it.

        Motion is guessed from few sightings; a vehicle that brakes, or one whose first box the frame's edge cut, leaves
        its gate. What a plate says still forbids.
        """
        gain = np.zeros((len(self.tracks), len(boxes)))
        for i, track in enumerate(self.tracks):
            if any(track is owner for owner in owners) or t - track.last.t > _LEFTOVER_S:
                continue
            place = track.motion.expect(t)
            for j, box in enumerate(boxes):
                if owners[j] is not None or track.likeness(reads[j]) is Likeness.OTHER:
                    continue
                distance = place.distance(box)
                if distance < _LEFTOVER_GATE * self._options.gate and _nearer(track, box):
                    gain[i, j] = _LEFTOVER_GATE * self._options.gate - distance
        for i, j in _best_pairs(gain):
            owners[j] = self.tracks[i]

    def advance(
        self, t: float, seen: Sequence[Track], size: tuple[int, int], looked: Sequence[Region] | None = None
    ) -> list[Track]:
        """Let time pass: the tracks that are gone by ``t``, now dropped. ``seen``: those with a detection at ``t``.

        ``looked``: where plates were looked for (None: everywhere); a vehicle elsewhere can't have been missed. A track
        ages by watched time only: while the stream sleeps, a waiting vehicle stays what it is.
        """
        step = 0.0 if self._t is None else max(t - self._t, 0.0)
        self._t = t
        options = self._options
        gone = []
        for track in self.tracks:
            if any(track is other for other in seen):
                continue
            track.unseen_s += min(step, 1.0)
            place = track.motion.expect(t)
            outside = not (0 <= place.x < size[0] and 0 <= place.y < size[1])
            if not outside and looked is not None and not any(part.holds(place.x, place.y) for part in looked):
                continue
            track.missed_s, track.missed_t = track.unseen_s, t
            if track.standing:
                patience = options.waiting_lost_after_s
            else:
                patience = options.left_after_s if outside else options.lost_after_s
                if step > 2 * options.lost_after_s:
                    patience = 0.0
            if track.missed_s >= patience:
                gone.append(track)
        self.tracks = [track for track in self.tracks if not any(track is other for other in gone)]
        return gone


def _extent(track: Track, plate: Box, size: tuple[int, int]) -> Region | None:
    """The part of a frame that the track's vehicle takes when its plate is at ``plate``; None while nobody knows."""
    box = track.vehicle.box(plate, size)
    return None if box is None else Region(int(box.x), int(box.y), int(box.x + box.w) + 1, int(box.y + box.h) + 1)


def _best_pairs(gain: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Rows and columns of the assignment of most gain; pairs without any are left out."""
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0]


def _nearer(track: Track, box: Box) -> bool:
    """Whether a box lies within a vehicle's reach of the track's last one, and is not of quite another size."""
    last = track.last.box
    x = box.x + box.w / 2 - last.x - last.w / 2
    y = box.y + box.h / 2 - last.y - last.h / 2
    return bool(np.hypot(x, y) < _LEFTOVER_WIDTHS * max(box.w, last.w) and 0.5 < box.w / max(last.w, 1.0) < 2.0)


def boxes_overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(w, 0.0) * max(h, 0.0)
    return shared / max(one.w * one.h + other.w * other.h - shared, 1e-6)


def near_place(one: Box, other: Box) -> bool:
    """Whether two plates stand at one place: centres within a plate's width, of like size."""
    x = one.x + one.w / 2 - other.x - other.w / 2
    y = one.y + one.h / 2 - other.y - other.h / 2
    return bool(np.hypot(x, y) < max(one.w, other.w) and 0.5 < one.w / max(other.w, 1.0) < 2.0)

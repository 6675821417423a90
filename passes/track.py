"""One plate followed through a camera's view, and all that is known of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

import numpy as np

from index.read import Box, Posterior
from models.ports import Image, PlateDetection, Reading, VehicleDetection
from passes.crops import Crop
from passes.fuse import Evidence, agreement, fuse
from passes.motion import Motion
from passes.options import ReadOptions, TrackOptions

SAME: Final = 0.72
"""Agreement from which two readings are of one plate: two characters of seven may be misread."""
OTHER: Final = 0.5
"""Agreement below which two legible readings are of two plates; plates of one region share their last digits."""
_LIKELY_LEGIBLE: Final = 0.3
"""Legibility from which a reading that agrees is of the same plate: chance does not spell the same plate twice."""
_SURE_LEGIBLE: Final = 0.75
"""Legibility from which a reading that differs is of another plate."""
_OUT_OF_SIGHT_S: Final = 0.45
"""Time without a detection after which what is seen next may be another vehicle: two looks missed."""
_SHOWN_PX: Final = 80.0
"""Width of a plate that anyone can read in its picture."""
_GOING_AWAY: Final = 0.9
"""Share of its greatest width below which a plate goes away."""
_STANDING_S: Final = 1.0
"""Time without motion after which a vehicle stands."""
_STANDING_WIDTHS: Final = 0.35
"""Plate widths within which a standing plate's centre is detected."""


class Sighting(NamedTuple):
    """One detection of the track."""

    t: float
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One crop of the track that was read."""

    t: float
    seen_at: datetime | None
    box: Box
    reading: Reading
    weight: float
    """Which readings are kept: the reader's legibility times the crop's quality."""

    shows: float
    """Share of the vehicle's likely place that lies in the frame: a picture of half a vehicle convinces nobody."""
    camera_at: datetime | None = None
    """UTC by the camera's own clock."""
    others: tuple[Reading, ...] = ()
    """Of the same crop in its less legible view."""

    @property
    def evidence(self) -> list[Evidence]:
        """What each view says."""
        return [Evidence(view.posterior, view.legibility, self.box.w) for view in (self.reading, *self.others)]

    @property
    def merit(self) -> float:
        """Which frame to show: the surest reading, of a vehicle that is seen whole."""
        return self.weight * self.reading.posterior.score * self.shows


def weight_of(reading: Reading, quality: float) -> float:
    """``Read.weight``: neither legibility nor quality makes it nothing."""
    return max(reading.legibility, 0.02) * max(quality, 0.02)


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """The pictures of the frame that was read best."""

    plate: Image
    vehicle: Image
    origin: tuple[int, int]
    scale: float


class Likeness(Enum):
    """What a reading says of its being the track's plate."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Vehicle:
    """What looks at the plate's surroundings said of the vehicle."""

    votes: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    hits: int = 0
    """Looks that found a vehicle around the plate."""
    looked_width: float = 0.0
    looked_t: float = float("-inf")
    relative: tuple[float, float, float, float] | None = None
    """Left, top, width, height of the vehicle, from the plate's centre, in plate widths."""

    def seen(self, t: float, plate: Box, found: VehicleDetection | None) -> None:
        """Take in one look."""
        self.looks += 1
        self.looked_t = t
        self.looked_width = plate.w
        if found is None:
            return
        self.hits += 1
        self.votes[found.kind] += 1 + int(found.score * 100)
        x, y = plate.x + plate.w / 2, plate.y + plate.h / 2
        box = found.box
        self.relative = ((box.x - x) / plate.w, (box.y - y) / plate.w, box.w / plate.w, box.h / plate.w)

    @property
    def kind(self) -> str | None:
        return self.votes.most_common(1)[0][0] if self.votes else None

    def box(self, plate: Box, size: tuple[int, int]) -> Box | None:
        """Where the vehicle is when its plate is at ``plate``, cut at the edges of a frame of ``size``."""
        if self.relative is None:
            return None
        left, top, w, h = (v * plate.w for v in self.relative)
        x, y = plate.x + plate.w / 2 + left, plate.y + plate.h / 2 + top
        x1, y1 = max(x, 0.0), max(y, 0.0)
        x2, y2 = min(x + w, float(size[0])), min(y + h, float(size[1]))
        return Box(x1, y1, x2 - x1, y2 - y1) if x2 > x1 and y2 > y1 else None


@dataclass(slots=True)
class Doubt:
    """The end of a track that may be another vehicle's: it was out of sight before, or its plate read differently."""

    needed: int
    """Readings of another plate that make it another vehicle's."""
    sightings: list[tuple[PlateDetection, float, datetime | None]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    """Readings set aside until it is known whose they are."""
    others: list[Read] = field(default_factory=list)
    """Those of them that were of another plate."""

    @property
    def is_other(self) -> bool:
        """Whether it is another vehicle: the readings that differ from the track's agree among themselves."""
        if len(self.others) < self.needed:
            return False
        late = self.others[-self.needed :]
        return all(agreement(late[0].reading.posterior, r.reading.posterior) >= SAME for r in late[1:])


class Track:
    """One plate. ``pass_id`` comes from the time and place of its first sighting, so that a replay gives the same."""

    def __init__(
        self,
        plate: PlateDetection,
        t: float,
        seen_at: datetime | None,
        size: tuple[int, int],
        options: TrackOptions,
        read_options: ReadOptions,
    ) -> None:
        self._options = options
        self._read_options = read_options
        self._size = size
        self.motion = Motion(
            plate.box,
            t,
            new_speed=options.new_speed,
            acceleration=options.acceleration,
            is_cut=is_cut(plate.box, size),
        )
        self.first = Sighting(t, plate.box, plate.score)
        self.last = self.first
        self.sightings = 1
        self.best_score = plate.score
        self.missed_s = 0.0
        """Watched time between the last sighting and the last time it was looked for in vain."""
        self.missed_t = float("-inf")
        """When it was last looked for in vain."""
        self.unseen_s = 0.0
        """Watched time since the last sighting."""
        self.moved = False
        self.appeared_moving = False
        """Whether something moved where the plate was first seen."""
        self.vehicle = Vehicle()
        self.portrait: Portrait | None = None
        self.crops_read = 0
        self.widest = plate.box.w
        self.doubt: Doubt | None = None
        """Sightings that may be of another vehicle, until a reading tells."""
        self.shown: Read | None = None
        """The reading whose pictures are in the portrait."""
        self.reported: str | None = None
        """Text of the early report, when there was one."""
        self.closed = False
        """The pass is closed, though the vehicle still stands there."""
        self._recent: deque[Sighting] = deque([self.first], maxlen=40)
        self._reads: list[Read] = []
        self._fused: Posterior | None = None
        self._last_read_t: float | None = None
        at = round(seen_at.timestamp() * 1000) if seen_at else round(t * 1000)
        self.pass_id = place_id(at, plate.box, size)

    def see(self, plate: PlateDetection, t: float, seen_at: datetime | None = None) -> None:
        """Take in a detection at ``t``."""
        if self.doubt is None and t - self.last.t > _OUT_OF_SIGHT_S and not self.standing and self.legible:
            self.doubt = Doubt(needed=1)
        if self.doubt is not None:
            self.doubt.sightings.append((plate, t, seen_at))
        self.motion.update(plate.box, t, is_cut=is_cut(plate.box, self._size))
        self.last = Sighting(t, plate.box, plate.score)
        self._recent.append(self.last)
        self.sightings += 1
        self.missed_s = self.unseen_s = 0.0
        self.best_score = max(self.best_score, plate.score)
        self.widest = max(self.widest, plate.box.w)
        if not self.moved:
            dx = self.last.box.x + self.last.box.w / 2 - self.first.box.x - self.first.box.w / 2
            dy = self.last.box.y + self.last.box.h / 2 - self.first.box.y - self.first.box.h / 2
            growth = abs(np.log(self.last.box.w / max(self.first.box.w, 1.0)))
            self.moved = bool(np.hypot(dx, dy) > 1.2 * self.first.box.w or growth > 0.35)

    @property
    def standing(self) -> bool:
        """Whether the vehicle has stood still for a while."""
        late = [s for s in self._recent if s.t >= self.last.t - _STANDING_S * 1.5]
        xs = [s.box.x + s.box.w / 2 for s in late]
        ys = [s.box.y + s.box.h / 2 for s in late]
        room = _STANDING_WIDTHS * self.last.box.w
        lasts = late[-1].t - late[0].t >= _STANDING_S - 0.01
        return lasts and max(xs) - min(xs) < room and max(ys) - min(ys) < room

    def wants(self, crop: Crop, t: float) -> bool:
        """Whether reading ``crop`` could tell something new."""
        options = self._read_options
        if self._last_read_t is not None and t - self._last_read_t > 2.0:
            return True  # is it still the same vehicle?
        if self.doubt is not None:
            return len(self.doubt.reads) < options.kept
        if self.crops_read >= options.reads:
            return False
        if len(self._reads) < options.kept and not self._is_certain():
            return not self.standing or self.crops_read < 3
        # a better picture is worth having even of a plate that is known
        return crop.quality > 1.15 * max(r.weight for r in self._reads) or (
            not is_cut(crop.box, self._size) and crop.box.w > 1.3 * max(r.box.w for r in self._reads)
        )

    def weigh(self, read: Read, plate: PlateDetection) -> bool:
        """Take in a reading of the last sighting; whether it was taken for this plate's. If not, it is set aside.

        When ``doubt.is_other`` holds afterwards, the sightings in doubt are another vehicle's: see ``give_up_doubt``.
        """
        self._last_read_t = read.t
        says = self.likeness(read)
        if says is Likeness.OTHER:
            if self.doubt is None:
                self.doubt = Doubt(needed=2, sightings=[(plate, read.t, read.seen_at)])
            self.doubt.reads.append(read)
            self.doubt.others.append(read)
            return False
        if self.doubt is not None:
            if says is not Likeness.SAME:
                self.doubt.reads.append(read)
                return False
            for aside in self.doubt.reads:
                if aside not in self.doubt.others:
                    self._take(aside)
            self.doubt = None
        self._take(read)
        return True

    def _can_contradict(self, read: Read) -> bool:
        """Whether a reading is good enough to overrule the track's: a plate that recedes is misread."""
        usual = float(np.mean([r.weight for r in self._reads]))
        return min(read.reading.legibility, self.legibility) >= _SURE_LEGIBLE and read.weight >= 0.5 * usual

    def give_up_doubt(self) -> Doubt | None:
        """Take the sightings in doubt away from the track, which ends before them."""
        doubt, self.doubt = self.doubt, None
        if doubt is not None and doubt.sightings:
            before = [s for s in self._recent if s.t < doubt.sightings[0][1]]
            if before:
                self.last = before[-1]
                self._recent = deque(before, maxlen=40)
        return doubt

    def likeness(self, read: Read | None) -> Likeness:
        """Whether a reading is of this track's plate, by what both say."""
        if read is None or self.fused is None or min(read.reading.legibility, self.legibility) < _LIKELY_LEGIBLE:
            return Likeness.UNKNOWN
        shared = agreement(self.fused, read.reading.posterior)
        if shared >= SAME:
            return Likeness.SAME
        return Likeness.OTHER if shared < OTHER and self._can_contradict(read) else Likeness.UNKNOWN

    def _take(self, read: Read) -> None:
        """Add a reading; the heaviest ``kept`` remain."""
        self.crops_read += 1
        self._reads.append(read)
        self._reads.sort(key=lambda r: -r.weight)
        del self._reads[self._read_options.kept :]
        self._fused = None

    @property
    def reads(self) -> list[Read]:
        """The readings kept, heaviest first."""
        return self._reads

    @property
    def fused(self) -> Posterior | None:
        """The pass's posterior so far."""
        if self._fused is None and self._reads:
            self._fused = fuse([evidence for r in self._reads for evidence in r.evidence])
        return self._fused

    @property
    def legibility(self) -> float:
        """The reader's legibility, weighted, over the three heaviest readings; 0 when there is none."""
        heaviest = self._reads[:3]
        total = sum(r.weight for r in heaviest)
        return float(sum(r.weight * r.reading.legibility for r in heaviest) / total) if total else 0.0

    def _is_certain(self) -> bool:
        fused = self.fused
        return (
            fused is not None
            and len(self._reads) >= self._read_options.early_frames
            and fused.score >= self._read_options.early_score
        )

    @property
    def certain(self) -> bool:
        """Whether the reading is sure enough to be reported before the pass closes."""
        return self._is_certain() and self.legible

    @property
    def known(self) -> bool:
        """Whether more frames would tell nothing new: read with certainty, shown large enough or going away."""
        if not (self.certain and self.moved and self.doubt is None and self.shown is not None):
            return False
        if self.standing:
            return False
        return self.shown.box.w >= _SHOWN_PX or self.last.box.w < _GOING_AWAY * self.widest

    @property
    def legible(self) -> bool:
        options = self._read_options
        fused = self.fused
        return (
            fused is not None
            and self.legibility >= options.min_legibility
            and len(fused.text) >= options.min_characters
            and float(np.mean(fused.characters)) >= options.min_certainty
        )


def is_cut(box: Box, size: tuple[int, int]) -> bool:
    """Whether the edge of a frame of ``size`` cuts the plate."""
    return box.x <= 1 or box.y <= 1 or box.x + box.w >= size[0] - 1 or box.y + box.h >= size[1] - 1


def place_id(at_ms: int, box: Box, size: tuple[int, int]) -> str:
    """A pass's name by time (ms) and place (thousandths of a frame of ``size``): the same in every replay."""
    x = round((box.x + box.w / 2) / size[0] * 999)
    y = round((box.y + box.h / 2) / size[1] * 999)
    return f"{at_ms:013d}-{min(max(x, 0), 999):03d}{min(max(y, 0), 999):03d}"

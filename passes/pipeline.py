"""The pipeline of one camera: frames in, passes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from index.read import Box, PlateRead, Posterior
from models.ports import CornerFinder, PlateDetection, PlateDetector, PlateReader, VehicleDescriber, VehicleDetector
from passes.crops import Crop, cut
from passes.fuse import agreement
from passes.likeness import described
from passes.look import Lookout
from passes.naming import named, vote
from passes.options import PassOptions
from passes.record import Pass, PassCounts
from passes.surroundings import find_vehicles, portrait, share_in_view, shown_part, surroundings
from passes.track import SAME, Portrait, Read, Track, weight_of
from passes.tracker import Tracker, near_place
from passes.views import Viewed, read_views
from video.frame import Frame

_SURE_LEGIBLE: Final = 0.7
"""Legibility from which one detection alone makes a pass."""
_PARKED_LOOK_S: Final = 2.0
"""Time between looks for the vehicle around a plate that stands."""
SAME_AGAIN: Final = 0.8
"""Agreement from which a plate seen anew, elsewhere in the view, is that of a pass just closed."""


@dataclass(frozen=True, slots=True)
class Detectors:
    """What finds plates, and what finds the vehicles around them (None: types and boxes of vehicles stay unknown).

    ``looks`` describes the vehicle of a pass that closes (None: passes have no appearance). ``corners`` finds those of
    plates to be read (None: plates are read as they stand, unless the detector tells corners).
    """

    plates: PlateDetector
    vehicles: VehicleDetector | None = None
    looks: VehicleDescriber | None = None
    corners: CornerFinder | None = None

    @property
    def near(self) -> PlateDetector | None:
        """A cheaper detector, asked before ``plates`` where a followed plate must be."""
        return None if self.corners is None else self.corners.detector


@dataclass(frozen=True, slots=True)
class _Ended:
    """A pass that ended a short while ago, kept so that its vehicle makes no second one."""

    t: float
    posterior: Posterior
    box: Box
    stood: bool


class PassPipeline:
    """Makes passes of one camera's frames. Not for use by two threads; frames must come in the order of their time."""

    def __init__(
        self, camera_id: str, detectors: Detectors, reader: PlateReader, options: PassOptions | None = None
    ) -> None:
        self.camera_id = camera_id
        self.options = options or PassOptions()
        self.counts = PassCounts()
        self._detectors = detectors
        self._reader = reader
        self._lookout = self._new_lookout()
        self._tracker = Tracker(self.options.track)
        self._ended: deque[_Ended] = deque(maxlen=200)
        self._t: float | None = None
        self._due = 0.0
        self._size = (0, 0)

    @property
    def waiting(self) -> int:
        """Vehicles in view that stand still."""
        return sum(track.standing for track in self._tracker.tracks)

    @property
    def watched(self) -> int:
        """Vehicles followed."""
        return len(self._tracker.tracks)

    @property
    def in_view(self) -> int:
        """Vehicles followed that were seen when last looked for, or stand."""
        return sum(track.standing or track.missed_s == 0 for track in self._tracker.tracks)

    @property
    def all_known(self) -> bool:
        """Whether more frames would tell nothing new: of no vehicle followed, and nothing else moves."""
        tracks = self._tracker.tracks
        return bool(tracks) and all(track.known for track in tracks) and self._lookout.is_explained

    def process(self, frame: Frame) -> list[Pass]:
        """Take in a frame; the passes that closed by it, and early reports of those that are certain already.

        Most frames are passed over: see ``PassOptions.detect_fps``. A frame older than the last, or of another size,
        begins a new view: the passes of the old one are closed.
        """
        self.counts.frames += 1
        out: list[Pass] = []
        is_anew = self._t is not None and frame.t < self._t - 1.0
        if is_anew or (self._t is not None and frame.size != self._size):
            out += self.flush()
        if is_anew:
            self._ended.clear()
        if self._t is not None and frame.t < self._due - 0.002:
            return out
        step = 1.0 / self.options.detect_fps
        self._due = max(self._due + step, frame.t + step / 2) if self._t is not None else frame.t + step
        self._t, self._size = frame.t, frame.size
        self.counts.frames_detected += 1

        followed = self._tracker.expected(frame.t, frame.size, self.options.look.certain_every_s)
        plates, looked = self._lookout.find(frame, followed)
        self.counts.searched_px = self._lookout.cost_px
        crops = [self._cut(frame, plate) for plate in plates]
        reads = self._read(frame, plates, crops)
        owners = self._tracker.assign([p.box for p in plates], reads, frame.t)
        seen: list[Track] = []
        for plate, crop, read, owner in zip(plates, crops, reads, owners, strict=True):
            track, closed = self._follow(frame, plate, crop, read, owner)
            out += closed
            seen.append(track)
        self._look_at_vehicles(frame, seen)
        for track in self._tracker.advance(frame.t, seen, frame.size, looked):
            out += self._close(track)
        out += self._report(seen)
        return out

    def _new_lookout(self) -> Lookout:
        detectors, options = self._detectors, self.options
        return Lookout(detectors.plates, options.look, detectors.near, options.read.min_width_px)

    def flush(self) -> list[Pass]:
        """Close all passes: the stream ended, or what follows is another view."""
        tracks, self._tracker = self._tracker.tracks, Tracker(self.options.track)
        self._lookout = self._new_lookout()
        self._t = None
        return [done for track in tracks for done in self._close(track)]

    def _cut(self, frame: Frame, plate: PlateDetection) -> Crop:
        x, y, w, h = plate.box
        edge = h  # corners may lie outside the box, and the crop is loosened
        picture = frame.bgr((int(x - edge), int(y - edge), int(x + w + edge) + 1, int(y + h + edge) + 1))
        return cut(picture, plate.box, plate.corners, self.options.read.margin)

    def _read(self, frame: Frame, plates: Sequence[PlateDetection], crops: list[Crop]) -> list[Read | None]:
        """Read those crops that can tell something: in one batch. A crop becomes the view of it that was read."""
        alone = self._tracker.candidates([p.box for p in plates], frame.t)
        wanted = [
            i
            for i, (plate, crop, track) in enumerate(zip(plates, crops, alone, strict=True))
            if plate.box.w >= self.options.read.min_width_px and (track is None or track.wants(crop, frame.t))
        ]
        reads: list[Read | None] = [None] * len(plates)
        if wanted:
            self.counts.crops_read += len(wanted)
            for i, (reading, picture, others) in zip(wanted, self._view(frame, plates, crops, wanted), strict=True):
                crops[i] = replace(crops[i], picture=picture)
                weight = weight_of(reading, crops[i].quality)
                shows = share_in_view(plates[i].box, frame.size)
                reads[i] = Read(frame.t, frame.seen_at, plates[i].box, reading, weight, shows, frame.camera_at, others)
        return reads

    def _view(
        self, frame: Frame, plates: Sequence[PlateDetection], crops: Sequence[Crop], wanted: Sequence[int]
    ) -> list[Viewed]:
        chosen = [plates[i] for i in wanted]
        picture = frame.bgr((0, 0, 0, 0))
        for x, y, w, h in (plate.box for plate in chosen):
            edge = max(w, h)
            picture = frame.bgr((int(x - edge), int(y - edge), int(x + w + edge) + 1, int(y + h + edge) + 1))
        cuts = [crops[i] for i in wanted]
        margin = self.options.read.margin
        return read_views(self._reader, picture, chosen, cuts, margin, self._detectors.corners)

    def _follow(
        self, frame: Frame, plate: PlateDetection, crop: Crop, read: Read | None, track: Track | None
    ) -> tuple[Track, list[Pass]]:
        """Give a detection to its track, or begin one. A track twice in a row read as another plate is two vehicles."""
        if track is None:
            track = self._begin(frame, plate, frame.t, frame.seen_at)
        else:
            track.see(plate, frame.t, frame.seen_at)
        if read is None:
            if track.portrait is None:
                self._keep_portrait(track, frame, crop, None)
            return track, []
        taken = track.weigh(read, plate)
        closed: list[Pass] = []
        if track.doubt is not None and track.doubt.is_other:
            track, closed = self._split(frame, track)
            taken = True
        if taken and (track.shown is None or read.merit > track.shown.merit):
            self._keep_portrait(track, frame, crop, read)
        return track, closed

    def _begin(self, frame: Frame, plate: PlateDetection, t: float, seen_at: datetime | None) -> Track:
        track = Track(plate, t, seen_at, frame.size, self.options.track, self.options.read)
        track.appeared_moving = self._lookout.is_moving(plate.box)
        self._tracker.tracks.append(track)
        return track

    def _split(self, frame: Frame, track: Track) -> tuple[Track, list[Pass]]:
        """End a track before its doubtful sightings, and begin another with them: there were two vehicles."""
        doubt = track.give_up_doubt()
        self._tracker.tracks.remove(track)
        closed = self._close(track)
        if doubt is None or not doubt.sightings:
            raise RuntimeError(f"pass {track.pass_id} of camera {self.camera_id} was split without a doubt")
        (plate, t, seen_at), *later = doubt.sightings
        other = self._begin(frame, plate, t, seen_at)
        for plate, t, seen_at in later:
            other.see(plate, t, seen_at)
        for read in doubt.others:
            other.weigh(read, plate)
        return other, closed

    def _keep_portrait(self, track: Track, frame: Frame, crop: Crop, read: Read | None) -> None:
        vehicle = track.vehicle.box(crop.box, frame.size)
        part = shown_part(crop.box, vehicle, frame.size)
        picture, origin, scale = portrait(frame.bgr(part), crop.box, vehicle, self.options.picture_side_px)
        track.shown = read
        track.portrait = Portrait(crop.picture.copy(), picture, origin, scale)

    def _look_at_vehicles(self, frame: Frame, seen: Sequence[Track]) -> None:
        detector = self._detectors.vehicles
        if detector is None:
            return
        due = [
            track
            for track in seen
            if track.sightings >= 2
            and track.vehicle.looks < (self.options.vehicle_looks if track.moved else self.options.parked_vehicle_looks)
            and (
                track.last.box.w > self.options.vehicle_look_growth * track.vehicle.looked_width
                or (not track.moved and frame.t - track.vehicle.looked_t > _PARKED_LOOK_S)
            )
        ]
        if due:
            boxes = [track.last.box for track in due]
            for box in boxes:
                frame.bgr(surroundings(box, frame.size))
            picture = frame.bgr(surroundings(boxes[0], frame.size))
            for track, found in zip(due, find_vehicles(detector, picture, boxes), strict=True):
                track.vehicle.seen(frame.t, track.last.box, found)

    def _report(self, seen: Sequence[Track]) -> list[Pass]:
        """Early reports, and the closing of passes of vehicles that stand for too long."""
        out = []
        for track in seen:
            if track.closed:
                continue
            if track.last.t - track.first.t > self.options.track.longest_pass_s:
                out += self._close(track)
                track.closed = True
            elif track.certain and self._is_vehicle(track):
                fused = track.fused
                if fused is not None and track.reported != fused.text and not self._is_repeat(track):
                    track.reported = fused.text
                    out.append(self._pass(track, fused, closed=False))
        return out

    def _is_vehicle(self, track: Track) -> bool:
        """Whether the plate moved, or stands on a vehicle that is there in more than one look, as no passing one is."""
        return track.moved or track.vehicle.hits > 1

    def _is_repeat(self, track: Track) -> bool:
        """Whether the track is a vehicle whose pass has ended a short while ago."""
        fused = track.fused
        if fused is None or not track.legible:
            return False
        options = self.options.track
        for ended in self._ended:
            since = max(track.first.t - ended.t, 0.0)
            stood_there = ended.stood and near_place(ended.box, track.first.box)
            remembered_s, alike = (
                (options.parked_memory_s, SAME) if stood_there else (options.same_vehicle_s, SAME_AGAIN)
            )
            if since < remembered_s and agreement(ended.posterior, fused) >= alike:
                return True
        return False

    def _close(self, track: Track) -> list[Pass]:
        if track.closed:
            return []
        if track.sightings < self.options.min_detections:
            is_sure = track.best_score >= self.options.sure_detection and track.legibility >= _SURE_LEGIBLE
            if not (is_sure and track.appeared_moving):
                return []
        elif not self._is_vehicle(track):
            self.counts.static += 1
            return []
        fused = track.fused
        if fused is None or not track.legible:
            self.counts.unread += 1
            reason = "small" if fused is None else "illegible"
            if fused is not None and track.legibility >= self.options.read.min_legibility:
                reason = "short"
            self.counts.unread_by_reason[reason] = self.counts.unread_by_reason.get(reason, 0) + 1
            return []
        if self._is_repeat(track):
            self.counts.repeated += 1
            return []
        self._ended.append(_Ended(track.last.t, fused, track.last.box, track.standing))
        self.counts.passes += 1
        return [self._pass(track, fused, closed=True)]

    def _pass(self, track: Track, fused: Posterior, *, closed: bool) -> Pass:
        best, picture = track.shown, track.portrait
        if best is None or picture is None:
            raise RuntimeError(f"pass {track.pass_id} of camera {self.camera_id} has a posterior but no reading")
        country, format_ = named(
            fused.text,
            vote([(r.reading.country, r.weight) for r in track.reads]),
            vote([(r.reading.format, r.weight) for r in track.reads]),
        )
        read = PlateRead(
            camera_id=self.camera_id,
            pass_id=track.pass_id,
            posterior=fused,
            legibility=track.legibility,
            country=country,
            format=format_,
            lines=vote([(r.reading.lines, r.weight) for r in track.reads]) or 1,
            frames_read=len(track.reads),
            plate_box=best.box,
            vehicle_box=track.vehicle.box(best.box, self._size),
            vehicle_type=track.vehicle.kind,
            t_in=track.first.t,
            t_out=track.last.t,
            best_t=best.t,
            seen_at=best.seen_at,
            camera_at=best.camera_at,
            closed=closed,
        )
        looks = self._detectors.looks if closed else None
        read = described(read, picture.vehicle, picture.origin, picture.scale, looks)
        return Pass(read, picture.plate, picture.vehicle, picture.origin, picture.scale, best.reading.posterior)

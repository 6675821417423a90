"""How passes are made: every threshold of the pipeline, with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LookOptions:
    """Where and how finely a frame is searched for plates.

    A plate detector needs about 25 px of plate. Scaling a whole 1080p frame to 640 px leaves one of 75 px that much;
    searching only what moves, at 0.8 of the camera's own pixels, finds as many as whole frames at 1280, for an
    eighth of the work. A plate that is followed is looked for where it must be, for a tenth of that.
    """

    region_scale: float = 0.8
    """Scale at which moving regions are searched; those too large for ``region_side_px`` are scaled further."""
    region_side_px: int = 256
    """Longest side of a region's picture given to the detector, pixels: a lorry's plate is an eighth of its width, and
    far ones have regions of their own pixels."""
    fine_side_px: int = 512
    """The same where a plate could not be read yet: a tighter box can make the difference."""
    near_plate_px: int = 44
    """Width at which a plate whose place is known is shown to the detector."""
    near_fine_px: int = 64
    """The same for the cheap detector that is asked first: it needs more pixels, and takes a fifth of the time."""
    near_score: float = 0.4
    """Least score with which it is believed."""
    whole_side_px: int = 640
    """Long side to which the whole frame is scaled in a sweep."""
    crowded_side_px: int = 960
    """Long side of the whole frame when moving regions would cost more than it."""
    search_every_s: float = 0.3
    """Least time between searches of one place where something moves; plates known already are looked for in between.
    Doubled with each search in vain, up to ``explained_every_s``."""
    explained_every_s: float = 1.0
    """The same where tracked vehicles explain what moves."""
    certain_every_s: float = 0.33
    """Least time between looks for a plate read with certainty: its leaving is of interest, and a better picture."""
    sweep_every_s: float = 20.0
    """Least watched time between sweeps of the whole frame, for what motion does not show."""
    forget_s: float = 120.0
    """A gap between frames after which the background is learned anew."""
    min_score: float = 0.25
    """Least score of a plate detection."""


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """When detections are one vehicle, and when it is gone. Distances in plate widths, about half a metre each."""

    new_speed: float = 18.0
    """Standard deviation of a new track's speed, plate widths a second: 100 km/h in a steep view is about that."""
    acceleration: float = 8.0
    """Plate widths a second squared; covers the growth of image speed of a vehicle coming near."""
    gate: float = 16.3
    """Squared Mahalanobis distance that one vehicle in a thousand exceeds (chi-squared, 3 degrees of freedom)."""
    lost_after_s: float = 1.2
    """Watched time without a detection after which a moving vehicle is gone."""
    left_after_s: float = 0.4
    """The same, when it is expected outside the frame."""
    waiting_lost_after_s: float = 6.0
    """The same for a vehicle that stood still: hidden by another for a while, it is still the same pass."""
    same_vehicle_s: float = 20.0
    """A plate read again within this time of its pass's end is the same vehicle lost from sight, not another pass."""
    parked_memory_s: float = 900.0
    """The same, for a vehicle seen standing, at the same place."""
    longest_pass_s: float = 300.0
    """A pass is closed after this time even if the vehicle still stands there; it makes no second one."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which crops are read, and when a reading is one."""

    margin: float = 0.12
    """Share of the plate's height by which a box is loosened on all sides: amid what readers are trained on."""
    min_width_px: float = 28.0
    """Plates narrower than this are not read: a character would have less than four pixels."""
    kept: int = 8
    """Readings fused: the best of the pass."""
    reads: int = 16
    """Crops read in one pass, at most."""
    min_legibility: float = 0.2
    """A pass whose best crops were less legible is unread."""
    min_certainty: float = 0.5
    """So is one whose characters are less probable, in the mean: more guessed than read."""
    min_characters: int = 4
    early_score: float = 0.97
    """Score from which a pass is reported before it closes."""
    early_frames: int = 3
    """Readings needed for an early report: one sharp but misread frame must not be enough."""


@dataclass(frozen=True, slots=True)
class PassOptions:
    """Options of a ``PassPipeline``."""

    detect_fps: float = 6.0
    """Frames a second in which plates are looked for."""
    look: LookOptions = LookOptions()
    track: TrackOptions = TrackOptions()
    read: ReadOptions = ReadOptions()
    still_sides_px: tuple[int, ...] = (640, 1280)
    """Long sides to which a still picture is scaled: near plates are found at the first, far ones at the next."""
    still_extra_score: float = 0.4
    """Least score of a plate that only the later scales find."""
    min_detections: int = 2
    """Detections that make a pass; a single one does when it is legible and ``sure_detection`` sure."""
    sure_detection: float = 0.6
    vehicle_looks: int = 2
    """Frames of a pass in which the vehicle around the plate is looked for, to vote on its type."""
    vehicle_look_growth: float = 1.6
    """How much larger the plate must stand than at the last such look."""
    parked_vehicle_looks: int = 4
    """The same for a plate that has not moved: what stands on no vehicle is no pass."""
    picture_side_px: int = 960
    """Longest side of the vehicle picture kept."""

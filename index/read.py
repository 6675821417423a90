"""What one pass of a vehicle says of its plate: the records that cross every border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, decode


class Box(NamedTuple):
    """An upright rectangle in pixels of the full frame: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Belief over a plate's characters: ``log_probs (SLOTS, len(ALPHABET)) float32``, normalised by row.

    Slots hold the characters left to right, a two-line plate's upper line first; blanks fill the slots after the end.
    """

    log_probs: NDArray[np.float32]

    @property
    def text(self) -> str:
        """The mode: the most probable symbol of each slot, blanks left out."""
        return decode(self.log_probs.argmax(axis=1))

    @property
    def characters(self) -> tuple[float, ...]:
        """Probability of each character of ``text``, in its order."""
        codes = self.log_probs.argmax(axis=1)
        best = np.exp(self.log_probs[np.arange(len(codes)), codes])
        return tuple(float(p) for code, p in zip(codes, best, strict=True) if code != BLANK)

    @property
    def score(self) -> float:
        """Probability that ``text`` is right in every slot, blanks included."""
        return float(np.exp(self.log_probs.max(axis=1).sum()))

    def __post_init__(self) -> None:
        if self.log_probs.ndim != 2 or self.log_probs.shape[1] != len(ALPHABET):
            raise ValueError(f"a posterior is (slots, {len(ALPHABET)}), not {self.log_probs.shape}")


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One vehicle crossing one camera's view, as read; ``(camera_id, pass_id)`` is its identity, a replay's too."""

    camera_id: str
    pass_id: str
    posterior: Posterior
    legibility: float
    """Probability that the plate could be read at all, 0-1."""
    country: str | None
    format: str | None
    lines: int
    frames_read: int
    plate_box: Box
    """Where the plate stood in the frame that was read best."""
    vehicle_box: Box | None
    vehicle_type: str | None
    t_in: float | None
    """Seconds of the stream's own time at which the vehicle was first seen; None for a picture."""
    t_out: float | None
    best_t: float | None
    seen_at: datetime | None
    """UTC wall clock of the best frame's arrival; None where there is no clock (a file, a picture)."""
    camera_at: datetime | None = None
    """UTC of the best frame by the camera's own clock; None where the camera tells no time."""
    skew_s: float | None = None
    """The camera's clock minus ours, as estimated then."""
    closed: bool = True
    """False while the vehicle is still in view: a report made early because the reading is certain."""
    vehicle_colour: str | None = None
    """The vehicle's paint by a plain name, as estimated from its picture; None where none could be told."""
    appearance: bytes | None = None
    """What the vehicle looks like, its plate masked, as packed by ``index.appearance``; None where not computed."""

    @property
    def text(self) -> str:
        return self.posterior.text

    @property
    def score(self) -> float:
        return self.posterior.score

"""What `beket scan --json` prints: one object a line. A contract: fields are added, never taken away."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from index.entry import HitKind, Match
from index.read import Box, PlateRead

Pixels = tuple[float, float, float, float]
"""Left, top, width, height in pixels of the full frame."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)

    def line(self) -> str:
        """The row as one line of JSON."""
        return self.model_dump_json()


class PassRow(_Row):
    """One vehicle crossing the view; in a picture, one plate. Times in seconds of the stream, null for pictures."""

    type: Literal["pass"] = "pass"
    source: str
    pass_id: str
    t_in: float | None
    t_out: float | None
    best_t: float | None
    text: str
    score: float
    """Probability that ``text`` is right, 0-1."""
    characters: tuple[float, ...]
    """Probability of each character of ``text``."""
    country: str | None
    format: str | None
    lines: int
    frames_read: int
    plate_box: Pixels
    vehicle_box: Pixels | None
    vehicle_type: str | None
    legibility: float
    """Probability that the plate could be read at all, 0-1."""

    @classmethod
    def of(cls, source: str, read: PlateRead) -> Self:
        return cls(
            source=source,
            pass_id=read.pass_id,
            t_in=_seconds(read.t_in),
            t_out=_seconds(read.t_out),
            best_t=_seconds(read.best_t),
            text=read.text,
            score=round(read.score, 5),
            characters=tuple(round(p, 4) for p in read.posterior.characters),
            country=read.country,
            format=read.format,
            lines=2 if read.lines == 2 else 1,
            frames_read=read.frames_read,
            plate_box=_pixels(read.plate_box),
            vehicle_box=None if read.vehicle_box is None else _pixels(read.vehicle_box),
            vehicle_type=read.vehicle_type,
            legibility=round(read.legibility, 4),
        )


class HitRow(_Row):
    """A pass that met an entry of the hotlist."""

    type: Literal["hit"] = "hit"
    source: str
    pass_id: str
    entry: str
    """The entry's identifier."""
    plate: str
    """The entry's plate."""
    category: str
    kind: HitKind
    score: float
    clip: str | None

    @classmethod
    def of(cls, source: str, pass_id: str, match: Match, clip: str | None) -> Self:
        return cls(
            source=source,
            pass_id=pass_id,
            entry=match.entry.entry_id,
            plate=match.entry.plate,
            category=match.entry.category,
            kind=match.kind,
            score=round(match.score, 5),
            clip=clip,
        )


class SummaryRow(_Row):
    """The end of a source."""

    type: Literal["summary"] = "summary"
    source: str
    duration_s: float | None
    frames_decoded: int
    frames_detected: int
    passes: int
    unread: int
    """Plates seen that could not be read."""
    wall_s: float
    cpu_s: float
    repeated: int = 0
    """Plates seen again shortly after their pass had ended, and not counted as another."""
    static: int = 0
    """Writing that never moved and stood on no vehicle."""


class ErrorRow(_Row):
    """A source that failed, wholly or midway."""

    type: Literal["error"] = "error"
    source: str
    reason: str
    """A machine code."""
    message: str
    """What is wrong and the way out; holds no password."""


Row = PassRow | HitRow | SummaryRow | ErrorRow


def _seconds(t: float | None) -> float | None:
    return None if t is None else round(t, 3)


def _pixels(box: Box) -> Pixels:
    return (round(box.x, 1), round(box.y, 1), round(box.w, 1), round(box.h, 1))

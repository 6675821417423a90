"""Clips of a scan's hits: cut from the reader's packet ring once their post-roll has come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from index.entry import Match
from index.read import PlateRead
from video.errors import ClipFailed
from video.packets.clip import ClipJob
from video.reader import FrameReader

Hit = tuple[str, Match, str | None]
"""A pass, the entry that it met, and the clip's path."""


class ClipCutter:
    """Cuts the clips of one source's hits into a folder, one for each pass."""

    def __init__(self, name: str, frames: FrameReader, folder: Path) -> None:
        self._stem = re.sub(r"[^\w.-]+", "_", Path(name).stem).strip("_")[:80] or "stream"
        self._frames = frames
        self._folder = folder
        self._waiting: list[tuple[ClipJob, str, Sequence[Match]]] = []
        self.failures: list[str] = []
        """Why clips could not be cut; the hits are told without them."""

    def order(self, read: PlateRead, met: Sequence[Match]) -> None:
        """Ask for the clip of a pass that met entries."""
        path = self._folder / f"{self._stem}-{read.pass_id}.mp4"
        job = self._frames.request_clip(read.t_in or 0.0, read.t_out or 0.0, path)
        self._waiting.append((job, read.pass_id, met))

    def finished(self, *, is_end: bool = False) -> list[Hit]:
        """Hits whose clips are cut by now; at the end of the source, those of all that wait."""
        hits: list[Hit] = []
        left = []
        for job, pass_id, met in self._waiting:
            if not (is_end or job.is_ready):
                left.append((job, pass_id, met))
                continue
            clip: str | None = None
            try:
                clip = str(job.cut().path)
            except ClipFailed as error:
                self.failures.append(str(error))
            except OSError as error:
                self.failures.append(f"{job.path}: the clip can't be written ({error.strerror}); make room for it")
            hits += [(pass_id, match, clip) for match in met]
        self._waiting = left
        return hits

"""The clips of hits: asked for when a hit has been recorded, cut from the ring, handed to the archive, never
forgotten."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from actors.peers import ArchivePeer, ClipDelivery, PeerAway
from actors.report import PassReport
from video.errors import VideoError
from video.packets.clip import Clip, ClipJob

_log = logging.getLogger("beket.ingest")

Request = Callable[[str, float, float, Path], ClipJob | None]
"""Asks a camera's ring for a clip: camera, from and to (s of the stream), file; None when the camera is not ours any
more."""


@dataclass(slots=True)
class ClipCounts:
    wanted: int = 0
    cut: int = 0
    handed_over: int = 0
    lost: int = 0
    recovered: int = 0
    """Clips that an earlier, killed process had cut and not handed over."""


@dataclass(slots=True)
class _Wanted:
    report: PassReport
    job: ClipJob | None
    path: Path
    until: float
    """Monotonic time by which the pass is taken to be over."""
    is_final: bool


class ClipDesk:
    """One thread that waits for post-rolls, cuts, and delivers.

    For each clip a note lies in ``folder`` from before the hit's report leaves the journal until the archive has the
    file. A first cut is made at once, so that a process killed while the post-roll comes leaves a clip of the
    vehicle behind.
    """

    def __init__(
        self,
        folder: Path,
        request: Request,
        archive: ArchivePeer,
        *,
        longest_s: float = 60.0,
        tick_s: float = 0.1,
    ) -> None:
        self.counts = ClipCounts()
        self._folder = folder
        self._request = request
        self._archive = archive
        self._longest_s = longest_s
        self._tick_s = tick_s
        self._wanted: dict[tuple[str, str], _Wanted] = {}
        self._due: dict[Path, float] = {}
        self._handed_over: deque[Path] = deque(maxlen=1000)
        self._changed = threading.Condition()
        self._closed = False
        folder.mkdir(parents=True, exist_ok=True)
        for note in folder.glob("*.json"):
            self._due[note] = 0.0
            self.counts.recovered += 1
        self._thread = threading.Thread(target=self._run, name="clips", daemon=True)
        self._thread.start()

    def want(self, report: PassReport) -> None:
        """A hit of this pass has been recorded. Called for its early report and for its final one."""
        read = report.read
        path = self._folder / f"{_stem(report.identity)}.mp4"
        with self._changed:
            known = self._wanted.get(report.identity)
            if known is None and (path.with_suffix(".json") in self._due or path in self._handed_over):
                return  # a replayed report, whose clip an earlier process has cut
        if known is None:
            known = _Wanted(report, None, path, time.monotonic() + self._longest_s, is_final=False)
            _write_note(path, _note(report, None))
            if read.t_in is not None and read.t_out is not None:
                known.job = self._request(read.camera_id, read.t_in, read.t_out, path)
            if known.job is not None:
                self._cut(known)
            self.counts.wanted += 1
        if read.closed:
            known.report, known.is_final = report, True
            if known.job is not None and read.t_out is not None:
                known.job.extend(read.t_out)
        with self._changed:
            self._wanted[report.identity] = known
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._wanted) + len(self._due)

    def close(self, timeout_s: float = 5.0) -> None:
        """Cut what is wanted from what is there, deliver what can be delivered; the rest is found at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._closed:
                    self._changed.wait(self._tick_s if self._wanted or self._due else 30.0)
                closing = self._closed
                wanted = list(self._wanted.items())
            for identity, item in wanted:
                try:
                    self._advance(identity, item, closing=closing)
                except Exception:  # noqa: BLE001 - the thread's outer edge: one clip must not stop the others
                    _log.exception("clip of camera %s, pass %s failed", *identity)
                    self._give_up(identity, item, "the clip could not be cut")
            self._deliver()
            if closing:
                return

    def _advance(self, identity: tuple[str, str], item: _Wanted, *, closing: bool) -> None:
        if item.job is None:
            if item.is_final or time.monotonic() > item.until or closing:
                self._give_up(identity, item, "the ingest had ended before the clip was cut")
            return
        ready = item.job.is_ready  # asked at every tick: it holds on to the packets
        over = item.is_final or time.monotonic() > item.until
        if not closing and not (over and ready):
            return
        if self._cut(item) or item.path.exists():
            with self._changed:
                self._wanted.pop(identity, None)
                self._due[item.path.with_suffix(".json")] = 0.0
        else:
            self._give_up(identity, item, "the packets of the clip are gone")

    def _cut(self, item: _Wanted) -> bool:
        if item.job is None:
            return False
        try:
            clip = item.job.cut()
        except (VideoError, OSError) as error:
            _log.warning("clip of camera %s, pass %s: %s", *item.report.identity, error)
            return False
        _write_note(item.path, _note(item.report, clip))
        self.counts.cut += 1
        return True

    def _give_up(self, identity: tuple[str, str], item: _Wanted, reason: str) -> None:
        """Leave a note of the loss; delivering it tells the database."""
        _write_note(item.path, {**_note(item.report, None), "lost": reason})
        with self._changed:
            self._wanted.pop(identity, None)
            self._due[item.path.with_suffix(".json")] = 0.0

    def _deliver(self) -> None:
        now = time.monotonic()
        for path, at in list(self._due.items()):
            if at > now:
                continue
            try:
                self._deliver_note(path)
            except PeerAway as error:
                _log.warning("a clip waits: %s", error)
                self._due[path] = now + 1.0
            except (OSError, ValueError, KeyError) as error:
                _log.error("the clip note %s can't be used: %s", path.name, error)
                path.replace(path.with_suffix(".broken"))
                del self._due[path]
            else:
                path.unlink(missing_ok=True)
                del self._due[path]

    def _deliver_note(self, path: Path) -> None:
        note = json.loads(path.read_text())
        camera_id, pass_id = note["camera_id"], note["pass_id"]
        if note.get("clip") is None:
            reason = note.get("lost", "the ingest ended before the clip was cut")
            self._archive.give_up(camera_id, pass_id, reason)
            self.counts.lost += 1
            return
        self._archive.take(
            ClipDelivery(
                camera_id,
                pass_id,
                path.with_suffix(".mp4"),
                seen_at=datetime.fromisoformat(note["seen_at"]),
                **note["clip"],
            )
        )
        with self._changed:
            self._handed_over.append(path.with_suffix(".mp4"))
        self.counts.handed_over += 1


def _stem(identity: tuple[str, str]) -> str:
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()[:32]


def _note(report: PassReport, clip: Clip | None) -> dict[str, object]:
    seen_at = report.read.seen_at or datetime.now(UTC)
    cut = None
    if clip is not None:
        cut = {"sha256": clip.sha256, "duration_s": clip.duration_s, "codec": clip.codec, "mime": clip.mime}
    return {
        "camera_id": report.read.camera_id,
        "pass_id": report.read.pass_id,
        "seen_at": seen_at.isoformat(),
        "clip": cut,
    }


def _write_note(clip_path: Path, note: dict[str, object]) -> None:
    part = clip_path.with_suffix(".note")
    part.write_text(json.dumps(note))
    part.replace(clip_path.with_suffix(".json"))

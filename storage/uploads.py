"""Clips on their way to the archive; a spool on disk while S3 is away."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.archive import Archive
from storage.clips import ClipBook, ClipFile
from storage.delivery import Delivery
from storage.errors import StorageError
from storage.spool import Spool, SpoolFigures, SpoolItem

_SAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class ClipUpload:
    """A clip as a file on this machine, to be archived for a pass."""

    camera_id: str
    pass_id: str
    path: Path
    seen_at: datetime
    duration_s: float
    codec: str
    mime: str

    @property
    def key(self) -> str:
        """Where it will lie: by day and camera, so that a day can be listed and removed."""
        names = (_as_name(name) for name in (self.camera_id, self.pass_id))
        return "/".join(("clips", f"{self.seen_at:%Y/%m/%d}", *names)) + self.path.suffix


def _as_name(text: str) -> str:
    """``text`` as one part of a key; what can't stand in one is replaced, and a digest keeps it unique."""
    safe = _SAFE.sub("_", text)
    return safe if safe == text else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class ClipUploader:
    """Takes clip files, puts them to the archive and tells the database, in a thread of its own. Thread-safe.

    When ``accept`` returns the clip is safe on this disk and its file is gone from where it was. What can't be put now
    is tried again; what never can be is set aside, and its alerts say that the clip is lost and why.
    """

    def __init__(self, archive: Archive, clips: ClipBook, spool: Spool) -> None:
        self._archive = archive
        self._clips = clips
        self._spool = spool
        self._bucket_is_there = False
        self._delivery = Delivery("clips", spool, self._deliver, abandoned=self._give_up)

    def start(self) -> None:
        """Begin to put what the spool holds."""
        self._delivery.start()

    def accept(self, upload: ClipUpload) -> None:
        """Take over a clip's file.

        Raises ``SpoolFull`` when there is no room: the file is still the caller's, and ``refuse`` tells its alerts.
        """
        note = {
            "camera_id": upload.camera_id,
            "pass_id": upload.pass_id,
            "key": upload.key,
            "duration_s": upload.duration_s,
            "codec": upload.codec,
            "mime": upload.mime,
        }
        self._spool.put_file(f"{upload.camera_id}/{upload.pass_id}", upload.path, note)

    def refuse(self, camera_id: str, pass_id: str, reason: str) -> None:
        """No clip will come of this pass: its alerts say so, as soon as the database can be told.

        Raises ``SpoolFull``.
        """
        note = {"camera_id": camera_id, "pass_id": pass_id, "lost": reason}
        self._spool.put(f"{camera_id}/{pass_id}", b"", note)

    def figures(self) -> SpoolFigures:
        """How the spool is."""
        return self._spool.figures()

    def close(self) -> None:
        """End the thread; what waits stays on disk for the next start."""
        self._delivery.close()

    def _deliver(self, item: SpoolItem) -> None:
        note = item.note
        if "lost" in note:
            self._clips.mark_lost(note["camera_id"], note["pass_id"], note["lost"])
            return
        if not self._bucket_is_there:
            self._archive.ensure_bucket()
            self._bucket_is_there = True
        try:
            put = self._archive.put_file(note["key"], item.path, note["mime"].partition(";")[0])
        except StorageError:
            self._bucket_is_there = False
            raise
        clip = ClipFile(put.key, put.sha256 or "", put.size_bytes, note["duration_s"], note["codec"], note["mime"])
        self._clips.mark_ready(note["camera_id"], note["pass_id"], clip)

    def _give_up(self, item: SpoolItem, reason: str) -> None:
        self._clips.mark_lost(item.note["camera_id"], item.note["pass_id"], f"the archive can't take it: {reason}")

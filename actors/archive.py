"""Clips on their way to S3: taken over by path, spooled on disk, put, and only then told of."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from actors.peers import ClipDelivery, PeerAway
from storage.archive import Archive
from storage.clips import ClipBook
from storage.database import Database
from storage.errors import SpoolFull, StorageError
from storage.hit_retention import HITS_DAYS, HitRetention
from storage.spool import Spool, SpoolItemBroken
from storage.uploads import ClipUpload, ClipUploader

_log = logging.getLogger("beket.archive")


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    folder: Path
    """Where the spool lies; on the same disk as the ingests' clips, so that taking one over is a link."""
    spool_bytes: int = 20 * 2**30
    hits_days: int = HITS_DAYS
    maintain_every_s: float = 300.0


class Archiver:
    """Brings clips to S3, and takes them away with hits that are past keeping. Thread-safe.

    What ``take`` returned for is durable and will be there as soon as S3 is.
    """

    def __init__(self, archive: Archive, database: Database, options: ArchiveOptions) -> None:
        self._archive = archive
        spool = Spool(options.folder / "spool", bound_bytes=options.spool_bytes)
        self._uploader = ClipUploader(archive, ClipBook(database), spool)
        self._lock = threading.Lock()
        self._taken = self._lost = self._forgotten = 0
        self._options = options
        self._retention = HitRetention(database, archive, hits_days=options.hits_days)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._maintain, name="hit retention", daemon=True)
        self._uploader.start()
        self._thread.start()

    def take(self, clip: ClipDelivery) -> None:
        """Take the file over. Raises ``PeerAway`` when the spool is full; then the file is still the caller's."""
        if not clip.path.exists():
            return  # taken before: the caller did not hear of it
        upload = ClipUpload(
            clip.camera_id, clip.pass_id, clip.path, clip.seen_at, clip.duration_s, clip.codec, clip.mime
        )
        try:
            self._uploader.accept(upload)
        except SpoolFull as error:
            raise PeerAway(str(error)) from None
        except SpoolItemBroken:
            return
        with self._lock:
            self._taken += 1

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None:
        """No clip of this pass will come. Raises ``PeerAway``."""
        try:
            self._uploader.refuse(camera_id, pass_id, reason)
        except SpoolFull as error:
            raise PeerAway(str(error)) from None
        with self._lock:
            self._lost += 1

    def stats(self) -> dict[str, float]:
        figures = self._uploader.figures()
        with self._lock:
            return {
                "taken": self._taken,
                "lost": self._lost,
                "alerts_forgotten": self._forgotten,
                "spool_items": figures.items,
                "spool_bytes": figures.size_bytes,
                "set_aside": figures.set_aside,
                "failures": figures.failures,
            }

    def close(self) -> None:
        self._closed.set()
        self._thread.join(5.0)
        self._uploader.close()
        self._archive.close()

    def _maintain(self) -> None:
        while True:
            try:
                gone = self._retention.maintain()
                with self._lock:
                    self._forgotten += gone
            except StorageError as error:
                _log.warning("hits past keeping wait: %s", error)
            except Exception:  # noqa: BLE001 - the thread's outer edge: the next round tries again
                _log.exception("retention of hits failed")
            if self._closed.wait(self._options.maintain_every_s):
                return

"""Reports of passes on disk until someone else has made them last: what an ingest that is killed finds again."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actors.report import PassReport, ReportBroken


@dataclass(slots=True)
class JournalCounts:
    """What a journal holds, and what it could not keep."""

    items: int = 0
    bytes: int = 0
    refused: int = 0
    """Reports that went on without a copy on disk: the bound was reached, or the disk is full."""
    broken: int = 0
    """Files that could not be read back."""
    forgotten: int = 0
    """Reports that nobody took for as long as reads are kept."""


class Journal:
    """One file a pass, written in one step; a later report of the same pass takes its place. Thread-safe.

    A process may be killed at any moment and loses nothing that ``put`` returned True for. ``max_bytes`` bounds it:
    beyond, reports are still delivered, but would not outlive the process.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 2 * 2**30) -> None:
        self.folder = folder
        self.counts = JournalCounts()
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(".*.part"):
            stale.unlink(missing_ok=True)
        for path in folder.glob("*.report"):
            self._note(path.name, path.stat().st_size)

    def put(self, report: PassReport) -> bool:
        """Keep ``report``; False when it could not be kept (counted)."""
        name = _name(report.identity)
        data = report.to_bytes()
        with self._lock:
            if self.counts.bytes - self._sizes.get(name, 0) + len(data) > self._max_bytes:
                self.counts.refused += 1
                return False
            part = self.folder / f".{name}.part"
            try:
                part.write_bytes(data)
                part.replace(self.folder / name)
            except OSError:
                part.unlink(missing_ok=True)
                self.counts.refused += 1
                return False
            self._note(name, len(data))
        return True

    def drop(self, identity: tuple[str, str]) -> None:
        """The report has been made to last elsewhere."""
        name = _name(identity)
        with self._lock:
            (self.folder / name).unlink(missing_ok=True)
            self.counts.bytes -= self._sizes.pop(name, 0)
            self.counts.items = len(self._sizes)

    def set_aside(self, identity: tuple[str, str]) -> None:
        """The report can never be delivered: keep its file for someone to look at, out of the way."""
        name = _name(identity)
        with self._lock:
            path = self.folder / name
            if path.exists():
                path.replace(path.with_suffix(".broken"))
            self.counts.bytes -= self._sizes.pop(name, 0)
            self.counts.items = len(self._sizes)

    def forget(self, older_than_s: float) -> None:
        """Remove what was put or set aside longer ago: a read is kept no longer for not having been delivered."""
        before = time.time() - older_than_s
        with self._lock:
            for path in (*self.folder.glob("*.report"), *self.folder.glob("*.broken")):
                if _written_at(path) > before:
                    continue
                path.unlink(missing_ok=True)
                self.counts.forgotten += 1
                self.counts.bytes -= self._sizes.pop(path.name, 0)
            self.counts.items = len(self._sizes)

    def replay(self) -> Iterator[PassReport]:
        """Every report that is still there, oldest first. Broken files are set aside and counted."""
        for path in sorted(self.folder.glob("*.report"), key=_written_at):
            try:
                yield PassReport.from_bytes(path.read_bytes())
            except FileNotFoundError:
                continue
            except ReportBroken:
                with self._lock:
                    self.counts.broken += 1
                    path.replace(path.with_suffix(".broken"))
                    self.counts.bytes -= self._sizes.pop(path.name, 0)
                    self.counts.items = len(self._sizes)

    def _note(self, name: str, size: int) -> None:
        self.counts.bytes += size - self._sizes.get(name, 0)
        self._sizes[name] = size
        self.counts.items = len(self._sizes)


def _name(identity: tuple[str, str]) -> str:
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()[:32] + ".report"


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

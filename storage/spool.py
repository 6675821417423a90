"""A durable queue on disk for what can't be delivered now: bounded, in order by key, proof against kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from storage.errors import SpoolFull, StorageError
from storage.spool_files import link_or_copy, lock_folder, read_header, remove_item, write_durably

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 15.0
_PATIENCE: Final = 20
"""Failures after which an item is set aside, if others went through meanwhile."""


class SpoolItemBroken(StorageError, ValueError):
    """An item's bytes on disk are not what was put."""


@dataclass(frozen=True, slots=True)
class SpoolItem:
    """One thing to deliver. One of ``done``, ``retry``, ``set_aside`` is owed to the spool for each taken item."""

    number: int
    key: str
    note: Mapping[str, Any]
    size_bytes: int
    path: Path
    """Where the payload is: the item file itself for bytes, the blob for a file."""
    crc32: int | None = field(repr=False)
    offset: int = field(repr=False)

    def read(self) -> bytes:
        """The payload. Raises ``SpoolItemBroken``."""
        try:
            payload = self.path.read_bytes()[self.offset :]
        except OSError as error:
            raise SpoolItemBroken(f"{self.path} can't be read: {error.strerror}") from error
        if self.crc32 is not None and zlib.crc32(payload) != self.crc32:
            raise SpoolItemBroken(f"{self.path} was changed on disk: its checksum does not fit")
        return payload


@dataclass(frozen=True, slots=True)
class SetAside:
    """An item that can never be delivered, kept with its reason for someone to look at."""

    number: int
    key: str
    reason: str
    path: Path


@dataclass(frozen=True, slots=True)
class SpoolFigures:
    """How a spool is; sizes in bytes, ages in seconds."""

    items: int
    size_bytes: int
    bound_bytes: int
    refused: int
    """Puts refused since the start, for lack of space."""
    set_aside: int
    failures: int
    """Deliveries that failed in a row; 0 when the last one went through."""
    last_failure: str | None


class Spool:
    """The queue. Thread-safe; one process at a time may hold a folder.

    An item is there once ``put`` has returned, whatever is killed then, and is handed out again after a kill until it
    is done: delivery is at least once. Items of one key come in the order of their puts, one at a time. After a failure
    everything pauses, longer each time, and another key gets the next try.
    """

    def __init__(self, folder: Path, *, bound_bytes: int) -> None:
        self.folder = folder.absolute()
        self._aside = self.folder / "aside"
        self._aside.mkdir(parents=True, exist_ok=True)
        self._owner = lock_folder(self.folder)
        self._bound_bytes = bound_bytes
        self._changed = threading.Condition()
        self._queues: OrderedDict[str, deque[SpoolItem]] = OrderedDict()
        self._taken: set[str] = set()
        self._put_at: dict[int, float] = {}
        self._failed: dict[int, tuple[int, int]] = {}
        self._size = 0
        self._next = 0
        self._refused = 0
        self._failures = 0
        self._delivered = 0
        self._last_failure: str | None = None
        self._not_before = 0.0
        self._closed = False
        self._load()

    def put(self, key: str, payload: bytes, note: Mapping[str, Any] | None = None) -> None:
        """Keep ``payload`` until it is delivered. Raises ``SpoolFull``; then nothing of it was kept."""
        header = {"key": key, "note": dict(note or {}), "crc32": zlib.crc32(payload)}
        self._add(header, payload, None)

    def put_file(self, key: str, path: Path, note: Mapping[str, Any] | None = None) -> None:
        """Keep the file at ``path``, which is gone from there afterwards.

        Raises ``SpoolFull``, or ``SpoolItemBroken`` when there is no such file; then nothing was changed.
        """
        try:
            size = path.stat().st_size
        except OSError as error:
            raise SpoolItemBroken(f"{path} can't be spooled: {error.strerror}") from error
        self._add({"key": key, "note": dict(note or {}), "blob_bytes": size}, b"", path)
        path.unlink(missing_ok=True)

    def take(self, timeout_s: float) -> SpoolItem | None:
        """The next item that is due; None after ``timeout_s`` or when the spool is closed."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if now >= self._not_before:
                    for key, queue in self._queues.items():
                        if key not in self._taken:
                            self._taken.add(key)
                            return queue[0]
                    wait_s = deadline - now
                else:
                    wait_s = min(deadline, self._not_before) - now
                if now >= deadline:
                    return None
                self._changed.wait(wait_s)
        return None

    def done(self, item: SpoolItem) -> None:
        """The item was delivered: forget it, and go on at full speed."""
        with self._changed:
            self._failures = 0
            self._last_failure = None
            self._delivered += 1
            self._not_before = 0.0
            self._drop(item)
            remove_item(self._stem(item))
            self._changed.notify_all()

    def retry(self, item: SpoolItem, reason: str) -> float:
        """Delivery failed for now: pause, then try again; returns the pause in seconds.

        An item that goes on failing while others go through is set aside.
        """
        with self._changed:
            failures, delivered = self._failed.get(item.number, (0, self._delivered))
            self._failed[item.number] = (failures + 1, delivered)
            self._failures += 1
            self._last_failure = reason
            pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 10))
            pause_s *= random.uniform(0.75, 1.0)
            self._not_before = time.monotonic() + pause_s
            self._taken.discard(item.key)
            self._queues.move_to_end(item.key)
            hopeless = failures + 1 >= _PATIENCE and self._delivered > delivered
            self._changed.notify_all()
        if hopeless:
            self.set_aside(item, f"failed {failures + 1} times while others went through: {reason}")
        return pause_s

    def set_aside(self, item: SpoolItem, reason: str) -> None:
        """The item can never be delivered: keep it out of the way, with the reason beside it."""
        with self._changed:
            self._drop(item, keep_size=True)
            stem = f"{item.number:016d}"
            record = json.dumps({"key": item.key, "reason": reason})
            with contextlib.suppress(OSError):  # a full disk must not stop the queue
                (self._aside / f"{stem}.reason").write_text(record)
            for source in (self.folder / f"{stem}.blob", self.folder / f"{stem}.item"):
                with contextlib.suppress(FileNotFoundError):
                    source.rename(self._aside / source.name)
            self._changed.notify_all()

    def list_aside(self) -> list[SetAside]:
        """What was set aside, oldest first."""
        found = []
        for path in sorted(self._aside.glob("*.item")):
            header, _ = read_header(path)
            try:
                reason = json.loads(path.with_suffix(".reason").read_text())["reason"]
            except (OSError, ValueError, KeyError):
                reason = "unknown"
            found.append(SetAside(int(path.stem), str(header.get("key", "?")), reason, path))
        return found

    def forget(self, key: str, older_than_s: float) -> int:
        """Give up what was put under ``key`` longer ago, waiting or set aside; returns how many. What is being
        delivered stays."""
        before = time.time() - older_than_s
        with self._changed:
            waiting = () if key in self._taken else tuple(self._queues.get(key, ()))
            stale = [item for item in waiting if self._put_at[item.number] <= before]
            for item in stale:
                self._drop(item)
                remove_item(self._stem(item))
            aside = [each.path for each in self.list_aside() if each.key == key and each.path.stat().st_mtime <= before]
            for path in aside:
                blob = path.with_suffix(".blob")
                self._size -= path.stat().st_size + (blob.stat().st_size if blob.exists() else 0)
                remove_item(path.with_suffix(""))
        return len(stale) + len(aside)

    def figures(self) -> SpoolFigures:
        """How full the spool is, and how it goes."""
        with self._changed:
            return SpoolFigures(
                items=len(self._put_at),
                size_bytes=self._size,
                bound_bytes=self._bound_bytes,
                refused=self._refused,
                set_aside=sum(1 for _ in self._aside.glob("*.item")),
                failures=self._failures,
                last_failure=self._last_failure,
            )

    def hurry(self) -> None:
        """End the pause: someone knows that the store is back."""
        with self._changed:
            self._not_before = 0.0
            self._changed.notify_all()

    def close(self) -> None:
        """Wake those who wait in ``take`` and give the folder back. What was not done stays for the next opening."""
        with self._changed:
            if not self._closed:
                self._closed = True
                os.close(self._owner)
                self._changed.notify_all()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, header: dict[str, Any], payload: bytes, file: Path | None) -> None:
        line = json.dumps(header).encode() + b"\n"
        size = len(line) + len(payload) + int(header.get("blob_bytes", 0))
        with self._changed:
            if self._closed:
                raise StorageError(f"the spool {self.folder} is closed")
            if self._size + size > self._bound_bytes:
                self._refused += 1
                raise SpoolFull(
                    f"the spool {self.folder} is full ({self._size} of {self._bound_bytes} bytes): "
                    "see why nothing is delivered, or give it a larger bound"
                )
            number = self._next
            self._next += 1
            self._size += size
        blob = self.folder / f"{number:016d}.blob"
        path = self.folder / f"{number:016d}.item"
        try:
            if file is not None:
                link_or_copy(file, blob)
            write_durably(path, line + payload)
        except OSError as error:
            for leftover in (blob, path, path.with_suffix(".draft")):
                leftover.unlink(missing_ok=True)
            with self._changed:
                self._size -= size
                self._refused += 1
            raise SpoolFull(
                f"the spool {self.folder} can't be written: {error.strerror}; free space on its disk"
            ) from error
        self._enter(number, header, size, path, len(line), time.time())

    def _enter(self, number: int, header: dict[str, Any], size: int, path: Path, offset: int, put_at: float) -> None:
        blob = "blob_bytes" in header
        item = SpoolItem(
            number=number,
            key=header["key"],
            note=header["note"],
            size_bytes=size,
            path=path.with_suffix(".blob") if blob else path,
            crc32=header.get("crc32"),
            offset=0 if blob else offset,
        )
        with self._changed:
            queue = self._queues.setdefault(item.key, deque())
            if queue and queue[-1].number > number:  # a later put of the same key was quicker
                queue = self._queues[item.key] = deque(sorted([*queue, item], key=lambda one: one.number))
            else:
                queue.append(item)
            self._put_at[number] = put_at
            self._changed.notify()

    def _stem(self, item: SpoolItem) -> Path:
        return self.folder / f"{item.number:016d}"

    def _drop(self, item: SpoolItem, *, keep_size: bool = False) -> None:
        queue = self._queues[item.key]
        queue.remove(item)
        if not queue:
            del self._queues[item.key]
        self._taken.discard(item.key)
        self._put_at.pop(item.number, None)
        self._failed.pop(item.number, None)
        if not keep_size:
            self._size -= item.size_bytes

    def _load(self) -> None:
        """Take up what an earlier process left: whole items count, half-written ones never were."""
        for draft in self.folder.glob("*.draft"):
            draft.unlink()
        numbers = {int(path.stem) for path in self.folder.glob("*.item")}
        for blob in self.folder.glob("*.blob"):
            if int(blob.stem) not in numbers:
                blob.unlink()
        for number in sorted(numbers):
            path = self.folder / f"{number:016d}.item"
            header, offset = read_header(path)
            if not isinstance(header.get("key"), str) or not isinstance(header.get("note"), dict):
                path.rename(self._aside / path.name)
                (self._aside / f"{path.stem}.reason").write_text(
                    json.dumps({"reason": "its first line is not readable"})
                )
                continue
            size = path.stat().st_size + int(header.get("blob_bytes", 0))
            self._size += size
            self._enter(number, header, size, path, offset, path.stat().st_mtime)
        aside = list(self._aside.iterdir())
        self._size += sum(path.stat().st_size for path in aside)
        self._next = max([*numbers, *(int(path.stem) for path in aside)], default=-1) + 1

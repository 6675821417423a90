"""A spool's files: written whole or not at all, and held by one process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage.errors import StorageError


class SpoolInUse(StorageError, RuntimeError):
    """Another process holds the spool's folder."""


def lock_folder(folder: Path) -> int:
    """Hold ``folder`` for this process as long as the returned descriptor is open. Raises ``SpoolInUse``."""
    lock = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise SpoolInUse(f"the spool {folder} is held by another process: end it, or choose another folder") from None
    return lock


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The first line of an item file and where its payload begins; an empty header where there is none."""
    with path.open("rb") as file:
        line = file.readline(1 << 20)
    try:
        header = json.loads(line)
    except ValueError:
        return {}, 0
    return (header, len(line)) if isinstance(header, dict) else ({}, 0)


def write_durably(path: Path, content: bytes) -> None:
    """Have ``content`` at ``path`` in one step, synced with its folder."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    with _opened_folder(path.parent) as folder:
        os.fsync(folder)


def link_or_copy(source: Path, target: Path) -> None:
    """Have the content of ``source`` at ``target`` on the disk; the source stays until the item is there."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_item(stem: Path) -> None:
    """Remove the files of the item ``stem``."""
    # the item file first: a blob alone is cleared away at the next opening
    for suffix in (".item", ".blob", ".reason"):
        stem.with_suffix(suffix).unlink(missing_ok=True)

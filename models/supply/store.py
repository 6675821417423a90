"""The model store: models pulled once from the first source that can be had, verified, and kept in a folder.

A role's model lies at ``<folder>/<role>/<name>.onnx`` with a record beside it (``<name>.json``) that says where it came
from.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ModelError, ModelMissing, ModelRefused, SourceUnavailable
from models.supply import fetching
from models.supply.convert import check_onnx, convert_centerface, convert_yolo
from models.supply.manifest import ROOT, Manifest, Role, Source, read_manifest
from models.supply.mobilenet_graph import convert_mobilenet

CONVERTER: Final = 2
"""Grows when the converter writes other graphs, so that models made before are made anew."""

Progress = Callable[[Role, str, int, int | None], None]
"""Told of a pull: role, source name, bytes so far, and of how many when that is known."""


class Record(BaseModel):
    """What was taken; lies beside the model as JSON."""

    model_config = ConfigDict(frozen=True)

    role: Role
    name: str
    origin: str
    published_sha256: str
    """Of the file as published."""
    sha256: str
    """Of the model as it lies in the store."""
    converter: int | None
    classes: tuple[str, ...]
    licence: str
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A model ready to be opened."""

    path: Path
    source: Source
    record: Record


@dataclass(frozen=True, slots=True)
class Pulled:
    """The outcome of a pull: what is there now, whether it was fetched just now, and which sources failed, and why."""

    stored: Stored
    fetched: bool
    failures: tuple[tuple[str, str], ...]


def home() -> Path:
    """Where beket keeps what it makes and fetches: ``$BEKET_HOME``, else ``.beket`` in the project's own folder."""
    given = os.environ.get("BEKET_HOME")
    return Path(given).expanduser().resolve() if given else ROOT / ".beket"


class ModelStore:
    """Models of a manifest in a folder. Several processes may pull into one folder at once."""

    def __init__(
        self, folder: Path | None = None, manifest: Manifest | None = None, deny_licences: Iterable[str] = ()
    ) -> None:
        """``folder``: ``home()/models`` when None. ``deny_licences``: SPDX names of licences not to be used."""
        self.folder = folder or home() / "models"
        self.manifest = manifest or read_manifest()
        self.deny_licences = frozenset(licence.casefold() for licence in deny_licences)

    def sources(self, role: Role, name: str | None = None) -> tuple[Source, ...]:
        """Permitted sources of a role, in order. Raises ``ModelMissing`` when there is none."""
        permitted = self.manifest.sources(role, self.deny_licences)
        chosen = tuple(s for s in permitted if name in (None, s.name))
        if not chosen:
            known = ", ".join(f"{s.name} ({s.licence})" for s in self.manifest.sources(role)) or "none"
            wanted = f"model {name!r}" if name else "model"
            denied = f"; denied licences: {', '.join(sorted(self.deny_licences))}" if self.deny_licences else ""
            raise ModelMissing(f"{role}: no permitted {wanted} in the manifest; it knows {known}{denied}")
        return chosen

    def denies(self, role: Role) -> bool:
        """Whether the manifest has models of ``role`` and every one's licence is denied: the role stays unfilled."""
        return bool(self.manifest.sources(role)) and not self.manifest.sources(role, self.deny_licences)

    def find(self, role: Role, name: str | None = None) -> Stored | None:
        """The most wanted permitted model of ``role`` that lies in the store unharmed; None when there is none."""
        found = (self._stored(role, source) for source in self.sources(role, name))
        return next((stored for stored in found if stored), None)

    def get(self, role: Role, name: str | None = None) -> Stored:
        """As ``find``, but raises ``ModelMissing`` with the way out."""
        stored = self.find(role, name)
        if stored is None:
            raise ModelMissing(f"no model for {role} is in {self.folder}: run `beket models pull {role}`")
        return stored

    def ensure(self, role: Role, name: str | None = None, progress: Progress | None = None) -> Stored:
        """What lies in the store, or else what a pull brings. Raises as ``pull``.

        A local file that is more wanted than all that would need the network is taken first.
        """
        is_local_so_far = True
        for source in self.sources(role, name):
            stored = self._stored(role, source)
            if stored:
                return stored
            is_local_so_far = is_local_so_far and source.path is not None
            if is_local_so_far and source.local().is_file():
                with contextlib.suppress(ModelMissing):
                    return self.pull(role, source.name, progress).stored
        return self.pull(role, name, progress).stored

    def pull(self, role: Role, name: str | None = None, progress: Progress | None = None) -> Pulled:
        """Take the first source that can be had; what lies in the store unharmed counts as had.

        Raises ``ModelMissing`` naming every source's failure when none could be had.
        """
        failures: list[tuple[str, str]] = []
        for source in self.sources(role, name):
            try:
                with self._locked(role):
                    stored = self._stored(role, source)
                    if stored:
                        return Pulled(stored, fetched=False, failures=tuple(failures))
                    return Pulled(self._take(role, source, progress), fetched=True, failures=tuple(failures))
            except (SourceUnavailable, ModelRefused) as error:
                failures.append((source.name, str(error)))
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in failures)
        raise ModelMissing(f"no source of a {role} could be had:{reasons}\nname another in the manifest of models")

    def _paths(self, role: Role, source: Source) -> tuple[Path, Path]:
        suffix = ".weights" if source.adapter == "none" else ".onnx"
        return self.folder / role / f"{source.name}{suffix}", self.folder / role / f"{source.name}.json"

    def _stored(self, role: Role, source: Source) -> Stored | None:
        path, record_path = self._paths(role, source)
        try:
            record = Record.model_validate_json(record_path.read_bytes())
            if record.sha256 != fetching.sha256(path):
                return None
        except (OSError, ValidationError):
            return None
        wanted = source.sha256
        if wanted is None:
            with contextlib.suppress(OSError):
                wanted = fetching.sha256(source.local())
        made_as = (CONVERTER if source.convert else None, source.classes)
        if (record.converter, record.classes) != made_as or record.published_sha256 != wanted:
            return None
        return Stored(path, source, record)

    def _take(self, role: Role, source: Source, progress: Progress | None) -> Stored:
        path, record_path = self._paths(role, source)

        def count(done: int, total: int | None) -> None:
            if progress:
                progress(role, source.name, done, total)

        try:
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".pull-") as scratch:
                published = fetching.fetch(source, Path(scratch), count)
                made = Path(scratch) / "made.onnx"
                _make(source, published, made)
                record = Record(
                    role=role,
                    name=source.name,
                    origin=source.origin,
                    published_sha256=fetching.sha256(published),
                    sha256=fetching.sha256(made),
                    converter=CONVERTER if source.convert else None,
                    classes=source.classes,
                    licence=source.licence,
                    taken_at=datetime.now(UTC),
                )
                written = Path(scratch) / "record.json"
                written.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
                path.parent.mkdir(exist_ok=True)
                made.replace(path)
                written.replace(record_path)
        except OSError as error:
            raise ModelError(f"the model store {self.folder} can't be written: {error}; free or move it") from error
        return Stored(path, source, record)

    @contextlib.contextmanager
    def _locked(self, role: Role) -> Iterator[None]:
        """One pull of a role at a time, over all processes; the lock goes with its holder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / f".{role}.lock").open("w")
        except OSError as error:
            raise ModelError(f"the model store {self.folder} can't be written: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _make(source: Source, published: Path, made: Path) -> None:
    """Write the model that the store keeps from the published file. Raises ``ModelRefused``."""
    if source.convert == "yolo":
        convert_yolo(published, made, source.classes)
    elif source.convert == "centerface":
        convert_centerface(published, made)
    elif source.convert == "mobilenet":
        convert_mobilenet(published, made)
    else:
        if source.adapter != "none":
            check_onnx(published)
        shutil.copyfile(published, made)

"""The cameras that an ingest was last given, sealed on disk: what it takes up again after its death."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from actors.camera import CameraSpec
from storage.sealing import Seal, SealBroken

_log = logging.getLogger("beket.ingest")


class CameraMemory:
    """A file under the ingest's folder. Without a seal nothing is remembered: addresses hold passwords."""

    def __init__(self, folder: Path, seal: Seal | None) -> None:
        self._path = folder / "cameras.sealed"
        self._owner = f"ingest {folder.name}"
        self._seal = seal
        (folder / "cameras.json").unlink(missing_ok=True)  # written in clear by an earlier version

    def recall(self) -> list[CameraSpec]:
        """The cameras last remembered; none where the file is missing, broken, or sealed with another key."""
        if self._seal is None:
            return []
        try:
            rows = json.loads(self._seal.open(self._path.read_bytes(), self._owner))
            return [CameraSpec(**row) for row in rows]
        except FileNotFoundError:
            return []
        except (SealBroken, ValueError, TypeError) as error:
            _log.warning("the cameras of before can't be taken up (%s); they come anew", type(error).__name__)
            return []

    def remember(self, cameras: Sequence[CameraSpec]) -> None:
        """Keep ``cameras`` instead of what was kept before, in one step."""
        if self._seal is None:
            return
        sealed = self._seal.close(json.dumps([asdict(spec) for spec in cameras]), self._owner)
        draft = self._path.with_suffix(".part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(descriptor)
        draft.replace(self._path)

"""The home folder: everything that a region keeps on a machine, and nothing outside it but sockets."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import RegionBusy, RegionError


def default_home() -> Path:
    """``$BEKET_HOME``, else ``.beket`` under the working directory."""
    given = os.environ.get("BEKET_HOME")
    return Path(given).expanduser().absolute() if given else Path.cwd() / ".beket"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths under a home folder. ``Home(path)`` touches nothing; ``make`` creates the folder for its owner alone."""

    path: Path

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def s3(self) -> Path:
        return self.path / "s3"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def engines(self) -> Path:
        """TensorRT's built engines."""
        return self.path / "engines"

    @property
    def roads(self) -> Path:
        """Where the demo's drawn roads lie."""
        return self.path / "roads"

    @property
    def actors(self) -> Path:
        """Journals and spools of the actors, a folder each."""
        return self.path / "actors"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Keys and tokens made by us; 0700."""
        return self.path / "secrets"

    @property
    def running(self) -> Path:
        """What the running region says of itself, for other commands; 0600, gone when it ends."""
        return self.path / "running.json"

    @property
    def mark(self) -> str:
        """A short name for this home, the same at every start: marks the region's processes and its socket folder."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:10]

    def make(self) -> Home:
        """Create the folders. Raises ``RegionError`` when that can't be done."""
        try:
            for folder in (self.path, self.actors, self.logs, self.secrets):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700 if folder == self.secrets else 0o755)
        except OSError as error:
            raise RegionError(
                f"home {self.path}: can't be made ({error.strerror}); set `home` in the configuration or $BEKET_HOME"
            ) from error
        return self


class HomeLock:
    """Held by the one region that runs over a home. The kernel drops it when its process ends, however it ends."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises ``RegionBusy`` naming the process that holds it."""
        path = self._home.path / "region.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(lock, 32, 0).decode().strip() or "?"
            os.close(lock)
            raise RegionBusy(
                f"home {self._home.path}: a region runs there already (process {owner}); "
                "end it, or choose another home with $BEKET_HOME"
            ) from None
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._file = lock

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

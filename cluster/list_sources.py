"""Where lists come from by themselves: a folder, a prefix of the archive's bucket, an address. Files come whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from storage.archive import Archive

_UNFINISHED: Final = (".part", ".tmp", ".temp", ".filepart", ".crdownload", ".swp", "~")
_SETTLED_S: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_LONGEST_PULL_S: Final = 900.0


class SourceFailed(Exception):
    """A source can't be looked at now; the message says why and shows no login. It is looked at again."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A whole file that may be new."""

    name: str
    data: bytes
    etag: str | None = None


class ListSource(Protocol):
    """Gives files that may be new, oldest first; which were taken before is for the caller to know."""

    def look(self) -> Iterator[Arrival]:
        """Raises ``SourceFailed``, ``ArchiveAway``."""

    def settle(self, arrival: Arrival) -> None:
        """The file was dealt with: it need not be given again while it stays as it is."""


class FolderSource:
    """Files of a folder. One is whole when nothing of it has changed between two looks, nor for two seconds.

    Whoever brings files does best to rename them into place; names that begin with a point, and those of unfinished
    downloads, are passed over.
    """

    def __init__(self, folder: Path, *, largest_bytes: int) -> None:
        self._folder = folder
        self._largest_bytes = largest_bytes
        self._seen: dict[str, tuple[int, int]] = {}
        self._settled: dict[str, tuple[int, int]] = {}

    def look(self) -> Iterator[Arrival]:
        try:
            found = sorted(
                (path.stat().st_mtime_ns, path)
                for path in self._folder.iterdir()
                if path.is_file() and not path.name.startswith(".") and not path.name.lower().endswith(_UNFINISHED)
            )
        except OSError as error:
            raise SourceFailed(f"folder {self._folder} can't be read ({error.strerror})") from error
        seen, self._seen = self._seen, {}
        for changed_ns, path in found:
            try:
                mark = self._seen[path.name] = (changed_ns, path.stat().st_size)
                if self._settled.get(path.name) == mark or seen.get(path.name) != mark:
                    continue
                if time.time() - changed_ns / 1e9 < _SETTLED_S:
                    continue
                if mark[1] > self._largest_bytes:
                    raise SourceFailed(f"{path} has {mark[1] >> 20} MB, more than `largest_mb` allows: split it")
                data = path.read_bytes()
                if (path.stat().st_mtime_ns, path.stat().st_size) == mark and len(data) == mark[1]:
                    yield Arrival(path.name, data)
            except OSError as error:
                raise SourceFailed(f"{path} can't be read ({error.strerror})") from error

    def settle(self, arrival: Arrival) -> None:
        if arrival.name in self._seen:
            self._settled[arrival.name] = self._seen[arrival.name]


class PrefixSource:
    """Objects of the archive's bucket under a prefix; S3 shows an object only when it is whole."""

    def __init__(self, archive: Archive, prefix: str, *, largest_bytes: int) -> None:
        self._archive = archive
        self._prefix = prefix
        self._largest_bytes = largest_bytes
        self._settled: dict[str, str] = {}

    def look(self) -> Iterator[Arrival]:
        for listed in self._archive.list(self._prefix):
            if self._settled.get(listed.key) == listed.etag:
                continue
            if listed.size_bytes > self._largest_bytes:
                raise SourceFailed(
                    f"{listed.key} has {listed.size_bytes >> 20} MB, more than `largest_mb` allows: split it"
                )
            with self._archive.open(listed.key) as chunks:
                data = b"".join(chunks)
            if len(data) == listed.size_bytes:
                yield Arrival(listed.key, data, listed.etag)

    def settle(self, arrival: Arrival) -> None:
        self._settled[arrival.name] = arrival.etag or ""


class AddressSource:
    """What an HTTPS address gives; asked by its ETag, so that what has not changed is not sent again.

    ``check`` is called before each connection and raises where the address lies outside the allowed networks.
    Redirects are not followed. The login is the whole ``Authorization`` header.
    """

    def __init__(
        self,
        url: str,
        *,
        largest_bytes: int,
        authorization: str | None,
        known_etag: Callable[[str], str | None],
        check: Callable[[], object],
    ) -> None:
        parts = urlsplit(url)
        self.name = f"{parts.netloc}{parts.path}"
        self._url = url
        self._largest_bytes = largest_bytes
        self._authorization = authorization
        self._known_etag = known_etag
        self._check = check

    def look(self) -> Iterator[Arrival]:
        self._check()
        headers = {"Accept-Encoding": "gzip"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        etag = self._known_etag(self.name)
        if etag is not None:
            headers["If-None-Match"] = etag
        began = time.monotonic()
        try:
            with (
                httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client,
                client.stream("GET", self._url, headers=headers) as answer,
            ):
                if answer.status_code == 304:
                    return
                if answer.status_code != 200:
                    raise SourceFailed(f"{self.name} answers {answer.status_code}{_meaning(answer.status_code)}")
                data = bytearray()
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > self._largest_bytes:
                        raise SourceFailed(f"{self.name} gives more than `largest_mb` allows")
                    if time.monotonic() - began > _LONGEST_PULL_S:
                        raise SourceFailed(f"{self.name} has not ended after {_LONGEST_PULL_S:.0f} s")
                given = answer.headers.get("ETag")
        except httpx.HTTPError as error:
            raise SourceFailed(f"{self.name} can't be pulled ({type(error).__name__})") from error
        yield Arrival(self.name, bytes(data), given)

    def settle(self, arrival: Arrival) -> None:
        """The ETag is remembered with the file."""


def _meaning(status: int) -> str:
    if status in (401, 403):
        return ": see `authorization_env` or `authorization_file`"
    return ": redirects are not followed, give the address it leads to" if 300 <= status < 400 else ""

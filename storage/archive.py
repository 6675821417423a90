"""The archive: files in an S3 bucket, put whole or not at all, read by ranges."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from storage.errors import ArchiveAway, ArchiveRefused
from storage.s3_access import S3Access

_WHOLE_BYTES: Final = 64 * 1024 * 1024
"""Up to this size a file goes in one request, and S3's ETag is its MD5."""
_REFUSALS: Final = frozenset(
    ("EntityTooLarge", "InvalidArgument", "InvalidObjectName", "KeyTooLongError", "InvalidRange", "BadDigest")
)
_ABSENT: Final = frozenset(("NoSuchKey", "NoSuchObject", "ResourceNotFound"))


class NotInArchive(ArchiveRefused, KeyError):
    """There is no object of that key."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """What the archive says of an object; ``sha256`` is None for one that we did not put."""

    key: str
    size_bytes: int
    sha256: str | None
    content_type: str


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing shows it; its ETag changes with its content."""

    key: str
    size_bytes: int
    etag: str


class Archive:
    """Puts and reads objects in one bucket. Thread-safe.

    Every method raises ``ArchiveAway`` when S3 can't be used now (unreachable, failing, keys or rights not in order:
    trying later may do) and ``ArchiveRefused`` when this very request can never do.
    """

    def __init__(self, access: S3Access, *, connect_timeout_s: float = 3.0, read_timeout_s: float = 30.0) -> None:
        self.access = access
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
            maxsize=16,
            retries=False,
        )
        self._client = Minio(
            endpoint=access.endpoint,
            access_key=access.access_key,
            secret_key=access.secret_key,
            secure=access.secure,
            region=access.region,
            http_client=self._http,
        )

    def ensure_bucket(self) -> None:
        """Make the bucket unless it is there."""
        with self._translated("bucket"):
            if not self._client.bucket_exists(bucket_name=self.access.bucket):
                try:
                    self._client.make_bucket(bucket_name=self.access.bucket)
                except S3Error as error:
                    if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                        raise

    def put_file(self, key: str, path: Path, content_type: str) -> ArchivedObject:
        """Put the file at ``path`` under ``key`` and see that it arrived whole; putting it again is harmless.

        Raises ``ArchiveRefused`` when the file can't be read.
        """
        try:
            sha256, md5, size = _digests(path)
        except OSError as error:
            raise ArchiveRefused(f"{path} can't be read for the archive: {error.strerror}") from error
        there = self._find(key)
        if there is not None and there.sha256 == sha256 and there.size_bytes == size:
            return there
        with self._translated(key), path.open("rb") as file:
            result = self._client.put_object(
                bucket_name=self.access.bucket,
                object_name=key,
                data=file,
                length=size,
                content_type=content_type,
                metadata={"sha256": sha256},
                part_size=_WHOLE_BYTES,
            )
        arrived = self.stat(key)
        whole = size > _WHOLE_BYTES or (result.etag or "").strip('"') in (md5, "")
        if arrived.size_bytes != size or arrived.sha256 != sha256 or not whole:
            raise ArchiveAway(f"S3 ({self.access.endpoint}): {key} did not arrive whole; it is put again")
        return arrived

    def stat(self, key: str) -> ArchivedObject:
        """What is known of the object. Raises ``NotInArchive``."""
        with self._translated(key):
            found = self._client.stat_object(bucket_name=self.access.bucket, object_name=key)
        metadata = {name.lower(): value for name, value in (found.metadata or {}).items()}
        sha256 = metadata.get("x-amz-meta-sha256")
        return ArchivedObject(key, int(found.size or 0), sha256, found.content_type or "application/octet-stream")

    @contextlib.contextmanager
    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[Iterator[bytes]]:
        """The object's bytes from ``start``, ``length`` of them or to the end, in chunks of 64 KiB.

        Raises ``NotInArchive``; ``ArchiveAway`` also in the middle.
        """
        with self._translated(key):
            response = self._client.get_object(
                bucket_name=self.access.bucket, object_name=key, offset=start, length=length or 0
            )
        try:
            yield self._chunks(key, response)
        finally:
            response.close()
            response.release_conn()

    def list(self, prefix: str) -> list[ListedObject]:
        """Objects under ``prefix``, the oldest first."""
        with self._translated(prefix):
            found = list(self._client.list_objects(bucket_name=self.access.bucket, prefix=prefix, recursive=True))
        found.sort(key=lambda one: (one.last_modified is None, one.last_modified, one.object_name))
        return [
            ListedObject(one.object_name, int(one.size or 0), (one.etag or "").strip('"'))
            for one in found
            if one.object_name is not None and not one.is_dir
        ]

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when it is not there."""
        with self._translated(key):
            self._client.remove_object(bucket_name=self.access.bucket, object_name=key)

    def check(self) -> None:
        """Raise what stands between us and the bucket, if anything does."""
        with self._translated("bucket"):
            there = self._client.bucket_exists(bucket_name=self.access.bucket)
        if not there:
            raise ArchiveAway(
                f"S3 ({self.access.endpoint}) has no bucket {self.access.bucket}: it has to be made first"
            )

    def close(self) -> None:
        """Close the idle connections."""
        self._http.clear()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, key: str) -> ArchivedObject | None:
        try:
            return self.stat(key)
        except NotInArchive:
            return None

    def _chunks(self, key: str, response: Any) -> Iterator[bytes]:
        with self._translated(key):
            yield from response.stream(64 * 1024)

    @contextlib.contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        where = f"S3 ({self.access.endpoint}, bucket {self.access.bucket})"
        try:
            yield
        except S3Error as error:
            if error.code in _ABSENT:
                raise NotInArchive(f"{where} has no object {key}") from error
            if error.code in _REFUSALS:
                raise ArchiveRefused(f"{where} refuses {key}: {error.code}") from error
            mend = {
                "AccessDenied": "see the access and secret keys, and that they may write to the bucket",
                "InvalidAccessKeyId": "see the access key",
                "SignatureDoesNotMatch": "see the secret key and this machine's clock",
                "RequestTimeTooSkewed": "set this machine's clock",
                "NoSuchBucket": "the bucket has to be made first",
            }.get(error.code or "", "it is tried again later")
            raise ArchiveAway(f"{where} can't be used now: {error.code}; {mend}") from error
        except (MinioException, HTTPError) as error:
            reason = type(error.args[0] if error.args and isinstance(error.args[0], Exception) else error).__name__
            raise ArchiveAway(f"{where} can't be reached now: {reason}; see that it runs and the endpoint") from error


def _digests(path: Path) -> tuple[str, str, int]:
    """SHA-256, MD5 (S3's ETag) and size of a file."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return sha256.hexdigest(), md5.hexdigest(), size

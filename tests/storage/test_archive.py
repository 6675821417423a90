from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.archive import Archive, NotInArchive
from storage.errors import ArchiveAway, ArchiveRefused
from storage.s3_access import S3Access


@pytest.fixture
def archive(s3_access: S3Access) -> Iterator[Archive]:
    with Archive(s3_access) as archive:
        archive.ensure_bucket()
        yield archive


def test_a_file_is_put_and_read_by_ranges(archive: Archive, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000
    file = tmp_path / "clip.mp4"
    file.write_bytes(content)
    put = archive.put_file("clips/a.mp4", file, "video/mp4")
    assert (put.size_bytes, put.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert archive.stat("clips/a.mp4") == put
    assert put.content_type == "video/mp4"
    with archive.open("clips/a.mp4", 1000, 5000) as chunks:
        assert b"".join(chunks) == content[1000:6000]
    with archive.open("clips/a.mp4", 1_000_000) as chunks:
        assert b"".join(chunks) == content[1_000_000:]
    assert archive.put_file("clips/a.mp4", file, "video/mp4") == put
    archive.delete("clips/a.mp4")
    archive.delete("clips/a.mp4")
    with pytest.raises(NotInArchive, match=r"no object clips/a\.mp4"):
        archive.stat("clips/a.mp4")
    with pytest.raises(NotInArchive), archive.open("clips/a.mp4"):
        pass


def test_the_bucket_is_made_once(archive: Archive, s3_access: S3Access) -> None:
    archive.ensure_bucket()
    archive.check()
    with (
        Archive(replace(s3_access, bucket="never-made")) as other,
        pytest.raises(ArchiveAway, match="no bucket never-made"),
    ):
        other.check()


def test_what_stands_in_the_way_is_named(s3_access: S3Access, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"x")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        endpoint = f"127.0.0.1:{nobody.getsockname()[1]}"
        with (
            Archive(replace(s3_access, endpoint=endpoint)) as archive,
            pytest.raises(ArchiveAway, match="can't be reached"),
        ):
            archive.put_file("a", file, "video/mp4")
    with (
        Archive(replace(s3_access, secret_key="wrong" * 8)) as archive,
        pytest.raises(ArchiveAway, match="secret key"),
    ):
        archive.ensure_bucket()
    with Archive(s3_access) as archive, pytest.raises(ArchiveRefused, match=r"gone\.mp4 can't be read"):
        archive.put_file("a", tmp_path / "gone.mp4", "video/mp4")

"""Watched sources give each whole file once: a folder, a prefix in a real S3, an address with an ETag."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import SettingsError
from cluster.home import Home
from cluster.list_watch import ListWatch
from cluster.settings import RegionSettings, check_settings
from storage.archive import Archive
from storage.database import Database
from storage.hotlists.feed import EntryFeed
from storage.hotlists.imports import ImportBook
from storage.hotlists.ledger import SourceLedger
from storage.s3_access import S3Access

HEADER = "plate,category,legal_basis,authority,owner,valid_until\n"
UNTIL = f"{datetime.now(UTC) + timedelta(days=9):%F}"


def listed(*plates: str) -> bytes:
    return (HEADER + "".join(f"{plate},stolen,K-1,police,me,{UNTIL}\n" for plate in plates)).encode()


def region(base: Path, **source: Any) -> RegionSettings:
    given = {"id": "city", "owner": "police", "approved_by": "chief", "every_s": 1} | source
    return check_settings({"hotlists": [given]}, base / "region.yaml")


class Watch:
    """A watch that looks when the test says so, and what it said."""

    def __init__(self, database: Database, settings: RegionSettings, folder: Path, archive: Archive | None = None):
        self.said: list[str] = []
        self._watch = ListWatch(
            database, archive or Archive(S3Access("127.0.0.1:1", "a", "b")), settings, Home(folder), self.said.append
        )

    def look(self) -> list[str]:
        before = len(self.said)
        self._watch.look()
        return self.said[before:]


def plates(database: Database) -> list[str]:
    return sorted(entry.plate for entry in EntryFeed(database).live().entries)


def put(path: Path, data: bytes, *, age_s: float = 60) -> None:
    path.write_bytes(data)
    then = time.time() - age_s
    os.utime(path, (then, then))


def test_a_folder_gives_each_whole_file_once(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    watch = Watch(database, region(tmp_path, folder="in"), tmp_path)
    (trouble,) = watch.look()
    assert "can't be read" in trouble
    assert watch.look() == []  # told once
    folder.mkdir()
    put(folder / "1.csv", listed("123ABC02"))
    put(folder / "2.csv.part", listed("777AAA01"))
    put(folder / ".hidden.csv", listed("777AAA01"))
    assert watch.look() == []  # it may still be growing
    put(folder / "1.csv", listed("123ABC02", "777AAA01"))
    assert watch.look() == []
    assert watch.look() == ["hotlist city: 2 entries (2 new, 0 changed, 0 withdrawn)"]
    put(folder / "2.csv", listed("888AAA08"), age_s=-600)
    assert (watch.look(), watch.look()) == ([], [])  # too fresh
    put(folder / "2.csv", listed("888AAA08"), age_s=30)
    assert (watch.look(), len(watch.look())) == ([], 1)
    assert plates(database) == ["888AAA08"]
    again = Watch(database, region(tmp_path, folder="in"), tmp_path)  # after a restart
    assert (again.look(), again.look()) == ([], [])
    assert [file.state for file in SourceLedger(database).list("city")] == ["done", "done"]


def test_a_bad_file_is_written_down_and_tried_again_when_it_changes(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    watch = Watch(database, region(tmp_path, folder="in", on_error="refuse"), tmp_path)
    put(folder / "1.csv", listed("123ABC02", "Ж1"))
    put(folder / "2.csv", b"name\nx\n", age_s=40)
    watch.look()
    said = watch.look()
    assert any("1 rows of 1.csv can't be taken" in line for line in said)
    assert not any("Ж1" in line for line in said)  # no plate stands in a log
    failed = {file.name: file for file in SourceLedger(database).list("city")}
    assert (failed["1.csv"].state, "line 3, plate" in failed["1.csv"].reason) == ("failed", True)
    assert "plate" in failed["2.csv"].reason
    assert (watch.look(), plates(database)) == ([], [])
    put(folder / "1.csv", listed("123ABC02"), age_s=30)
    watch.look()
    watch.look()
    assert plates(database) == ["123ABC02"]


def test_a_file_that_takes_too_much_off_waits_for_a_person(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    watch = Watch(database, region(tmp_path, folder="in"), tmp_path)
    put(folder / "1.csv", listed(*(f"{n:03}ABC02" for n in range(20))))
    watch.look()
    watch.look()
    put(folder / "1.csv", listed("000ABC02"), age_s=30)
    watch.look()
    said = watch.look()
    assert any("would withdraw 19 of 20 entries: a person has to look" in line for line in said)
    assert len(plates(database)) == 20
    (pending,) = ImportBook(database).list("city", state="pending")
    ImportBook(database).approve(pending.import_id, by="chief")
    assert plates(database) == ["000ABC02"]


def test_without_a_second_person_in_the_configuration_a_file_waits(database: Database, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    put(tmp_path / "in" / "1.csv", listed("123ABC02"))
    watch = Watch(database, region(tmp_path, folder="in", approved_by=None), tmp_path)
    watch.look()
    assert any("waits for approval" in line for line in watch.look())
    assert plates(database) == []


def test_a_prefix_of_a_real_s3_gives_each_object_once(database: Database, s3_access: S3Access, tmp_path: Path) -> None:
    archive = Archive(s3_access)
    archive.ensure_bucket()
    file = tmp_path / "list.csv"
    file.write_bytes(listed("123ABC02"))
    archive.put_file("lists/city/1.csv", file, "text/csv")
    archive.put_file("lists/other/1.csv", file, "text/csv")
    watch = Watch(database, region(tmp_path, prefix="lists/city/", kind="delta"), tmp_path, archive)
    assert (len(watch.look()), watch.look()) == (1, [])
    file.write_bytes(listed("777AAA01"))
    archive.put_file("lists/city/2.csv", file, "text/csv")
    assert (len(watch.look()), watch.look()) == (1, [])
    assert plates(database) == ["123ABC02", "777AAA01"]
    assert Watch(database, region(tmp_path, prefix="lists/city/", kind="delta"), tmp_path, archive).look() == []
    for key in ("lists/city/1.csv", "lists/city/2.csv", "lists/other/1.csv"):
        archive.delete(key)
    archive.close()


class ListServer(ThreadingHTTPServer):
    """Gives ``content`` to who knows the login, with its ETag."""

    content = b""
    status = 200

    def __init__(self) -> None:
        self.sent = 0
        self.asked: list[int] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/list.csv?key=hunter2"


class _Handler(BaseHTTPRequestHandler):
    server: ListServer

    def do_GET(self) -> None:
        etag = f'"{hashlib.md5(self.server.content, usedforsecurity=False).hexdigest()}"'
        status = self.server.status
        if self.headers["Authorization"] != "Bearer hunter2":
            status = 401
        elif status == 200 and self.headers["If-None-Match"] == etag:
            status = 304
        self.server.asked.append(status)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        body = self.server.content if status == 200 else b""
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BEKET_TEST_LIST", "Bearer hunter2")
    with ListServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_address_is_pulled_by_its_etag(database: Database, tmp_path: Path, server: ListServer) -> None:
    server.content = listed("123ABC02")
    settings = region(tmp_path, url=server.address, authorization_env="BEKET_TEST_LIST")
    watch = Watch(database, settings, tmp_path)
    assert (len(watch.look()), watch.look()) == (1, [])
    assert server.asked == [200, 304]
    server.content = listed("777AAA01")
    assert len(watch.look()) == 1
    assert plates(database) == ["777AAA01"]
    assert Watch(database, settings, tmp_path).look() == []  # after a restart the ETag is still known
    assert server.asked == [200, 304, 200, 304]
    server.status = 302
    (trouble,) = watch.look()
    assert "redirects are not followed" in trouble
    server.status = 200
    watch.look()
    (tmp_path / "login").write_text("Bearer wrong")
    wrong = Watch(database, region(tmp_path, url=server.address, authorization_file="login"), tmp_path)
    (refused,) = wrong.look()
    assert "answers 401: see `authorization_env`" in refused
    server.content = b"x" * (1 << 20) + b"y"
    small = region(tmp_path, url=server.address, authorization_env="BEKET_TEST_LIST", largest_mb=1)
    (large,) = Watch(database, small, tmp_path).look()
    assert "largest_mb" in large
    told = [*watch.said, *wrong.said, large, *(file.name for file in SourceLedger(database).list())]
    assert not any("hunter2" in line or "wrong" in line.split() for line in told)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"url": "http://lists.example/x"}, "url"),
        ({"url": "https://user:word@lists.example/x"}, "login does not belong"),
        ({"url": "https://lists.example/x", "folder": "in"}, "one source"),
        ({"entered_by": "chief"}, "second person"),
        ({"mapping": {"columns": {"eyes": "x"}}}, "no field"),
        ({"mapping": {"zone": "Mars"}}, "Mars"),
        ({"kind": "some"}, "kind"),
    ],
)
def test_a_source_that_can_not_be_is_said(tmp_path: Path, source: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        region(tmp_path, **source)


def test_an_address_outside_the_allowed_networks_is_not_connected_to(database: Database, tmp_path: Path) -> None:
    hotlist = {"id": "city", "owner": "police", "url": "https://127.0.0.1:9/list.csv"}
    settings = check_settings({"hotlists": [hotlist], "networks": ["192.0.2.0/24"]}, tmp_path / "region.yaml")
    (trouble,) = Watch(database, settings, tmp_path).look()
    assert "outside the allowed networks" in trouble

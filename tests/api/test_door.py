"""Who is let in: hosts, origins, addresses; and how the process starts."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storage.s3_access import S3Access
from tests.api.serving import get, serving

SETTINGS = {
    "BEKET_DSN": "postgresql://beket:secret@127.0.0.1:1/none",
    "BEKET_S3_ENDPOINT": "127.0.0.1:1",
    "BEKET_S3_ACCESS_KEY": "key",
    "BEKET_S3_SECRET_KEY": "secret",
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API whose stores are both away: it starts and answers all the same. With a small built page."""
    page = tmp_path_factory.mktemp("dist")
    (page / "assets").mkdir()
    (page / "index.html").write_text("<!doctype html><title>beket</title>")
    (page / "assets" / "index-1.js").write_text("export {}")
    (page / "secret.txt").write_text("secret")
    access = S3Access("127.0.0.1:1", "key", "secret")
    with serving(SETTINGS["BEKET_DSN"], access, BEKET_API_PAGE=page) as address:
        yield address


def port_of(address: str) -> str:
    return address.rsplit(":", 1)[1]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_its_own_names_are_answered(door: str, name: str) -> None:
    assert get(door + "/", headers={"Host": f"{name}:{port_of(door)}"}).status_code == 200
    assert get(door + "/", headers={"Host": name}).status_code == 200  # through a tunnel on port 80


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.0.0.1:80@evil", "", "127.0.0.1:x"],
)
@pytest.mark.parametrize("path", ["/", "/alerts", "/events"])
def test_other_names_are_refused(door: str, host: str, path: str) -> None:
    answer = get(door + path, headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "secret" not in answer.text


def test_two_hosts_or_none_are_refused(door: str) -> None:
    name, port = door.removeprefix("http://").split(":")
    for head in ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"):
        with socket.create_connection((name, int(port))) as connection:
            connection.sendall(head.encode())
            assert connection.recv(100).split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost"]
)
def test_other_origins_are_refused(door: str, origin: str) -> None:
    answer = get(door + "/health", headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong-origin")
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_origin_is_answered(door: str) -> None:
    assert get(door + "/health", headers={"Origin": door}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_lead_here_but_not_embed_us(door: str, site: str) -> None:
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert get(door + "/health", headers=embedded).status_code == 403
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert get(door + "/", headers=followed).status_code == 200
    framed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert get(door + "/", headers=framed).status_code == 403


@pytest.mark.parametrize("path", ["/", "/health", "/alerts", "/nothing", "/assets/index-1.js"])
def test_every_answer_carries_the_headers(door: str, path: str) -> None:
    headers = get(door + path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/..%2fsecret.txt",
        "/assets/../secret.txt",
        "/assets/%2e%2e/secret.txt",
        "/assets/.hidden.js",
        "/assets/%00.js",
        "/assets/none.js",
        "/assets/" + "a" * 5000 + ".js",
        "/secret.txt",
        "/../../../../etc/passwd",
        "//etc/passwd",
        "/docs",
    ],
)
def test_hostile_addresses_find_nothing(door: str, path: str) -> None:
    name, port = door.removeprefix("http://").split(":")
    with socket.create_connection((name, int(port))) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.split()[1] in (b"404", b"422", b"400", b"414")
    assert b"root:" not in answer
    assert not answer.endswith(b"secret")


def test_stores_that_are_away_are_told_without_their_secrets(door: str) -> None:
    for path in ("/alerts", "/cameras"):
        answer = get(door + path)
        assert (answer.status_code, answer.json()["code"]) == (503, "database-away")
        assert answer.headers["retry-after"] == "2"
        assert "secret" not in answer.text
    health = get(door + "/health").json()
    assert health["state"] == "degraded"
    assert health["database"]["state"] == health["archive"]["state"] == "down"


def test_only_reading_is_allowed(door: str) -> None:
    assert httpx.post(door + "/alerts", timeout=60).status_code == 405
    assert httpx.delete(door + "/", timeout=60).status_code == 405


def test_the_openapi_document_names_every_route(door: str) -> None:
    document = get(door + "/openapi.json").json()
    assert set(document["paths"]) >= {"/alerts", "/alerts/{alert_id}", "/cameras", "/events", "/health"}
    assert "text/event-stream" in document["paths"]["/events"]["get"]["responses"]["200"]["content"]
    assert "application/json" not in document["paths"]["/events"]["get"]["responses"]["200"]["content"]
    assert "ProblemDocument" in document["components"]["schemas"]


def test_a_page_that_is_not_built_says_so(tmp_path: Path) -> None:
    access = S3Access("127.0.0.1:1", "key", "secret")
    with serving(SETTINGS["BEKET_DSN"], access, BEKET_API_PAGE=tmp_path / "none") as address:
        answer = get(address + "/")
        assert answer.status_code == 503
        assert "make console" in answer.text


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "api", *arguments],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "beket.example"])  # noqa: S104
def test_only_loopback_is_listened_on(host: str) -> None:
    ended = start("--host", host, **SETTINGS)
    assert ended.returncode == 2
    assert "listens on 127.0.0.1 only" in ended.stderr
    assert "ssh -L" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_missing_settings_are_named() -> None:
    ended = start()
    assert ended.returncode == 2
    assert "give --dsn or BEKET_DSN" in ended.stderr
    assert "BEKET_S3_SECRET_KEY" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start("--port", str(port), **SETTINGS)
    assert ended.returncode == 2
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr

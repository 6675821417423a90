"""HTTPS sources: HLS playlists that play, and those that point elsewhere."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.fixtures.streams import Encode
from video.connect.checked_proxy import CheckedProxy
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.packets.demux import Demuxer, OpenSettings
from video.reader import FrameReader, ReadSettings

OPENING = OpenSettings(open_timeout_s=20.0, read_timeout_s=20.0)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to-http"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/live.m3u8")
            self.end_headers()
        elif self.path.startswith("/to-live"):
            self.send_response(302)
            self.send_header("Location", "/live.m3u8")
            self.end_headers()
        elif self.path.startswith("/secret"):
            self.send_error(401)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve(certificate: Path, tmp_path: Path) -> Iterator[Callable[..., SourceUrl]]:
    """An HTTPS server of the test's own folder; gives sources in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Handler(*args, directory=str(tmp_path)))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()

    def source(path: str, trusted: bool = True, networks: Sequence[str] = ()) -> SourceUrl:
        rules = SourceRules(
            ca_file=certificate.with_suffix(".crt") if trusted else None,
            networks=tuple(ipaddress.ip_network(network) for network in networks),
        )
        return parse_source(f"https://user:geheim@localhost:{server.server_port}/{path}", rules)

    yield source
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def playlist(encode: Encode, tmp_path: Path) -> Callable[..., None]:
    def write(*lines: str, name: str = "live.m3u8") -> None:
        head = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2"]
        (tmp_path / name).write_text("\n".join([*head, *lines, "#EXT-X-ENDLIST", ""]))

    with av.open(encode("whole.mp4", seconds=2, fps=10, gop=10)) as whole, av.open(tmp_path / "one.ts", "w") as out:
        stream = out.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return write


def failing(source: SourceUrl) -> VideoError:
    with pytest.raises(VideoError) as failed:
        Demuxer(source, OPENING)
    assert "geheim" not in str(failed.value)
    return failed.value


def test_a_playlist_plays(serve: Callable[..., SourceUrl], playlist: Callable[..., None]) -> None:
    playlist("#EXTINF:2,", "one.ts")
    for path in ("live.m3u8", "to-live"):
        with FrameReader(serve(path), ReadSettings(opening=OPENING)) as reader:
            assert len(list(reader)) >= 10


@pytest.mark.parametrize(
    "lines",
    [
        ("#EXTINF:2,", "file:///etc/passwd"),
        ("#EXTINF:2,", "http://127.0.0.1/one.ts"),
        ("#EXTINF:2,", "concat:one.ts|/etc/passwd"),
        ('#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/passwd"', "#EXTINF:2,", "one.ts"),
        ('#EXT-X-MAP:URI="data:text/plain,x"', "#EXTINF:2,", "one.ts"),
    ],
)
def test_a_playlist_that_points_elsewhere_is_refused(
    serve: Callable[..., SourceUrl], playlist: Callable[..., None], lines: tuple[str, ...]
) -> None:
    playlist(*lines)
    failed = failing(serve("live.m3u8"))
    assert isinstance(failed, SourceRefused)
    assert failed.reason is Reason.PLAYLIST_REFUSED


def test_a_nested_playlist_is_read_too(serve: Callable[..., SourceUrl], playlist: Callable[..., None]) -> None:
    playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "inner.m3u8")
    playlist("#EXTINF:2,", "file:///etc/passwd", name="inner.m3u8")
    assert failing(serve("live.m3u8")).reason is Reason.PLAYLIST_REFUSED


def test_ffmpeg_alone_would_not_follow_it_either(
    serve: Callable[..., SourceUrl], playlist: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    playlist("#EXTINF:2,", f"file://{tmp_path}/one.ts")
    monkeypatch.setattr("video.connect.opening.checked_address", lambda source, timeout_s, proxy: source.reveal())
    with pytest.raises(OpenFailed), FrameReader(serve("live.m3u8"), ReadSettings(opening=OPENING)) as reader:
        list(reader)


def test_redirects_lead_only_to_https(serve: Callable[..., SourceUrl]) -> None:
    assert failing(serve("to-http")).reason is Reason.NETWORK_REFUSED


def test_what_the_server_says_is_told(serve: Callable[..., SourceUrl]) -> None:
    assert failing(serve("secret.m3u8")).reason is Reason.LOGIN_FAILED
    assert failing(serve("nothing.m3u8")).reason is Reason.NOT_FOUND


def test_an_unknown_certificate_is_not_trusted(serve: Callable[..., SourceUrl], playlist: Callable[..., None]) -> None:
    playlist("#EXTINF:2,", "one.ts")
    assert failing(serve("live.m3u8", trusted=False)).reason is Reason.TLS_FAILED


def test_with_networks_each_connection_is_checked_where_it_is_made(
    serve: Callable[..., SourceUrl], playlist: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    playlist("#EXTINF:2,", "one.ts")
    with FrameReader(serve("live.m3u8", networks=["127.0.0.0/8", "::1/128"]), ReadSettings(opening=OPENING)) as reader:
        assert len(list(reader)) >= 10
    assert failing(serve("live.m3u8", networks=["10.0.0.0/8"])).reason is Reason.NETWORK_REFUSED


def test_a_name_that_changes_after_its_check_leads_nowhere(
    serve: Callable[..., SourceUrl], playlist: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    playlist("#EXTINF:2,", "one.ts")
    source = serve("live.m3u8", networks=["127.0.0.0/8"])
    asked = []
    numeric = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if host != "localhost":
            return numeric(host, port, *more, **options)
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) < 3 else "169.254.169.254", port))]

    monkeypatch.setattr("video.connect.source.socket.getaddrinfo", rebinding)
    failed = failing(source)
    assert failed.reason is Reason.NETWORK_REFUSED
    assert "169.254.169.254" in str(failed)


def test_the_proxy_serves_nobody_else(serve: Callable[..., SourceUrl]) -> None:
    proxy = CheckedProxy(serve("live.m3u8", networks=["127.0.0.0/8"]))
    try:
        bare = proxy.url.replace(proxy.url.partition("//")[2].partition("@")[0], "beket:guess")
        with httpx.Client(proxy=bare, trust_env=False) as client, pytest.raises(httpx.ProxyError, match="407"):
            client.get("https://localhost/")
        assert proxy.served == 0
    finally:
        proxy.close()

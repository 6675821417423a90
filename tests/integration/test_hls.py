"""HTTPS sources: HLS playlists that play, and those that point elsewhere."""

from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest

from tests.fixtures.streams import Encode
from video.demux import Demuxer, OpenSettings
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.reader import FrameReader, ReadSettings
from video.source import SourceRules, SourceUrl, parse_source

OPENING = OpenSettings(open_timeout_s=5.0, read_timeout_s=5.0)


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing: no certificate can be made for a server on this machine")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(  # noqa: S603
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",  # noqa: S607
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


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

    def source(path: str, trusted: bool = True) -> SourceUrl:
        rules = SourceRules(ca_file=certificate.with_suffix(".crt") if trusted else None)
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
    monkeypatch.setattr("video.demux.checked_address", lambda source, timeout_s: source.reveal())
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

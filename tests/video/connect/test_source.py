"""Which addresses are opened, and that logins never show."""

from __future__ import annotations

import ipaddress
import pickle

import pytest

from video.connect.source import SourceKind, SourceRules, parse_source, resolve
from video.errors import Reason, SourceRefused


@pytest.mark.parametrize(
    "text",
    [
        "concat:/etc/passwd|/etc/hosts",
        "pipe:0",
        "subfile:,,start,0,end,9,,:/etc/passwd",
        "data:video/mp4;base64,AAAA",
        "http://camera/stream",
        "tcp://camera:99",
        "udp://239.0.0.1:99",
        "crypto+file:/etc/passwd",
        "lavfi:testsrc",
        "rtsp://",
        "rtsp://host:99999/x",
        "https:///path",
        "rtsp://host/a\nb",
        "",
        "file://elsewhere/etc/passwd",
        "file:///etc/passwd",
        "/etc/passwd",
    ],
)
def test_refused_by_default(text: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        parse_source(text)
    assert refused.value.reason is Reason.SOURCE_REFUSED


def test_what_ffmpeg_could_run_is_refused_where_files_are_allowed_too() -> None:
    for text in ("concat:/etc/passwd", "pipe:0", "lavfi:testsrc", "file://elsewhere/etc/passwd"):
        with pytest.raises(SourceRefused):
            parse_source(text, SourceRules(allow_files=True))


def test_kinds() -> None:
    files = SourceRules(allow_files=True)
    assert parse_source("rtsp://camera/1").kind is SourceKind.RTSP
    assert parse_source("RTSPS://camera/1").reveal() == "rtsps://camera/1"
    assert parse_source("https://host/live.m3u8").kind is SourceKind.HTTPS
    assert parse_source("file:///tmp/a%20b.mp4", files).path == parse_source("/tmp/a b.mp4", files).path


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:geheim@10.0.0.1:554/Streaming/Channels/101",
        "rtsp://admin:g@h/geheim@10.0.0.1/1",
        "rtsp://10.0.0.1/cam?user=admin&password=geheim&channel=1",
        "rtsp://10.0.0.1/user=admin_password=geheim_channel=1_stream=0.sdp",
        "https://geheim@host/live.m3u8",
        "rtsp://admin:geheim%40x@10.0.0.1/1",
        "rtsp://admin:geheim/x@10.0.0.1/1",
    ],
)
def test_logins_never_show(url: str) -> None:
    source = parse_source(url)
    for shown in (str(source), repr(source), f"{source}", source.redact(f"error opening {url!r}: no")):
        assert "geheim" not in shown
        assert "admin" not in shown
    assert "host" in str(source) or "10.0.0.1" in str(source)


def test_a_login_with_odd_characters_still_opens_its_host() -> None:
    assert parse_source("rtsp://admin:a/b@10.0.0.1/1").host == "10.0.0.1"


def test_refusals_hide_the_login_too() -> None:
    for url in ("rtsp://admin:geheim@:554", "http://admin:geheim@camera/1", "rtsp://admin:geheim@host:0/1"):
        with pytest.raises(SourceRefused) as refused:
            parse_source(url)
        assert "geheim" not in str(refused.value)


def test_a_source_travels_between_processes() -> None:
    source = parse_source("rtsp://u:p@camera/1")
    assert pickle.loads(pickle.dumps(source)).reveal() == source.reveal()  # noqa: S301 - our own bytes


def test_only_allowed_networks_are_connected_to() -> None:
    rules = SourceRules(networks=(ipaddress.ip_network("10.0.0.0/8"),))
    with pytest.raises(SourceRefused) as refused:
        resolve(parse_source("rtsp://u:secret@127.0.0.1/1", rules))
    assert refused.value.reason is Reason.NETWORK_REFUSED
    assert "secret" not in str(refused.value)
    here = SourceRules(networks=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))
    assert resolve(parse_source("rtsp://u:secret@localhost:99/1", here)) in (
        "rtsp://u:secret@127.0.0.1:99/1",
        "rtsp://u:secret@[::1]:99/1",
    )


def test_an_unknown_name_says_so() -> None:
    with pytest.raises(SourceRefused) as refused:
        resolve(parse_source("rtsp://camera.invalid/1"))
    assert refused.value.reason is Reason.NAME_UNKNOWN

"""Only the allowed networks are connected to: after looking names up, at each connect, each redirect."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.streams import Encode
from tests.fixtures.wire_rtsp import Coded, Mount, StartWire, coded
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.packets.demux import Demuxer, OpenSettings
from video.session import CameraSession, SessionSettings
from video.state import Health, State

OPENING = OpenSettings(open_timeout_s=20.0, read_timeout_s=20.0)
HERE = "127.0.0.1/32"
ELSEWHERE = "127.0.0.2"


def source(url: str, *networks: str, **rules: object) -> SourceUrl:
    return parse_source(url, SourceRules(networks=tuple(map(ipaddress.ip_network, networks)), **rules))  # type: ignore[arg-type]


def failing(source: SourceUrl) -> VideoError:
    with pytest.raises(VideoError) as failed:
        Demuxer(source, OPENING)
    assert "geheim" not in str(failed.value)
    return failed.value


def plays(source: SourceUrl) -> None:
    with Demuxer(source, OPENING) as demuxer:
        assert next(demuxer.packets()).is_keyframe


@pytest.fixture
def road(encode: Encode) -> Coded:
    return coded(encode(seconds=2, fps=10, gop=10))


def test_a_redirect_inside_the_networks_is_followed_with_the_login(start_wire: StartWire, road: Coded) -> None:
    there = start_wire({"road": Mount([road], login="admin:geheim")})
    here = start_wire({"road": Mount(redirect=lambda n: there.url("road"))})
    plays(source(here.url("road", "admin:geheim"), HERE))
    plays(source(here.url("road", "admin:geheim")))


@pytest.mark.parametrize(
    "location",
    [
        "rtsp://{there}/road",
        "rtsp://127.0.0.1@{there}/road",
        "rtsp://127.0.0.1:1@{there}/road",
        "rtsp://[::ffff:127.0.0.2]:{port}/road",
        "//{there}/road",
        "rtsp://2130706434:{port}/road",
    ],
)
def test_a_redirect_elsewhere_is_refused_before_anyone_connects(
    start_wire: StartWire, road: Coded, location: str
) -> None:
    there = start_wire({"road": Mount([road])}, host=ELSEWHERE)
    sent_to = location.format(there=f"{ELSEWHERE}:{there.port}", port=there.port)
    here = start_wire({"road": Mount(redirect=lambda n: sent_to)})
    failed = failing(source(here.url("road", "admin:geheim"), HERE))
    assert isinstance(failed, SourceRefused)
    assert failed.reason is Reason.NETWORK_REFUSED
    assert there.connections == 0


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://127.0.0.1/", "tcp://127.0.0.1:1", "pipe:0", "rtsp://"]
)
def test_a_redirect_to_anything_but_a_stream_is_refused(start_wire: StartWire, location: str) -> None:
    here = start_wire({"road": Mount(redirect=lambda n: location)})
    assert failing(source(here.url("road"), HERE, allow_files=True)).reason is Reason.NETWORK_REFUSED


def test_redirects_in_a_circle_end(start_wire: StartWire) -> None:
    here = start_wire({"road": Mount(redirect=lambda n: here.url("road"))})
    failed = failing(source(here.url("road"), HERE))
    assert isinstance(failed, OpenFailed)
    assert failed.reason is Reason.SERVER_FAILED
    assert here.connections == 4


def test_a_server_that_redirects_ffmpeg_alone_is_found_out(start_wire: StartWire, road: Coded) -> None:
    there = start_wire({"road": Mount([road])}, host=ELSEWHERE)
    here = start_wire({"road": Mount([road], redirect=lambda n: there.url("road") if n > 1 else None)})
    failed = failing(source(here.url("road"), HERE))
    assert failed.reason is Reason.NETWORK_REFUSED
    assert "led the connection away" in str(failed)


def test_two_cameras_of_one_server_are_told_apart(start_wire: StartWire, road: Coded) -> None:
    there = start_wire({"road": Mount([road])}, host=ELSEWHERE)
    here = start_wire({"road": Mount([road]), "sly": Mount([road])})
    with Demuxer(source(here.url("road"), HERE), OPENING) as first, Demuxer(source(here.url("road"), HERE), OPENING):
        asked = here.connections
        here.mounts["sly"].redirect = lambda n: there.url("road") if n > asked + 1 else None
        assert failing(source(here.url("sly"), HERE)).reason is Reason.NETWORK_REFUSED
        assert next(first.packets()).is_keyframe
    plays(source(here.url("road"), HERE))


def changing(monkeypatch: pytest.MonkeyPatch, answer: Callable[[int], str]) -> None:
    """Names lead to ``answer(n)`` when they are looked up for the n-th time."""
    asked: list[str] = []
    numeric = socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **options: Any) -> Any:
        if not host.endswith(".invalid"):
            return numeric(host, port, *more, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer(len(asked)), port))]

    monkeypatch.setattr("video.connect.source.socket.getaddrinfo", look_up)


def test_the_address_that_was_checked_is_the_one_connected_to(
    start_wire: StartWire, road: Coded, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start_wire({"road": Mount([road])})
    changing(monkeypatch, lambda n: "127.0.0.1" if n == 1 else ELSEWHERE)
    plays(source(here.url("road").replace("127.0.0.1", "camera.invalid"), HERE))


def test_each_connection_is_checked_anew(start_wire: StartWire, road: Coded, monkeypatch: pytest.MonkeyPatch) -> None:
    here = start_wire({"road": Mount([road])})
    changing(monkeypatch, lambda n: "127.0.0.1" if n == 1 else ELSEWHERE)
    told: queue.Queue[Health] = queue.Queue()
    settings = SessionSettings(opening=OPENING, backoff_first_s=0.05)
    named = source(here.url("road").replace("127.0.0.1", "camera.invalid"), HERE)
    with CameraSession("7", named, settings, on_state=told.put):
        states = [told.get(timeout=60).state for _ in range(2)]
        assert states == [State.CONNECTING, State.LIVE]
        here.hang_up()
        while (health := told.get(timeout=60)).reason is not Reason.NETWORK_REFUSED:
            assert health.state is not State.LIVE
        assert health.state is State.BACKING_OFF


def test_an_address_in_ipv6_clothes_is_the_address_inside(start_wire: StartWire, road: Coded) -> None:
    here = start_wire({"road": Mount([road])})
    dressed = here.url("road").replace("127.0.0.1", "[::ffff:127.0.0.1]")
    assert failing(source(dressed, "::/0")).reason is Reason.NETWORK_REFUSED
    plays(source(dressed, HERE))


def test_an_encrypted_stream_is_pinned_and_its_name_still_verified(
    start_wire: StartWire, road: Coded, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    server = start_wire({"road": Mount([road])}, tls=context)
    by_name = server.url("road").replace("127.0.0.1", "localhost")
    trusted = certificate.with_suffix(".crt")
    networks = ("127.0.0.0/8", "::1/128")
    plays(source(by_name, *networks, ca_file=trusted))
    assert failing(source(server.url("road"), *networks, ca_file=trusted)).reason is Reason.TLS_FAILED
    for allowed in (networks, ()):
        assert failing(source(by_name, *allowed)).reason is Reason.TLS_FAILED
    plays(source(server.url("road"), *networks, verify_tls=False))

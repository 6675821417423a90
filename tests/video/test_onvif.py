"""Cameras asked over ONVIF: a real SOAP device on loopback, kind, wrong, slow and hostile."""

from __future__ import annotations

import ipaddress
import logging
import time
from datetime import timedelta

import pytest

from tests.fixtures.onvif_server import OnvifDevice, StartOnvif
from video.connect.source import SourceRules, parse_source
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.onvif.client import read_camera, service_url
from video.onvif.profiles import OnvifProfile, choose
from video.onvif.transport import Login

LOGIN = Login("admin", "geheim")
HERE = SourceRules(networks=(ipaddress.ip_network("127.0.0.1/32"),))
BOMB = b"""<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&b;</s:Body></s:Envelope>"""


def failing(address: str, login: Login | None = LOGIN, timeout_s: float = 20.0) -> VideoError:
    with pytest.raises(VideoError) as failed:
        read_camera(address, login, HERE, timeout_s=timeout_s)
    assert "geheim" not in str(failed.value)
    return failed.value


def test_a_camera_says_who_it_is_and_where_its_streams_are(start_onvif: StartOnvif) -> None:
    server = start_onvif()
    camera = read_camera(server.address, LOGIN, HERE)
    assert (camera.manufacturer, camera.model, camera.firmware, camera.serial) == ("Acme", "Road 9", "1.2", "S-7")
    assert [(one.token, one.codec, one.width, one.height, one.fps) for one in camera.profiles] == [
        ("main", "H264", 1920, 1080, 25.0),
        ("sub", "H264", 640, 360, 15.0),
        ("tiny", "H264", 320, 180, 15.0),
        ("shots", "JPEG", 2560, 1440, 1.0),
    ]
    main = camera.profiles[0].stream
    assert main is not None
    assert main.reveal() == "rtsp://admin:geheim@127.0.0.1:8554/main"
    assert "geheim" not in repr(camera) + repr(LOGIN)
    assert camera.skew_s is not None
    assert abs(camera.skew_s) <= 2


def test_the_best_is_read_and_the_smallest_that_serves_is_for_the_gate(start_onvif: StartOnvif) -> None:
    chosen = choose(read_camera(start_onvif().address, LOGIN, HERE).profiles)
    assert chosen is not None
    best, gate = chosen
    assert gate is not None
    assert (best.token, gate.token) == ("main", "sub")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], None),
        ([(1920, 1080)], ("0", None)),
        ([(320, 180), (1920, 1080)], ("1", "0")),
        ([(1920, 1080), (1920, 1080)], ("0", None)),
        ([(160, 90), (320, 180), (1920, 1080)], ("2", "1")),
        ([(0, 0)], ("0", None)),
    ],
)
def test_which_profiles_are_taken(sizes: list[tuple[int, int]], expected: tuple[str, str | None] | None) -> None:
    profiles = [
        OnvifProfile(str(n), "", "H264", width, height, 25.0, parse_source(f"rtsp://camera/{n}"))
        for n, (width, height) in enumerate(sizes)
    ]
    chosen = choose(profiles)
    assert (chosen and (chosen[0].token, chosen[1] and chosen[1].token)) == expected


@pytest.mark.parametrize("off_s", [-3600.0, 86400.0 * 400])
def test_a_camera_with_a_wrong_clock_still_takes_the_login(start_onvif: StartOnvif, off_s: float) -> None:
    camera = read_camera(start_onvif(OnvifDevice(clock_off=timedelta(seconds=off_s))).address, LOGIN, HERE)
    assert camera.skew_s == pytest.approx(off_s, abs=2)


def test_a_camera_without_a_login(start_onvif: StartOnvif) -> None:
    camera = read_camera(start_onvif(OnvifDevice(login=None)).address, None, HERE)
    stream = camera.profiles[0].stream
    assert stream is not None
    assert stream.reveal() == "rtsp://127.0.0.1:8554/main"


@pytest.mark.parametrize("login", [Login("admin", "falsch"), Login("nobody", "geheim"), None])
def test_a_wrong_login_says_so(start_onvif: StartOnvif, login: Login | None) -> None:
    failed = failing(start_onvif().address, login)
    assert failed.reason is Reason.LOGIN_FAILED
    assert "falsch" not in str(failed)


def test_nothing_of_the_login_is_logged(start_onvif: StartOnvif, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="video"):
        read_camera(start_onvif().address, LOGIN, HERE)
    assert "geheim" not in caplog.text
    assert "PasswordDigest" not in caplog.text


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"no XML",
        b"<html><body>Login</body></html>",
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>',
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
        bytes(range(256)) * 40,
        BOMB,
        b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>'.encode(
            "utf-16"
        ),
    ],
)
def test_what_is_no_answer_is_survived_and_said(start_onvif: StartOnvif, says: bytes) -> None:
    server = start_onvif()
    for operation in ("GetDeviceInformation", "GetCapabilities", "GetProfiles", "GetStreamUri"):
        server.device.says = {operation: says}.get
        said, reason = "", None
        try:
            camera = read_camera(server.address, LOGIN, HERE)
            said = repr(camera)
            assert choose(camera.profiles) is None or not camera.manufacturer
        except OpenFailed as error:
            said, reason = str(error), error.reason
        assert "root:" not in said
        assert reason in (None, Reason.SERVER_FAILED, Reason.NO_VIDEO)
    server.device.says = {"GetSystemDateAndTime": says}.get
    assert read_camera(server.address, LOGIN, HERE).model == "Road 9", "without the time the rest still goes"


def test_an_endless_answer_is_cut_off(start_onvif: StartOnvif) -> None:
    server = start_onvif(OnvifDevice(says=lambda asked: b"<a>" + b" " * 2**23))
    assert failing(server.address).reason is Reason.TOO_LARGE


def test_a_slow_camera_is_given_up(start_onvif: StartOnvif) -> None:
    server = start_onvif(OnvifDevice(slow_s=30.0))
    began = time.monotonic()
    assert failing(server.address, timeout_s=0.5).reason is Reason.TIMED_OUT
    assert time.monotonic() - began < 10


def test_nobody_there(start_onvif: StartOnvif) -> None:
    server = start_onvif()
    server.close()
    assert failing(server.address).reason is Reason.UNREACHABLE


def test_a_media_service_of_another_host_is_not_asked(start_onvif: StartOnvif) -> None:
    there = start_onvif(host="127.0.0.2")
    server = start_onvif(OnvifDevice(media_url=f"http://{there.address}/onvif/media"))
    failed = failing(server.address)
    assert isinstance(failed, SourceRefused)
    assert failed.reason is Reason.NETWORK_REFUSED
    assert there.device.asked == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "http:///", "http://127.0.0.1:99999/"])
def test_a_media_service_of_an_odd_kind_is_not_asked(start_onvif: StartOnvif, url: str) -> None:
    assert failing(start_onvif(OnvifDevice(media_url=url)).address).reason is Reason.SOURCE_REFUSED


def test_redirects_are_checked(start_onvif: StartOnvif) -> None:
    there = start_onvif(host="127.0.0.2")
    here = start_onvif()
    for target, reason in ((there, Reason.NETWORK_REFUSED), (here, None)):
        server = start_onvif(OnvifDevice(redirect=f"http://{target.address}/onvif/device_service"))
        if reason is None:
            assert read_camera(server.address, LOGIN, HERE).model == "Road 9"
        else:
            assert failing(server.address).reason is reason
    assert there.device.asked == []


def test_a_stream_outside_the_networks_is_listed_without_an_address(start_onvif: StartOnvif) -> None:
    camera = read_camera(start_onvif(OnvifDevice(stream_host="169.254.169.254")).address, LOGIN, HERE)
    assert all(profile.stream is None and "outside" in profile.refusal for profile in camera.profiles)
    assert choose(camera.profiles) is None


def test_an_address_outside_the_networks_is_not_asked() -> None:
    assert failing("127.0.0.2").reason is Reason.NETWORK_REFUSED


@pytest.mark.parametrize("address", ["admin:geheim@10.0.0.1", "http://admin:geheim@10.0.0.1/", "ftp://10.0.0.1"])
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        service_url(address)
    assert "geheim" not in str(refused.value)


def test_addresses_that_are_completed() -> None:
    assert service_url("10.0.0.1") == "http://10.0.0.1/onvif/device_service"
    assert service_url("https://camera:8443/") == "https://camera:8443/onvif/device_service"
    assert service_url("http://camera/other") == "http://camera/other"

"""Cameras that lie, break and attack: each is survived, says what it is, and is forgiven once it behaves; the camera
beside it does not notice."""

from __future__ import annotations

import queue
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.fixtures.streams import Encode
from tests.fixtures.wire_rtsp import Coded, Mount, StartWire, coded
from video.connect.source import parse_source
from video.errors import Reason
from video.packets.demux import OpenSettings
from video.session import CameraSession, SessionSettings
from video.state import Health, State
from video.watch.gate import GateSettings
from video.watch.watcher import WatchSettings

PATIENCE_S = 60.0
SETTINGS = SessionSettings(
    opening=OpenSettings(open_timeout_s=10.0, read_timeout_s=5.0),
    watch=WatchSettings(fps=None, gate=None),
    stall_s=2.0,
    backoff_first_s=0.05,
    backoff_most_s=0.1,
    backoff_login_s=0.1,
)


class Watch:
    """Sessions with one worker that polls them all; nothing it meets may be raised."""

    def __init__(self, urls: dict[str, str], settings: SessionSettings = SETTINGS, **gates: str) -> None:
        self.told: dict[str, queue.Queue[Health]] = {name: queue.Queue() for name in urls}
        self.frames = dict.fromkeys(urls, 0)
        self.sizes: dict[str, set[tuple[int, int]]] = {name: set() for name in urls}
        self.sessions = {
            name: CameraSession(
                name,
                parse_source(url),
                settings,
                gate_source=parse_source(gates[name]) if name in gates else None,
                on_state=self.told[name].put,
            )
            for name, url in urls.items()
        }

    def poll(self) -> None:
        for name, session in self.sessions.items():
            last = float("-inf")
            for frame in session.poll():
                assert frame.t > last
                last = frame.t
                self.frames[name] += 1
                self.sizes[name].add(frame.size)

    def until(self, what: Callable[[], object], why: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < end, f"{why}: {[s.health for s in self.sessions.values()]}"
            self.poll()
            time.sleep(0.01)

    def until_told(self, name: str, *reasons: Reason) -> list[Health]:
        """All that was told of a camera until one of ``reasons`` was."""
        told: list[Health] = []

        def is_told() -> bool:
            told.extend(self.heard(name))
            return any(health.reason in reasons for health in told)

        self.until(is_told, f"{name} says {reasons}")
        return told

    def heard(self, name: str) -> list[Health]:
        return [self.told[name].get() for _ in range(self.told[name].qsize())]


@contextmanager
def watching(urls: dict[str, str], settings: SessionSettings = SETTINGS, **gates: str) -> Iterator[Watch]:
    watch = Watch(urls, settings, **gates)
    for session in watch.sessions.values():
        session.start()
    yield watch
    closers = [threading.Thread(target=session.close) for session in watch.sessions.values()]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()


@pytest.fixture
def road(encode: Encode) -> Coded:
    return coded(encode(seconds=2, fps=10, gop=10))


def golomb(value: int) -> str:
    """Exp-Golomb code (H.264, 9.1), as bits."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def absurd_sps(width_mbs: int, height_mbs: int) -> bytes:
    """A sequence parameter set of H.264 baseline with pictures of so many macroblocks (7.3.2.1.1)."""
    fields = [golomb(0), golomb(0), golomb(2), golomb(1), "0", golomb(width_mbs - 1), golomb(height_mbs - 1)]
    bits = "".join([*fields, "1", "1", "0", "0", "1"])
    bits += "0" * (-len(bits) % 8)
    return bytes([0x67, 66, 0, 62]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def lossy(share: float, seed: int) -> Callable[[int, bytes], bytes | None]:
    rng = random.Random(seed)
    return lambda n, packet: None if rng.random() < share else packet


def fuzzed(share: float, seed: int) -> Callable[[int, bytes], bytes | None]:
    rng = random.Random(seed)

    def mangle(n: int, packet: bytes) -> bytes:
        if rng.random() > share:
            return packet
        damaged = bytearray(packet)
        for _ in range(rng.randint(1, 12)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        return bytes(damaged[: rng.randint(1, len(damaged))])

    return mangle


def noise(n: int, packet: bytes) -> bytes:
    return packet[:12] + random.Random(n).randbytes(len(packet) - 12)


def without_keyframes(n: int, packet: bytes) -> bytes | None:
    kind = packet[12] & 31
    starts_keyframe = kind == 5 or (kind == 28 and packet[13] & 31 == 5)
    return None if starts_keyframe else packet


HOSTILE: dict[str, Callable[[Coded], Mount]] = {
    "fuzzed": lambda road: Mount([road], mangle=fuzzed(0.3, 1)),
    "noise": lambda road: Mount([road], mangle=noise),
    "half lost": lambda road: Mount([road], mangle=lossy(0.5, 2)),
    "no keyframes": lambda road: Mount([road], mangle=without_keyframes),
    "empty packets": lambda road: Mount([road], mangle=lambda n, packet: packet[: n % 13]),
    "absurd size": lambda road: Mount([Coded("h264", (absurd_sps(4096, 4096), road.sets[1]), road.pictures, 2.0)]),
    "no size": lambda road: Mount([Coded("h264", (absurd_sps(1, 1), road.sets[1]), road.pictures, 2.0)]),
    "random sets": lambda road: Mount([Coded("h264", (b"\x67" + bytes(range(90)), b"\x68\xff"), road.pictures, 2.0)]),
    "says HEVC": lambda road: Mount([road], sdp=lambda sdp: sdp.replace("H264", "H265")),
    "says JPEG": lambda road: Mount([road], sdp=lambda sdp: sdp.replace("H264", "JPEG")),
    "says sound": lambda road: Mount([road], sdp=lambda sdp: sdp.replace("m=video", "m=audio")),
    "no sets": lambda road: Mount([road], sdp=lambda sdp: re.sub("sprop[^\r]*", "", sdp), sets_in_band=False),
    "odd clock rate": lambda road: Mount([road], sdp=lambda sdp: sdp.replace("90000", "0")),
    "many streams": lambda road: Mount([road], sdp=lambda sdp: sdp + "m=video 0 RTP/AVP 96\r\n" * 500),
    "no description": lambda road: Mount([road], sdp=lambda sdp: ""),
    "long lines": lambda road: Mount([road], sdp=lambda sdp: sdp + "a=" + "x" * 200_000 + "\r\n"),
    "random times": lambda road: Mount([road], stamp=lambda t: random.Random(t).uniform(-1e5, 1e5)),
    "times stand": lambda road: Mount([road], stamp=lambda t: 5.0),
    "times run back": lambda road: Mount([road], stamp=lambda t: -t),
    "no clock": lambda road: Mount([road], clock=lambda: -2_208_988_800.0),
    "a clock of long ago": lambda road: Mount([road], clock=lambda: -1e12 * random.Random(7).random()),
    "floods": lambda road: Mount([road], speed=0.0),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_camera_is_survived_and_forgiven(start_wire: StartWire, road: Coded, name: str) -> None:
    good, bad = start_wire({"road": Mount([road])}), start_wire({"road": HOSTILE[name](road)})
    with watching({"good": good.url("road"), "bad": bad.url("road")}) as watch:
        watch.until(lambda: bad.connections and watch.frames["good"] >= 15, "the good one plays")
        for health in watch.heard("bad"):
            assert health.reason is not Reason.INTERNAL, health.detail
            assert health.state in (State.CONNECTING, State.LIVE) or health.detail
        bad.mounts["road"] = Mount([road])
        bad.hang_up()
        seen, healed = watch.frames["bad"], bad.connections
        watch.until(lambda: bad.connections > healed and watch.frames["bad"] >= seen + 5, "it plays once it behaves")
        watch.until(lambda: watch.sessions["bad"].health.state is State.LIVE, "and is live")
        assert watch.sizes["bad"] - {(320, 192)} <= {(16, 16)}, "no absurd picture was made"
        assert [health.state for health in watch.heard("good")] == [State.CONNECTING, State.LIVE]
        assert watch.sessions["good"].count.failures == 0


def test_pictures_that_are_too_large_are_said_to_be(start_wire: StartWire, road: Coded) -> None:
    server = start_wire({"road": replace(HOSTILE["absurd size"](road), speed=8.0)})
    with watching({"bad": server.url("road")}) as watch:
        watch.until_told("bad", Reason.TOO_LARGE, Reason.UNDECODABLE)


def test_a_gated_camera_survives_noise_too(start_wire: StartWire, road: Coded) -> None:
    gated = SessionSettings(
        opening=SETTINGS.opening,
        watch=WatchSettings(fps=None, gate=GateSettings(learn_s=0.5)),
        backoff_first_s=0.05,
        backoff_most_s=0.1,
    )
    server = start_wire({"road": Mount([road], mangle=fuzzed(0.2, 3), speed=4.0), "small": Mount([road], mangle=noise)})
    with watching({"bad": server.url("road")}, gated, bad=server.url("small")) as watch:
        watch.until(lambda: watch.sessions["bad"].count.packets > 40, "packets come")
        assert watch.sessions["bad"].health.reason is not Reason.INTERNAL


def test_a_login_that_is_changed_and_changed_back(start_wire: StartWire, road: Coded) -> None:
    server = start_wire({"road": Mount([road], login="admin:geheim")})
    with watching({"north": server.url("road", "admin:geheim")}) as watch:
        watch.until(lambda: watch.frames["north"] >= 5, "it plays")
        server.mounts["road"].login = "admin:anders"
        server.hang_up()
        told = watch.until_told("north", Reason.LOGIN_FAILED)
        assert "geheim" not in "".join(health.detail for health in told)
        server.mounts["road"].login = "admin:geheim"
        seen = watch.frames["north"]
        watch.until(lambda: watch.frames["north"] >= seen + 5, "it plays again")


def test_a_codec_and_a_size_that_change_with_the_connection(
    start_wire: StartWire, road: Coded, encode: Encode, tmp_path: Path
) -> None:
    hevc = coded(encode("h265.mp4", seconds=2, fps=10, gop=10, size=(640, 384), codec="libx265"))
    server = start_wire({"road": Mount([road])})
    with watching({"north": server.url("road")}) as watch:
        watch.until(lambda: watch.frames["north"] >= 5, "H.264 plays")
        server.mounts["road"] = Mount([hevc])
        server.hang_up()
        watch.until(lambda: (640, 384) in watch.sizes["north"], "HEVC plays")
        seen = watch.frames["north"]
        watch.until(lambda: watch.frames["north"] >= seen + 5, "and goes on")
        session = watch.sessions["north"]
        job = session.request_clip(session.stream_t - 0.2, session.stream_t, tmp_path / "clip.mp4")
        assert job.cut().codec == "hevc", "a clip holds one codec alone: that of the pass, not of the longer pre-roll"


@pytest.mark.parametrize("start", [2**32 - 90_000, 2**32 - 1])
def test_a_clock_that_wraps_is_no_break(start_wire: StartWire, road: Coded, start: int) -> None:
    server = start_wire({"road": Mount([road], rtp_start=start)})
    with watching({"north": server.url("road")}) as watch:
        watch.until(lambda: watch.frames["north"] >= 30, "it plays over the wrap")
        assert watch.sessions["north"].count.failures == 0
        assert abs(watch.sessions["north"].stream_t - time.time()) < 10


@pytest.mark.parametrize("off_s", [7.0, -86_400.0])
def test_a_camera_whose_clock_is_off_shows_by_how_much(start_wire: StartWire, road: Coded, off_s: float) -> None:
    server = start_wire({"road": Mount([road], clock=lambda: time.time() + off_s)})
    with watching({"north": server.url("road")}) as watch:
        session = watch.sessions["north"]
        watch.until(lambda: session.skew_s is not None, "the clock is known")
        assert session.skew_s == pytest.approx(off_s, abs=1.5)
        camera_clock = session.count.camera_clock
        assert camera_clock is not None
        assert camera_clock.timestamp() == pytest.approx(time.time() + off_s, abs=5.0)
        server.mounts["road"].clock = lambda: time.time() + off_s + 3600
        server.hang_up()
        watch.until(lambda: (session.skew_s or 0.0) > off_s + 3500, "a clock that is set anew is followed")


def test_a_second_stream_that_is_not_there_costs_nothing_but_its_saving(start_wire: StartWire, road: Coded) -> None:
    server = start_wire({"road": Mount([road])})
    gated = SessionSettings(
        opening=SETTINGS.opening, watch=WatchSettings(fps=None), backoff_first_s=0.05, backoff_most_s=0.1
    )
    with watching({"north": server.url("road")}, gated, north=server.url("small")) as watch:
        session = watch.sessions["north"]
        watch.until(lambda: watch.frames["north"] >= 10, "the large one is watched by itself")
        assert session.health.state is State.LIVE
        assert session.gate_health is not None
        assert session.gate_health.reason is Reason.NOT_FOUND
        server.mounts["small"] = Mount([road])
        watch.until(lambda: session.gate_health and session.gate_health.state is State.LIVE, "the small one comes")


def test_a_hundred_cameras_in_one_process_live_through_their_servers_death(encode: Encode) -> None:
    road = encode(seconds=2, fps=5, gop=5, size=(160, 96))

    def serve(port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.fixtures.wire_rtsp", "--port", str(port), f"road={road}"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
        assert server.stdout is not None
        ports.append(int(server.stdout.readline()))
        return server

    ports: list[int] = []
    server = serve(0)
    gated = SessionSettings(opening=SETTINGS.opening, backoff_first_s=0.2, backoff_most_s=1.0)
    process = psutil.Process()
    try:
        with watching({f"c{n}": f"rtsp://127.0.0.1:{ports[0]}/road" for n in range(100)}, gated) as watch:

            def all_are(state: State) -> bool:
                return all(session.health.state is state for session in watch.sessions.values())

            watch.until(lambda: all_are(State.LIVE), "all are live")
            threads = process.num_threads()
            server.kill()
            server.communicate()
            watch.until(
                lambda: not any(session.health.state is State.LIVE for session in watch.sessions.values()), "all see it"
            )
            assert {session.health.reason for session in watch.sessions.values()} <= {
                Reason.ENDED, Reason.UNREACHABLE, Reason.STALLED,
            }  # fmt: skip
            server = serve(ports[0])
            watch.until(lambda: all_are(State.LIVE), "all are back")
            assert process.num_threads() <= threads + 2
    finally:
        server.kill()
        server.communicate()

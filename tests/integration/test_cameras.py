"""Camera sessions against a real RTSP server: what breaks, and what the session says of it."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import psutil
import pytest

from tests.fixtures.rtsp import StartRtsp
from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import OpenFailed, Reason
from video.packets.demux import Demuxer, OpenSettings
from video.session import CameraSession, SessionSettings
from video.state import Health, State
from video.watch.decoded import DecodedFrame
from video.watch.watcher import WatchSettings

PATIENCE_S = 60.0
QUICK = SessionSettings(
    opening=OpenSettings(open_timeout_s=3.0, read_timeout_s=1.0),
    watch=WatchSettings(fps=None, gate=None),
    stall_s=0.5,
    keyframe_s=1.5,
    backoff_first_s=0.1,
    backoff_most_s=0.3,
    backoff_login_s=0.3,
)


class Watched:
    """A session with a worker that polls it, and the states it went through."""

    def __init__(self, source: SourceUrl, settings: SessionSettings) -> None:
        self.told: queue.Queue[Health] = queue.Queue()
        self.frames: list[DecodedFrame] = []
        self._ready = threading.Event()
        self.session = CameraSession("7", source, settings, on_state=self.told.put, on_ready=self._ready.set)

    def until(self, state: State, reason: Reason | None = None) -> Health:
        """Poll until the session says ``state`` (for ``reason``)."""
        end = time.monotonic() + PATIENCE_S
        seen = []
        while time.monotonic() < end:
            self.poll()
            while not self.told.empty():
                health = self.told.get()
                seen.append((health.state, health.reason))
                if health.state is state and reason in (None, health.reason):
                    return health
        raise AssertionError(f"never {state} for {reason}: {seen}")

    def until_frames(self, count: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while len(self.frames) < count and time.monotonic() < end:
            self.poll()
        assert len(self.frames) >= count, self.session.health

    def poll(self) -> None:
        self._ready.wait(0.05)
        self._ready.clear()
        while frames := self.session.poll():
            self.frames += frames


@contextmanager
def watched(url: str, settings: SessionSettings = QUICK, rules: SourceRules | None = None) -> Iterator[Watched]:
    one = Watched(parse_source(url, rules), settings)
    with one.session:
        yield one
    assert one.session.health.state is State.DISABLED


def test_frames_come_in_order_with_their_arrival(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=20))})
    with watched(server.url("road")) as camera:
        camera.until_frames(30)
        frames = list(camera.frames)
    times = [frame.t for frame in frames]
    assert times == sorted(set(times))
    assert abs(times[-1] - time.time()) < 30
    assert all(frame.seen_at is not None for frame in frames)
    assert {frame.size for frame in frames} == {(320, 192)}
    assert camera.session.count.watch.unwatched_s == 0


def test_a_killed_server_is_a_failure_and_its_return_is_noticed(start_rtsp: StartRtsp, encode: Encode) -> None:
    road = str(encode(seconds=20))
    server = start_rtsp({"road": road})
    with watched(server.url("road")) as camera:
        camera.until_frames(5)
        server.kill()
        camera.until(State.BACKING_OFF)
        health = camera.until(State.BACKING_OFF, Reason.UNREACHABLE)
        assert "port" in health.detail
        before = len(camera.frames)
        start_rtsp({"road": road}, port=server.port)
        camera.until(State.LIVE)
        camera.until_frames(before + 5)
        times = [frame.t for frame in camera.frames]
        assert times == sorted(times)
        assert camera.session.count.failures >= 1


def test_the_end_of_a_live_stream_is_a_failure(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=1))})
    with watched(server.url("road")) as camera:
        health = camera.until(State.BACKING_OFF)
        assert health.reason in (Reason.ENDED, Reason.STALLED)


def test_a_stall_is_said_while_it_lasts(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=30))})
    with watched(server.url("road")) as camera:
        camera.until_frames(5)
        server.stall()
        camera.until(State.STALLED, Reason.STALLED)
        camera.until(State.BACKING_OFF, Reason.STALLED)
        server.resume()
        before = len(camera.frames)
        camera.until(State.LIVE)
        camera.until_frames(before + 5)


def test_a_stall_that_passes_is_no_failure(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=30))})
    settings = SessionSettings(opening=OpenSettings(read_timeout_s=20.0), watch=QUICK.watch, stall_s=0.3)
    with watched(server.url("road"), settings) as camera:
        camera.until_frames(5)
        server.stall()
        camera.until(State.STALLED)
        server.resume()
        camera.until(State.LIVE)
        assert camera.session.count.failures == 0


def test_a_wrong_password_says_so_and_hides_it(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=20))}, login="admin:geheim")
    with watched(server.url("road", "admin:verkehrt")) as camera:
        health = camera.until(State.BACKING_OFF)
        assert health.reason is Reason.LOGIN_FAILED
        assert "verkehrt" not in health.detail
        assert "***@127.0.0.1" in health.detail
    with watched(server.url("road")) as camera:
        camera.until_frames(3)


def test_sound_alone_is_no_video(start_rtsp: StartRtsp) -> None:
    server = start_rtsp({"sound": "sound"})
    with watched(server.url("sound")) as camera:
        assert "audio" in camera.until(State.BACKING_OFF, Reason.NO_VIDEO).detail


def test_a_path_that_is_not_there(start_rtsp: StartRtsp) -> None:
    server = start_rtsp({"sound": "sound"})
    with watched(server.url("nothing")) as camera:
        camera.until(State.BACKING_OFF, Reason.NOT_FOUND)


def test_a_host_that_does_not_answer() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        settings = SessionSettings(opening=OpenSettings(open_timeout_s=0.4, read_timeout_s=0.4), backoff_first_s=0.1)
        with watched(f"rtsp://127.0.0.1:{deaf.getsockname()[1]}/road", settings) as camera:
            camera.until(State.BACKING_OFF, Reason.TIMED_OUT)


def test_a_resolution_that_changes_midway(start_rtsp: StartRtsp, encode: Encode, tmp_path: Path) -> None:
    first, second = encode("a.mp4", seconds=2), encode("b.mp4", seconds=8, size=(640, 384))
    server = start_rtsp({"road": f"{first},{second}"})
    with watched(server.url("road")) as camera:
        camera.until_frames(60)
        assert {frame.size for frame in camera.frames} == {(320, 192), (640, 384)}
        assert camera.session.health.state is State.LIVE
        t = camera.frames[-1].t
        clip = camera.session.request_clip(t - 1.0, t, tmp_path / "clip.mp4").cut()
    with av.open(clip.path) as container:
        assert len({(frame.width, frame.height) for frame in container.decode(video=0)}) == 1


def test_no_keyframe_says_so(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=20, gop=10_000))})
    with Demuxer(parse_source(server.url("road"))) as first:
        packets = first.packets()
        for _ in range(5):
            next(packets)
        with watched(server.url("road")) as camera:
            camera.until(State.BACKING_OFF, Reason.NO_KEYFRAME)


def test_hevc(start_rtsp: StartRtsp, encode: Encode, tmp_path: Path) -> None:
    server = start_rtsp({"h265": str(encode("h265.mp4", seconds=5, fps=10, gop=10, codec="libx265"))})
    with watched(server.url("h265")) as camera:
        camera.until_frames(25)
        t = camera.frames[0].t
        clip = camera.session.request_clip(t, t + 0.5, tmp_path / "clip.mp4").cut()
    assert clip.codec == "hevc"
    assert 'codecs="hvc1.' in clip.mime


def test_the_camera_clock_is_known(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=20))})
    with watched(server.url("road")) as camera:
        end = time.monotonic() + PATIENCE_S
        while camera.session.count.skew_s is None and time.monotonic() < end:
            camera.poll()
        skew_s = camera.session.count.skew_s
    assert skew_s is not None
    assert abs(skew_s) < 10.0


def test_a_file_in_a_loop_goes_on_where_it_would_have_been(encode: Encode) -> None:
    path = encode(seconds=3, fps=10, gop=10)
    rules = SourceRules(allow_files=True)
    with watched(str(path), rules=rules) as camera:
        camera.until_frames(45)
        first = [frame.t for frame in camera.frames]
    with watched(str(path), rules=rules) as camera:
        camera.until_frames(2)
        second = [frame.t for frame in camera.frames]
    assert first == sorted(set(first))
    assert first[-1] - first[0] > 3.5
    assert abs(second[-1] - time.time()) < 30
    assert all(abs(t * 10 - round(t * 10)) < 0.02 for t in second), "frames stand where the wall clock puts them"


def test_what_is_skipped_is_counted(encode: Encode) -> None:
    rules = SourceRules(allow_files=True)
    settings = SessionSettings(watch=QUICK.watch, backlog_s=1.0)
    with watched(str(encode(seconds=20, fps=10, gop=10)), settings, rules) as camera:
        camera.until_frames(3)
        newest = camera.session.count.packets + 25
        end = time.monotonic() + PATIENCE_S
        while camera.session.count.packets < newest and time.monotonic() < end:
            time.sleep(0.05)  # a worker that is away
        camera.until_frames(len(camera.frames) + 3)
        assert camera.session.count.watch.unwatched_s > 0.5


def test_a_demuxer_says_what_is_wrong_at_once(start_rtsp: StartRtsp) -> None:
    with pytest.raises(OpenFailed) as failed:
        Demuxer(parse_source(start_rtsp({"sound": "sound"}).url("nothing")))
    assert failed.value.reason is Reason.NOT_FOUND


def test_reconnecting_leaks_nothing(start_rtsp: StartRtsp, encode: Encode) -> None:
    server = start_rtsp({"road": str(encode(seconds=1, fps=10, gop=10))})
    settings = SessionSettings(
        opening=OpenSettings(open_timeout_s=2.0, read_timeout_s=0.4),
        watch=QUICK.watch,
        backoff_first_s=0.01,
        backoff_most_s=0.01,
    )
    process = psutil.Process()
    with watched(server.url("road"), settings) as camera:
        for _ in range(2):
            camera.until(State.BACKING_OFF)
        before = (process.num_fds(), process.num_threads())
        server.kill()
        for _ in range(60):
            camera.until(State.BACKING_OFF)
        after = (process.num_fds(), process.num_threads())
    assert after[0] <= before[0] + 1
    assert after[1] <= before[1] + 1

"""An ingest from a camera's packets to reports, hits and clips; its peers are plain objects, its video is real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from actors.camera import CameraSpec
from actors.health_watch import HealthOptions
from actors.ingest import Ingest, IngestOptions
from actors.peers import ClipDelivery, PeerAway, Peers, Recorded, Sighting
from actors.report import PassReport
from index.entry import Match
from index.read import Box, PlateRead
from models.ports import Image, PlateDetection, Reading
from passes.pipeline import Detectors
from storage.camera_health import HealthRecord
from storage.sealing import Seal
from tests.fixtures.records import make_match, posterior_of
from tests.fixtures.streams import Encode
from video.connect.source import SourceRules
from video.health.camera import HealthSettings
from video.health.picture import PictureSettings
from video.health.requirements import Requirements
from video.packets.clip import ClipSettings
from video.packets.ring import RingSettings
from video.session import SessionSettings
from video.watch.gate import GateSettings
from video.watch.watcher import WatchSettings


class BrightBox:
    """Takes the bright box of the drawn road for a plate."""

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        found: list[list[PlateDetection]] = []
        for image in images:
            rows, columns = np.nonzero((image[..., 2] > 190) & (image[..., 0] < 110))
            if len(rows) < 200:
                found.append([])
                continue
            x, y = float(columns.min()), float(rows.min())
            box = Box(x, y, float(columns.max()) - x + 1, float(rows.max()) - y + 1)
            found.append([PlateDetection(box, 0.9, None)])
        return found


class Certain:
    """Reads the same plate from every crop."""

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        return [Reading(posterior_of("123ABC02", 0.999), 0.99, "kz", "kz2012", 1) for _ in crops]


@dataclass
class Peer:
    """Everyone an ingest talks to; can be away, and remembers what it took."""

    away: bool = False
    recorded: list[PassReport] = field(default_factory=list)
    reads: list[PlateRead] = field(default_factory=list)
    clips: dict[str, tuple[ClipDelivery, bytes]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    health: list[HealthRecord] = field(default_factory=list)

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        self._check()
        return [[make_match()] for _ in sightings]

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        self._check()
        self.recorded.append(report)
        return Recorded(wants_clip=True, raised=1)

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        self._check()
        self.reads.extend(reads)

    def camera_state(self, camera_id: str, state: str, reason: str | None, since: datetime) -> None:
        self._check()
        self.states.append((camera_id, state))

    def camera_health(self, records: Sequence[HealthRecord]) -> None:
        self._check()
        self.health.extend(records)

    def take(self, clip: ClipDelivery) -> None:
        self._check()
        if clip.path.exists():
            self.clips[clip.pass_id] = clip, clip.path.read_bytes()
            clip.path.unlink()

    def give_up(self, camera_id: str, pass_id: str, reason: str) -> None:
        self._check()
        self.lost.append(reason)

    def _check(self) -> None:
        if self.away:
            raise PeerAway("away")


def until(what: Callable[[], object], why: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.05)


def whole(pictures: Sequence[Image]) -> list[list[Box]]:
    """Takes each whole picture for a face."""
    return [[Box(0, 0, picture.shape[1], picture.shape[0])] for picture in pictures]


def make(folder: Path, peer: Peer, health: HealthOptions | None = None) -> Ingest:
    options = IngestOptions(
        folder=folder,
        health=health,
        rules=SourceRules(allow_files=True),
        session=SessionSettings(watch=WatchSettings(gate=None), clip=ClipSettings(pre_s=0.5, post_s=0.3)),
    )
    peers = Peers(Certain(), peer, peer, peer)
    return Ingest(options, Detectors(BrightBox()), peers, Seal("the key of these tests"), find_faces=whole)


@pytest.fixture
def road(encode: Encode) -> CameraSpec:
    """A camera past which something bright drives once in six seconds."""
    return CameraSpec("north", str(encode("road.mp4", seconds=6.0, size=(640, 384), passes=[(1.0, 3.5)])))


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def ingest(tmp_path: Path, peer: Peer) -> Iterator[Ingest]:
    ingest = make(tmp_path / "ingest", peer)
    yield ingest
    ingest.close()


def test_a_pass_becomes_a_hit_with_pictures_and_a_clip(ingest: Ingest, peer: Peer, road: CameraSpec) -> None:
    ingest.assign([road])
    until(lambda: peer.clips, "a clip is handed over")
    report = peer.recorded[0]
    assert report.read.camera_id == "north"
    assert report.read.seen_at is not None
    assert report.plate_jpeg.startswith(b"\xff\xd8")
    picture = cv2.imdecode(np.frombuffer(report.vehicle_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert np.abs(np.diff(picture.astype(int), axis=1)).max() < 60, "what the face finder found is blurred"
    assert ingest.stats()["blurring"]["left_out"] == 0
    pass_id, (clip, content) = next(iter(peer.clips.items()))
    assert pass_id in {one.read.pass_id for one in peer.recorded}
    path = clip.path.with_name("copy.mp4")
    path.write_bytes(content)
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert clip.duration_s == pytest.approx(frames / 15, abs=0.2)
    until(lambda: peer.reads, "the read is kept")
    assert ("north", "live") in peer.states


def test_what_waited_for_peers_is_taken_up_by_the_next_process(tmp_path: Path, peer: Peer, road: CameraSpec) -> None:
    peer.away = True
    first = make(tmp_path / "ingest", peer)
    first.assign([road])
    until(lambda: first.stats()["journal"]["items"] >= 1, "a report lies in the journal")
    first.close()
    assert peer.recorded == []

    peer.away = False
    second = make(tmp_path / "ingest", peer)
    assert second.cameras() == ["north"], "it takes up the cameras that the first was given"
    until(lambda: peer.recorded, "the report is delivered")
    until(lambda: peer.lost or peer.clips, "its clip comes, or is given up with a reason")
    second.close()


def test_a_clip_cut_before_a_kill_is_handed_over_after_it(tmp_path: Path, peer: Peer, road: CameraSpec) -> None:
    first = make(tmp_path / "ingest", peer)
    first.assign([road])

    class ArchiveAway(Peer):
        def take(self, clip: ClipDelivery) -> None:
            raise PeerAway("away")

    gone = ArchiveAway()
    first._clips._archive = gone
    until(lambda: list((tmp_path / "ingest" / "clips").glob("*.mp4")), "a first cut lies on disk")
    first.close()
    second = make(tmp_path / "ingest", peer)
    until(lambda: peer.clips, "it is handed over")
    assert peer.lost == []
    second.close()


class Slow(BrightBox):
    """Sees all there is, in its own time."""

    def __init__(self) -> None:
        self.in_time = threading.Event()

    def detect(self, images: Sequence[Image], size: int | None = None) -> list[list[PlateDetection]]:
        self.in_time.wait(0.4)
        return super().detect(images, size)


def test_an_ingest_that_cannot_keep_up_gives_way_counts_it_and_blocks_no_stream(
    tmp_path: Path, peer: Peer, encode: Encode
) -> None:
    slow = Slow()
    options = IngestOptions(
        folder=tmp_path / "ingest",
        workers=1,
        health=None,
        rules=SourceRules(allow_files=True),
        session=SessionSettings(
            watch=WatchSettings(gate=GateSettings(learn_s=0.5)), ring=RingSettings(seconds=4.0), backlog_s=2.0
        ),
    )
    ingest = Ingest(options, Detectors(slow), Peers(Certain(), peer, peer, peer))
    road = str(encode("road.mp4", seconds=4.0, fps=10, gop=10, passes=[(0.0, 4.0)]))
    ingest.assign([CameraSpec(name, road) for name in ("north", "south", "east")])

    def cameras() -> list[dict[str, Any]]:
        return list(ingest.stats()["cameras"].values())

    until(lambda: all(one["thinned_s"] > 0 for one in cameras()), "detection slows first")
    until(lambda: sum(one["unwatched_s"] for one in cameras()) > 3.0, "what is passed over is counted", timeout_s=90)
    before = [ingest._cameras[name].session.count.packets for name in ingest.cameras()]
    until(
        lambda: all(
            ingest._cameras[name].session.count.packets > packets + 10
            for name, packets in zip(ingest.cameras(), before, strict=True)
        ),
        "the streams go on",
    )
    assert all(ingest._cameras[name].session.count.ring_s < 6.0 for name in ingest.cameras())
    slow.in_time.set()
    until(lambda: all(one["lag_s"] < 1.0 for one in cameras()), "with time to spare it catches up", timeout_s=90)
    until(lambda: ingest.stats()["strain"] == 0.0, "and asks for nothing more", timeout_s=90)
    ingest.close()


def test_seconds_in_which_the_ingest_was_down_are_unwatched(tmp_path: Path, peer: Peer, road: CameraSpec) -> None:
    first = make(tmp_path / "ingest", peer)
    first.assign([road])
    until(lambda: first.stats()["cameras"]["north"]["frames"] > 3, "it is watched")
    assert first.stats()["cameras"]["north"]["unwatched_s"] == 0
    first.close()
    down_since = time.monotonic()
    until(lambda: time.monotonic() - down_since > 0.6, "it is down")
    strict = HealthSettings(every_s=0.2, raise_s=0.4, required=Requirements(max_unwatched_share=0.001))
    second = make(tmp_path / "ingest", peer, HealthOptions(strict))
    until(lambda: second.stats()["cameras"]["north"]["frames"] > 3, "it is watched again")
    unwatched_s = second.stats()["cameras"]["north"]["unwatched_s"]
    assert unwatched_s >= 0.6
    until(lambda: second.stats()["cameras"]["north"]["frames"] > 10, "it goes on")
    assert second.stats()["cameras"]["north"]["unwatched_s"] == unwatched_s
    until(
        lambda: any(reason.code == "unwatched" for one in peer.health for reason in one.reasons),
        "the camera's health tells it",
    )
    second.close()


def test_cameras_come_and_go_without_disturbing_others(
    ingest: Ingest, peer: Peer, road: CameraSpec, encode: Encode
) -> None:
    other = CameraSpec("south", str(encode("south.mp4", seconds=3.0)))
    ingest.assign([road, other])
    until(lambda: {("north", "live"), ("south", "live")} <= set(peer.states), "both are live")
    session = ingest._cameras["north"].session
    ingest.assign([road])
    assert ingest.cameras() == ["north"]
    assert ingest._cameras["north"].session is session
    until(lambda: ("south", "disabled") in peer.states, "the other is told to be off")


def test_a_camera_with_a_bad_address_is_told_and_stops_nothing(
    ingest: Ingest, peer: Peer, road: CameraSpec, tmp_path: Path
) -> None:
    missing = CameraSpec("gone", str(tmp_path / "none.mp4"))
    ingest.assign([CameraSpec("bad", "pipe:hunter2"), missing, road])
    until(lambda: ("north", "live") in peer.states, "the good one is live")
    until(lambda: ("gone", "backing_off") in peer.states, "the missing one is told")
    stats = ingest.stats()
    assert list(stats["refused"]) == ["bad"]
    assert "hunter2" not in str(stats)
    assert "hunter2" not in repr(CameraSpec("bad", "pipe:hunter2"))


QUICK_HEALTH = HealthOptions(
    HealthSettings(
        every_s=0.3,
        raise_s=0.6,
        clear_s=0.6,
        picture_s=0.6,
        picture=PictureSettings(every_s=0.3),
        required=Requirements(min_width=1280, min_height=720, min_bitrate_bps=None),
    ),
    history_every_s=1.0,
)


def test_health_is_judged_on_what_is_decoded_anyway_and_told_with_its_reasons(
    tmp_path: Path, peer: Peer, road: CameraSpec
) -> None:
    ingest = make(tmp_path / "ingest", peer, QUICK_HEALTH)
    gone = CameraSpec("gone", str(tmp_path / "none.mp4"))
    peer.away = True
    ingest.assign([road, gone])
    until(lambda: ingest.stats()["health"]["overtaken"] > 2, "only the latest of each waits")
    assert ingest.stats()["health"]["waiting"] <= 2
    peer.away = False

    def told(camera: str, code: str) -> bool:
        return any(code in {reason.code for reason in one.reasons} for one in peer.health if one.camera_id == camera)

    until(lambda: told("north", "resolution_low"), "what it lacks is told")
    until(lambda: told("gone", "not_found"), "so is why another is away")
    last = [one for one in peer.health if one.camera_id == "north"][-1]
    assert (last.figures.codec, last.figures.width, last.figures.height) == ("h264", 640, 384)
    assert last.figures.fps == pytest.approx(15, abs=0.5)
    [reason] = [one for one in last.reasons if one.code == "resolution_low"]
    assert (reason.measured, reason.required, reason.unit) == ("640x384", "1280x720", "px")
    assert reason.way_out
    until(lambda: "fps_low" in [one for one in peer.health if one.camera_id == "north"][-1].settled, "the rest settles")
    assert ingest.stats()["cameras"]["north"]["score"] < 100
    ingest.close()


def test_a_cameras_password_is_told_to_nobody(ingest: Ingest, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    ingest.assign([CameraSpec("far", "rtsp://admin:hunter2@127.0.0.1:1/1", "rtsp://admin:hunter2@127.0.0.1:1/2")])
    until(lambda: ("far", "backing_off") in peer.states, "the camera is told to be away")
    stats = ingest.stats()
    assert stats["cameras"]["far"]["reason"] == "unreachable"
    assert stats["cameras"]["far"]["down_since"] is not None
    session = ingest._cameras["far"].session
    shown = [
        str(stats),
        caplog.text,
        session.health.detail,
        str(session.gate_health),
        repr(ingest._cameras["far"].spec),
    ]
    assert not any("hunter2" in text or "admin" in text for text in shown)
    kept = [path.read_bytes() for path in ingest._options.folder.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hunter2" in content for content in kept)

"""Clips by remux."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import av
import pytest

from video.connect.source import SourceRules, parse_source
from video.errors import ClipFailed, Reason
from video.packets.clip import ClipJob, ClipSettings, write_clip
from video.packets.demux import Demuxer
from video.packets.ring import PacketRing, RingSettings

SETTINGS = ClipSettings(pre_s=1.0, post_s=1.0, wait_s=0.2)


def ring_of(path: Path, until: float = float("inf")) -> PacketRing:
    ring = PacketRing(RingSettings(seconds=60))
    with Demuxer(parse_source(str(path), SourceRules(allow_files=True))) as demuxer:
        for packet in demuxer.packets():
            if packet.t < until:
                ring.append(packet)
    return ring


@pytest.mark.parametrize("name", ["road.mp4", "road.ts"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_clip_is_whole_gops_from_time_zero(encode, tmp_path: Path, name: str, b_frames: int, codec: str) -> None:
    ring = ring_of(encode(name, seconds=10, fps=10, gop=10, codec=codec, b_frames=b_frames))
    clip = ClipJob("camera", ring, 4.3, 5.5, tmp_path / "out" / "clip.mp4", SETTINGS).cut()
    assert (clip.t0, clip.t1) == (pytest.approx(3.0, abs=0.02), pytest.approx(7.0, abs=0.02))
    assert clip.duration_s == pytest.approx(4.0, abs=0.02)
    data = clip.path.read_bytes()
    assert clip.bytes == len(data)
    assert clip.sha256 == hashlib.sha256(data).hexdigest()
    assert data.index(b"moov") < data.index(b"mdat")
    assert [path.name for path in clip.path.parent.iterdir()] == ["clip.mp4"]
    with av.open(clip.path) as container:
        stream = container.streams.video[0]
        assert container.duration / 1e6 == pytest.approx(4.0, abs=0.11)
        tag = stream.codec_context.codec_tag
        frames = list(container.decode(stream))
    assert len(frames) == 40
    assert frames[0].key_frame
    assert float(frames[0].pts * frames[0].time_base) == pytest.approx(0, abs=0.01)
    assert [b.time - a.time for a, b in pairwise(frames)] == pytest.approx([0.1] * 39, abs=0.011)
    if codec == "libx264":
        assert (clip.codec, tag) == ("h264", "avc1")
        assert clip.mime.startswith('video/mp4; codecs="avc1.')
    else:
        assert (clip.codec, tag) == ("hevc", "hvc1")
        assert clip.mime.startswith('video/mp4; codecs="hvc1.1.6.L')


def test_a_job_waits_for_its_post_roll_and_no_longer_than_its_bound(encode, tmp_path: Path) -> None:
    path = encode(seconds=6, fps=10, gop=10)
    ring = ring_of(path, until=3.5)
    job = ClipJob("camera", ring, 3.0, 3.2, tmp_path / "clip.mp4", ClipSettings(pre_s=1.0, post_s=1.0, wait_s=60))
    assert not job.is_ready
    with Demuxer(parse_source(str(path), SourceRules(allow_files=True))) as demuxer:
        for packet in demuxer.packets():
            if packet.t >= 3.5:
                ring.append(packet)
            if packet.t >= 4.4:
                break
    assert job.is_ready
    assert job.cut().t1 == pytest.approx(4.5, abs=0.11)


def test_a_stream_that_ended_gives_what_there_is(encode, tmp_path: Path) -> None:
    ring = ring_of(encode(seconds=3, fps=10, gop=10))
    job = ClipJob("camera", ring, 2.5, 2.9, tmp_path / "clip.mp4", ClipSettings(wait_s=60))
    assert not job.is_ready
    ring.end()
    assert job.is_ready
    assert job.cut().t1 == pytest.approx(3.0, abs=0.02)


def test_a_job_holds_on_to_its_pre_roll(encode, tmp_path: Path) -> None:
    path = encode(seconds=10, fps=10, gop=10)
    ring = PacketRing(RingSettings(seconds=2.0))
    job: ClipJob | None = None
    with Demuxer(parse_source(str(path), SourceRules(allow_files=True))) as demuxer:
        for packet in demuxer.packets():
            ring.append(packet)
            if job is None and packet.t >= 2.0:
                job = ClipJob("camera", ring, 1.0, 2.0, tmp_path / "clip.mp4", ClipSettings(pre_s=1.0, post_s=5.0))
            if job is not None and job.is_ready:
                break
    assert job is not None
    clip = job.cut()
    assert clip.t0 == pytest.approx(0.0, abs=0.01)
    assert clip.t1 >= 6.9


def test_nothing_to_cut_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClipFailed) as failed:
        write_clip("camera 7", [], tmp_path / "clip.mp4")
    assert failed.value.reason is Reason.CLIP_MISSED
    assert "camera 7" in str(failed.value)
    assert not list(tmp_path.iterdir())


def test_a_change_of_resolution_ends_a_clip(encode, tmp_path: Path) -> None:
    both = tmp_path / "both.ts"
    first = encode("a.ts", seconds=2, fps=10, gop=10)
    second = encode("b.ts", seconds=4, fps=10, gop=10, size=(640, 384))
    both.write_bytes(first.read_bytes() + second.read_bytes())
    ring = ring_of(both)
    clip = ClipJob("camera", ring, 1.0, 5.0, tmp_path / "clip.mp4", ClipSettings(pre_s=0, post_s=0.5)).cut()
    with av.open(clip.path) as container:
        sizes = {(frame.width, frame.height) for frame in container.decode(video=0)}
    assert sizes == {(640, 384)}
    assert clip.duration_s == pytest.approx(4.0, abs=0.11)

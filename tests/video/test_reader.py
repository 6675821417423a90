"""Frames from files: pictures, folders, videos, and what is none of these."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import OpenFailed, PictureRefused, Reason, VideoError
from video.reader import FrameReader, ReadSettings, sources_of
from video.watch.watcher import WatchSettings

EVERY = ReadSettings(watch=WatchSettings(fps=None, gate=None))


def source(path: Path) -> SourceUrl:
    return parse_source(str(path), SourceRules(allow_files=True))


def huge_png(path: Path, width: int = 20_000, height: int = 10_000) -> Path:
    """A 200-megapixel picture of a few bytes, as a hostile one would be."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_a_picture_is_one_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    cv2.imwrite(str(path), np.full((60, 90, 3), 128, np.uint8))
    with FrameReader(source(path)) as reader:
        (frame,) = list(reader)
    assert frame.size == (90, 60)
    assert frame.bgr().shape == (60, 90, 3)
    assert abs(float(frame.bgr().mean()) - 128) < 3
    assert (reader.frames_decoded, reader.duration_s, frame.seen_at) == (1, None, None)


def test_a_huge_picture_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(PictureRefused) as refused:
        FrameReader(source(huge_png(tmp_path / "huge.png")))
    assert refused.value.reason is Reason.TOO_LARGE
    assert "20000x10000, 200 megapixels" in str(refused.value)


@pytest.mark.parametrize("name", ["garbage.jpg", "garbage.mp4", "empty.png", "empty.mp4", "missing.jpg", "missing.mp4"])
def test_what_is_no_picture_and_no_video_says_so(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if "missing" not in name:
        path.write_bytes(b"" if "empty" in name else b"not a picture" * 100)
    with pytest.raises(VideoError) as failed:
        FrameReader(source(path))
    expected = {Reason.NOT_FOUND} if "missing" in name else {Reason.NOT_VIDEO, Reason.ENDED}
    assert failed.value.reason in expected
    assert name in str(failed.value)


def test_a_picture_cut_short_is_refused_or_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(PictureRefused) as refused:
        FrameReader(source(path))
    assert refused.value.reason is Reason.UNDECODABLE


def test_a_folder_is_its_pictures_and_videos(tmp_path: Path, encode) -> None:
    cv2.imwrite(str(tmp_path / "b.jpg"), np.zeros((8, 8, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    encode("c.mp4", seconds=0.2)
    (tmp_path / "notes.txt").write_text("no")
    found = [found.path.name for found in sources_of(str(tmp_path)) if found.path]
    assert found == ["a.png", "b.jpg", "c.mp4"]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(OpenFailed) as failed:
        sources_of(str(tmp_path))
    assert failed.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_all_frames_of_a_video_in_their_order(encode, codec: str, b_frames: int) -> None:
    path = encode(seconds=2, fps=10, gop=10, codec=codec, b_frames=b_frames)
    with FrameReader(source(path), EVERY) as reader:
        times = [frame.t for frame in reader]
    assert times == pytest.approx([n / 10 for n in range(20)], abs=1e-3)
    assert reader.frames_decoded == 20
    assert reader.duration_s == pytest.approx(2, abs=0.01)


def test_frames_are_thinned_evenly(encode) -> None:
    with FrameReader(source(encode(seconds=4, fps=15)), ReadSettings(watch=WatchSettings(fps=5, gate=None))) as reader:
        times = [frame.t for frame in reader]
    assert len(times) == 20
    assert np.diff(times) == pytest.approx(0.2, abs=1e-3)
    assert reader.frames_decoded == 60


def test_a_truncated_video_is_read_as_far_as_it_goes(encode) -> None:
    path = encode("road.ts", seconds=3, fps=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with FrameReader(source(path), EVERY) as reader:
        count = len(list(reader))
    assert 5 <= count <= 25


def test_a_video_without_its_index_says_so(encode) -> None:
    path = encode("road.mp4", seconds=3)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OpenFailed) as failed:
        FrameReader(source(path))
    assert failed.value.reason is Reason.NOT_VIDEO


def test_audio_only_says_so(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(OpenFailed) as failed:
        FrameReader(source(path))
    assert failed.value.reason is Reason.NO_VIDEO


def test_a_playlist_file_is_not_opened(tmp_path: Path, encode) -> None:
    encode("road.ts", seconds=1)
    path = tmp_path / "list.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nroad.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(OpenFailed) as failed:
        FrameReader(source(path))
    assert failed.value.reason is Reason.NOT_VIDEO


def test_a_resolution_that_changes_midway(tmp_path: Path, encode) -> None:
    first = encode("first.ts", seconds=1, fps=10, size=(320, 192)).read_bytes()
    second = encode("second.ts", seconds=1, fps=10, size=(640, 384)).read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(first + second)
    with FrameReader(source(path), EVERY) as reader:
        frames = [(frame.t, frame.size) for frame in reader]
    assert [size for _, size in frames].count((640, 384)) >= 9
    assert [size for _, size in frames].count((320, 192)) >= 9
    assert (np.diff([t for t, _ in frames]) > 0).all()

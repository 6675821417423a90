"""What a source sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import Reason, VideoError
from video.probe import probe


def source(path: Path) -> SourceUrl:
    return parse_source(str(path), SourceRules(allow_files=True))


@pytest.mark.parametrize(("codec", "name"), [("libx264", "h264"), ("libx265", "hevc")])
def test_a_file(encode: Encode, codec: str, name: str) -> None:
    found = probe(source(encode(seconds=6, fps=15, gop=30, codec=codec)))
    assert (found.codec, found.width, found.height) == (name, 320, 192)
    assert found.fps == pytest.approx(15, abs=0.1)
    assert found.keyframe_interval_s == pytest.approx(2.0, abs=0.01)
    assert found.bitrate_bps is not None
    assert found.bitrate_bps > 1000
    assert found.duration_s == pytest.approx(6.0, abs=0.1)
    assert found.skew_s is None
    assert 0 < found.opened_after_s <= found.first_frame_after_s
    assert found.mime is not None
    assert found.mime.startswith('video/mp4; codecs="')


def test_what_is_no_video_raises(tmp_path: Path) -> None:
    path = tmp_path / "garbage.mp4"
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(VideoError) as failed:
        probe(source(path))
    assert failed.value.reason is Reason.NOT_VIDEO

"""Broken and hostile streams: each is survived, and what can be decoded is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fixtures.streams import Encode
from video.connect.source import SourceRules, SourceUrl, parse_source
from video.errors import VideoError
from video.reader import FrameReader, ReadSettings
from video.watch.gate import GateSettings
from video.watch.watcher import WatchSettings


def source(path: Path) -> SourceUrl:
    return parse_source(str(path), SourceRules(allow_files=True))


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("name", ["road.ts", "road.mp4", "road.mkv"])
def test_damaged_bytes(encode: Encode, tmp_path: Path, name: str, gated: bool) -> None:
    whole = encode(name, seconds=6, fps=10, gop=10, passes=((3, 5),)).read_bytes()
    settings = ReadSettings(watch=WatchSettings(fps=None, gate=GateSettings(learn_s=1.0) if gated else None))
    got = 0
    messages: list[str] = []
    for seed in range(1, 8, 2):
        rng = random.Random(seed)
        damaged = bytearray(whole)
        for _ in range(4 ** (seed // 2)):
            at = rng.randrange(len(damaged))
            damaged[at : at + 8] = rng.randbytes(8)
        path = tmp_path / f"{seed}-{name}"
        path.write_bytes(damaged)
        try:
            with FrameReader(source(path), settings) as reader:
                times = [frame.t for frame in reader]
        except VideoError as error:
            messages.append(str(error))
            continue
        assert times == sorted(set(times))
        got += len(times)
    assert got > 20
    assert all(name in message for message in messages)


def test_a_lost_keyframe_leaves_the_rest(encode: Encode, tmp_path: Path) -> None:
    path = encode("road.ts", seconds=6, fps=10, gop=10)
    data = path.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    cut = tmp_path / "cut.ts"
    cut.write_bytes(b"".join(packets[: len(packets) // 3] + packets[len(packets) // 2 :]))
    with FrameReader(source(cut), ReadSettings(watch=WatchSettings(fps=None, gate=None))) as reader:
        assert 25 <= len(list(reader)) <= 60


def test_a_header_that_lies_about_its_size(encode: Encode) -> None:
    path = encode("road.mp4", seconds=2, fps=10, gop=10)
    data = path.read_bytes()
    at = data.index(b"avc1") + 28  # the sample entry's width and height
    path.write_bytes(data[:at] + (60_000).to_bytes(2, "big") * 2 + data[at + 4 :])
    with FrameReader(source(path)) as reader:
        assert {frame.size for frame in reader} == {(320, 192)}

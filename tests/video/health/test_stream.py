"""Packets measured, and judged against what is required."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.health.fault import Fault, score_of
from video.health.requirements import Requirements, judge_clock, judge_stream
from video.health.stream import StreamMeasure, measure_stream
from video.packets.packet import Packet, StreamFormat

FORMAT = StreamFormat("h264", b"", width=1920, height=1080, fps=25.0)
GOOD = StreamMeasure("h264", 1920, 1080, 20.0, 500, 25.0, 4e6, 2.0, 0.0)


def packets(seconds: float = 20.0, fps: float = 25.0, gop: int = 50, size: int = 20_000) -> list[Packet]:
    step, data = 1.0 / fps, bytes(size)
    return [
        Packet(data, 1000 + n * step, 1000 + n * step, step, n % gop == 0, FORMAT) for n in range(round(seconds * fps))
    ]


def codes(measured: StreamMeasure, required: Requirements | None = None) -> set[Fault]:
    return {Fault(finding.code) for finding in judge_stream(measured, required or Requirements())}


def test_a_stream_is_measured() -> None:
    measured = measure_stream(packets())
    assert measured is not None
    assert measured == replace(GOOD, bitrate_bps=20_000 * 8 * 25)
    assert codes(measured) == set()


def test_gaps_are_pictures_lost_wherever_they_fall() -> None:
    whole = packets()
    measured = measure_stream([packet for n, packet in enumerate(whole) if n % 20 not in (3, 4)])
    assert measured is not None
    assert measured.lost_share == pytest.approx(0.1, abs=0.01)
    assert codes(measured) == {Fault.PICTURES_LOST}


def test_what_lies_before_a_break_counts_no_more() -> None:
    first, second = packets(5, fps=5), packets(20)
    second = [replace(packet, t=packet.t + 100, dts=packet.dts + 100) for packet in second]
    second[0] = replace(second[0], discontinuity=True)
    measured = measure_stream([*first, *second])
    assert measured is not None
    assert (measured.fps, measured.lost_share) == (25.0, 0.0)


def test_a_keyframe_that_does_not_come_is_noticed_before_it_comes() -> None:
    measured = measure_stream(packets(12, gop=10_000))
    assert measured is not None
    assert measured.keyframe_interval_s == pytest.approx(11.96)
    assert codes(measured) == {Fault.KEYFRAMES_RARE}
    short = measure_stream(packets(1.5, gop=10_000))
    assert short is not None
    assert short.keyframe_interval_s is None


def test_reordered_pictures_are_no_gaps() -> None:
    whole = packets(fps=25)
    for n in range(0, len(whole) - 1, 2):
        whole[n], whole[n + 1] = (
            replace(whole[n], t=whole[n + 1].t),
            replace(whole[n + 1], t=whole[n].t),
        )
    measured = measure_stream(whole)
    assert measured is not None
    assert measured.lost_share == 0.0


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"width": 704, "height": 576}, Fault.RESOLUTION_LOW),
        ({"fps": 8.0}, Fault.FPS_LOW),
        ({"codec": "mjpeg"}, Fault.CODEC_REFUSED),
        ({"keyframe_interval_s": 10.0}, Fault.KEYFRAMES_RARE),
        ({"bitrate_bps": 90_000}, Fault.BITRATE_LOW),
        ({"bitrate_bps": 50e6}, Fault.BITRATE_HIGH),
        ({"lost_share": 0.05}, Fault.PICTURES_LOST),
    ],
)
def test_each_requirement(changed: dict[str, object], code: Fault) -> None:
    measured = replace(GOOD, **changed)  # type: ignore[arg-type]
    [finding] = judge_stream(measured, Requirements())
    assert finding.code is code
    assert finding.required is not None
    assert finding.measured is not None
    assert finding.way_out
    assert 0 < finding.severity <= 1
    nothing = Requirements(
        min_width=None,
        min_height=None,
        min_fps=None,
        codecs=(),
        max_keyframe_interval_s=None,
        min_bitrate_bps=None,
        max_bitrate_bps=None,
        max_lost_share=None,
    )
    assert codes(measured, nothing) == set()


def test_what_is_a_little_off_the_mark_passes() -> None:
    assert codes(replace(GOOD, fps=11.6, keyframe_interval_s=4.04)) == set()
    assert codes(replace(GOOD, width=0, height=0)) == set(), "a size not known yet is no small one"


def test_clocks() -> None:
    assert list(judge_clock(None, Requirements())) == []
    assert [f.code for f in judge_clock(None, Requirements(requires_clock=True))] == [Fault.CLOCK_UNKNOWN]
    assert list(judge_clock(-1.5, Requirements())) == []
    [finding] = judge_clock(-3600.0, Requirements())
    assert (finding.code, finding.measured, finding.required) == (Fault.CLOCK_SKEW, -3600.0, 2.0)


@given(
    st.builds(
        StreamMeasure,
        codec=st.sampled_from(["h264", "mjpeg"]),
        width=st.integers(0, 8000),
        height=st.integers(0, 5000),
        seen_s=st.floats(0, 60),
        pictures=st.integers(0, 2000),
        fps=st.none() | st.floats(0.1, 240),
        bitrate_bps=st.none() | st.floats(0, 1e9),
        keyframe_interval_s=st.none() | st.floats(0, 1e4),
        lost_share=st.none() | st.floats(0, 1),
    )
)
def test_a_score_is_what_its_reasons_leave(measured: StreamMeasure) -> None:
    findings = list(judge_stream(measured, Requirements()))
    score = score_of(findings)
    assert 0 <= score <= 100
    assert score == max(0, 100 - sum(finding.points for finding in findings))
    assert (score == 100) == (not findings)

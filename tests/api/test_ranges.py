from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import ByteRange, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=10-19", ByteRange(10, 10)),
        ("bytes=90-500", ByteRange(90, 10)),
        ("bytes=-10", ByteRange(90, 10)),
        ("bytes=-500", ByteRange(0, 100)),
        ("Bytes = 10-19", ByteRange(10, 10)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("", None),
    ],
)
def test_what_is_asked_for(header: str | None, expected: ByteRange | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_outside_of_the_object(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, 100)


def test_nothing_can_be_had_of_an_empty_object() -> None:
    for header in ("bytes=0-", "bytes=-5"):
        with pytest.raises(Unsatisfiable):
            parse_range(header, 0)


@given(st.text(max_size=40) | st.from_regex(r"bytes=\d{0,25}-\d{0,25}", fullmatch=True), st.integers(0, 10**12))
def test_a_range_lies_within_the_object(header: str, size: int) -> None:
    try:
        part = parse_range(header, size)
    except Unsatisfiable:
        return
    assert part is None or (part.start >= 0 and part.length > 0 and part.start + part.length <= size)

"""NAL units of H.264 and HEVC: just enough to find parameter sets and keyframes, and to change the framing."""

from __future__ import annotations

from collections.abc import Iterator

START_CODE = b"\0\0\0\1"
_PARAMETER_SETS = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
_KEYFRAMES = {"h264": frozenset({5}), "hevc": frozenset(range(16, 22))}
_SLICES = {"h264": frozenset({1, 5}), "hevc": frozenset(range(32))}


def nal_type(codec: str, unit: bytes) -> int:
    return unit[0] & 31 if codec == "h264" else (unit[0] >> 1) & 63


def units(data: bytes, length_size: int) -> Iterator[bytes]:
    """NAL units of a packet, without start code or length (``length_size`` 0: Annex B). Stops at what is malformed."""
    if length_size:
        at = 0
        while at + length_size < len(data):
            size = int.from_bytes(data[at : at + length_size], "big")
            at += length_size
            if size == 0 or at + size > len(data):
                return
            yield data[at : at + size]
            at += size
        return
    at = data.find(b"\0\0\1")
    while at >= 0:
        start = at + 3
        at = data.find(b"\0\0\1", start)
        unit = data[start:] if at < 0 else data[start:at]
        unit = unit.rstrip(b"\0")
        if unit:
            yield unit


def parameter_sets(codec: str, data: bytes, length_size: int) -> bytes:
    """The parameter sets before the first slice of a packet, in Annex B; empty if it holds none."""
    wanted = _PARAMETER_SETS.get(codec)
    if wanted is None:
        return b""
    found = b""
    for unit in units(data, length_size):
        kind = nal_type(codec, unit)
        if kind in wanted:
            found += START_CODE + unit
        elif kind in _SLICES[codec]:
            break
    return found


def configured_sets(codec: str, extradata: bytes) -> bytes:
    """The parameter sets of avcC, hvcC or Annex B extradata, in Annex B."""
    if codec not in _PARAMETER_SETS or not extradata:
        return b""
    if extradata[0] != 1:
        return parameter_sets(codec, extradata, 0)
    found: list[bytes] = []
    try:
        if codec == "h264":
            at = 6
            for counted in range(2):
                number = extradata[5] & 31 if counted == 0 else extradata[at]
                at += counted
                for _ in range(number):
                    size = int.from_bytes(extradata[at : at + 2], "big")
                    found.append(extradata[at + 2 : at + 2 + size])
                    at += 2 + size
        else:
            at = 23
            for _ in range(extradata[22]):
                number = int.from_bytes(extradata[at + 1 : at + 3], "big")
                at += 3
                for _ in range(number):
                    size = int.from_bytes(extradata[at : at + 2], "big")
                    found.append(extradata[at + 2 : at + 2 + size])
                    at += 2 + size
    except IndexError:
        return b""
    wanted = _PARAMETER_SETS[codec]
    return b"".join(START_CODE + unit for unit in found if unit and nal_type(codec, unit) in wanted)


def is_keyframe(codec: str, data: bytes, length_size: int) -> bool | None:
    """Whether a packet starts with a picture that needs no other; None where the codec's NAL units are not known."""
    wanted = _KEYFRAMES.get(codec)
    if wanted is None:
        return None
    for unit in units(data[:4096] if not length_size else data, length_size):
        kind = nal_type(codec, unit)
        if kind in _SLICES[codec]:
            return kind in wanted
    return False


def to_annex_b(data: bytes, length_size: int) -> bytes:
    """A packet with start codes instead of lengths."""
    return data if not length_size else b"".join(START_CODE + unit for unit in units(data, length_size))

"""HTTP ranges (RFC 9110, section 14): which bytes of an object a request asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(ValueError):
    """The range lies wholly outside the object."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``length`` bytes from ``start``."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The ``Content-Range`` header for this part of an object of ``size`` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The one range asked for in an object of ``size`` bytes; None: send all of it.

    A malformed header or several ranges at once are ignored, as the standard allows. Raises ``Unsatisfiable``.
    """
    asked = _ONE_RANGE.fullmatch(header.strip().replace(" ", "").lower()) if header is not None else None
    if asked is None or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        length = min(int(asked[2]), size)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(size - length, length)
    start = int(asked[1])
    last = min(int(asked[2]), size - 1) if asked[2] else size - 1
    if asked[2] and int(asked[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, last - start + 1)

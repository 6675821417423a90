"""What an ingest tells of one pass: the read with its pictures, as a record and as bytes that outlive the process."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from index.read import PlateRead
from storage.wire import pack_reads, unpack_reads

PICTURE_BYTES: Final = 200 * 1024
"""The largest picture that the database takes with a hit."""

_MAGIC: Final = b"bkr1"
_LENGTHS: Final = struct.Struct("<3I")


class ReportBroken(ValueError):
    """Bytes that are no report: cut short, or of another version."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass as it leaves its camera. ``identity`` is the same in an early report, the final one, and a replay."""

    read: PlateRead
    plate_jpeg: bytes = b""
    vehicle_jpeg: bytes = b""

    @property
    def identity(self) -> tuple[str, str]:
        return self.read.camera_id, self.read.pass_id

    def to_bytes(self) -> bytes:
        """Lengths, the read, the two pictures."""
        parts = (pack_reads([self.read]), self.plate_jpeg, self.vehicle_jpeg)
        return b"".join((_MAGIC, _LENGTHS.pack(*map(len, parts)), *parts))

    @classmethod
    def from_bytes(cls, data: bytes) -> PassReport:
        """The report that ``to_bytes`` wrote. Raises ``ReportBroken``."""
        start = len(_MAGIC) + _LENGTHS.size
        if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
            raise ReportBroken("these bytes are no report of a pass")
        lengths = _LENGTHS.unpack(data[len(_MAGIC) : start])
        if start + sum(lengths) != len(data):
            raise ReportBroken("a report of a pass was cut short")
        parts = []
        for length in lengths:
            parts.append(data[start : start + length])
            start += length
        try:
            (read,) = unpack_reads(parts[0])
        except ValueError as error:
            raise ReportBroken(f"a report of a pass can't be read: {error}") from error
        return cls(read, parts[1], parts[2])

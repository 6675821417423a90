"""Pictures from files: measured by their header before a pixel is decoded."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from video.errors import PictureRefused, Reason

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff"})
MAX_PIXELS = 100_000_000
_MAX_BYTES = 256 * 2**20


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The picture of a file, as ``decode_picture`` gives it. Raises PictureRefused, also for a file that is missing."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PictureRefused(
                Reason.TOO_LARGE, path, f"is larger than {_MAX_BYTES >> 20} MiB", "give a smaller picture"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise PictureRefused(Reason.NOT_FOUND, path, "there is no such file", "mend the path") from None
    except OSError as error:
        raise PictureRefused(
            Reason.UNREACHABLE, path, f"can't be read ({error.strerror})", "mend its permissions"
        ) from None
    return decode_picture(data, path, max_pixels)


def decode_picture(data: bytes, name: object, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The picture, ``(H, W, 3) uint8`` BGR, turned upright as its EXIF says.

    Raises PictureRefused, naming it by ``name``: not a picture, broken, or more than ``max_pixels`` by its header.
    """
    size = header_size(data)
    if size is None:
        raise PictureRefused(
            Reason.NOT_VIDEO, name, "is not a JPEG, PNG, WebP, BMP or TIFF picture", "convert it to one of them"
        )
    if size[0] * size[1] > max_pixels:
        raise PictureRefused(
            Reason.TOO_LARGE,
            name,
            f"is {size[0]}x{size[1]}, {size[0] * size[1] / 1e6:.0f} megapixels",
            f"scale it down to at most {max_pixels / 1e6:.0f} megapixels",
        )
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise PictureRefused(Reason.UNDECODABLE, name, "is broken or cut short", "get the picture anew")
    if picture.shape[0] * picture.shape[1] > max_pixels:
        raise PictureRefused(Reason.TOO_LARGE, name, "is larger than its header says", "scale it down")
    return np.asarray(picture, np.uint8)


def header_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as the picture's header gives them; None if it is no picture of a kind that is read."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return _pair(">II", data, 16)
        if data[:2] == b"\xff\xd8":
            return _jpeg_size(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
        if data[:2] == b"BM":
            width, height = struct.unpack_from("<ii", data, 18)
            return abs(width), abs(height)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff_size(data)
    except (struct.error, IndexError):
        return None
    return None


def _pair(layout: str, data: bytes, at: int) -> tuple[int, int]:
    width, height = struct.unpack_from(layout, data, at)
    return int(width), int(height)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 5)
            return width, height
        elif marker in (0x01, *range(0xD0, 0xD9)):
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    found: dict[int, int] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (256, 257):
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    return (found[256], found[257]) if len(found) == 2 else None

"""What is found in a photo, and what is no photo: bombs, lies and leftovers are told, not decoded."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.networks import ModelChoice
from cluster.photos import PhotoReader
from models.errors import ModelMissing
from storage.search.errors import QueryRefused
from tests.fixtures.photos import as_file, drawn
from video.errors import PictureRefused
from video.picture import decode_picture


@pytest.fixture(scope="module")
def reader(photo_choice: ModelChoice) -> PhotoReader:
    return PhotoReader(photo_choice)


def test_a_vehicle_is_found_read_and_described_alone(reader: PhotoReader) -> None:
    looked = reader.look_at(as_file(drawn()))
    photo = looked.photo()
    assert photo.reading is not None
    assert photo.reading.text == "475KMT16"
    assert photo.looks is not None
    assert np.linalg.norm(photo.looks) == pytest.approx(1, abs=1e-3)
    assert photo.sha256 == looked.sha256
    assert looked.without_looks is None
    assert reader.look_at(as_file(drawn())) is looked  # the next page of an answer
    with pytest.raises(QueryRefused, match="the largest being 0"):
        looked.photo(len(looked.vehicles))


def test_the_same_vehicle_elsewhere_looks_more_alike_than_another(reader: PhotoReader) -> None:
    one, again, other = (
        reader.look_at(as_file(drawn(**of))).photo().looks  # type: ignore[arg-type]
        for of in ({}, {"text": "001AAA01", "seen_after_s": 3.6}, {"paint": "red", "body": "car"})
    )
    assert one is not None
    assert again is not None
    assert other is not None
    assert one @ again > 0.8 > one @ other


def test_a_vehicle_without_a_plate_that_can_be_read_is_sought_by_its_looks(reader: PhotoReader) -> None:
    small = cv2.resize(drawn(), (426, 240), interpolation=cv2.INTER_AREA)
    photo = reader.look_at(as_file(np.asarray(small, np.uint8))).photo()
    assert photo.reading is None
    assert photo.looks is not None


def test_grey_turned_and_transparent_pictures_are_read_as_they_show(reader: PhotoReader) -> None:
    picture = drawn()
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    turned = _with_exif(as_file(np.asarray(cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8)), 6)
    deep = bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA).astype(np.uint16) * 257)[1])
    for data in (bytes(cv2.imencode(".png", grey)[1]), turned, deep):
        photo = reader.look_at(data).photo()
        assert photo.reading is not None
        assert photo.reading.text == "475KMT16"


def _with_exif(jpeg: bytes, orientation: int) -> bytes:
    tag = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + tag + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header tells another size than its pixels have."""
    jpeg = bytearray(as_file(np.zeros((64, 64, 3), np.uint8)))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(jpeg)


NO_PHOTOS = {
    "nothing": (b"", "not a JPEG"),
    "a page": (b"<!doctype html><img src=x>", "not a JPEG"),
    "a TIFF": (as_file(drawn(), ".tiff"), "not a JPEG"),
    "a header alone": (b"\xff\xd8\xff\xe0", "not a JPEG"),
    "a bomb": (_png(60_000, 60_000, b"\0" * 1000), "3600 megapixels"),
    "a JPEG bomb": (_jpeg_of(65_000, 65_000), "megapixels"),
    "of no height": (_jpeg_of(64, 0), "broken"),
    "a PNG that says more than it holds": (_png(5_000, 5_000, b"\0" * 1000), "broken"),
    "cut short": (as_file(drawn())[:-4000], "broken"),
    "a dot": (as_file(np.zeros((4, 4, 3), np.uint8)), "4x4 pixels"),
    "an empty road": (as_file(np.full((480, 640, 3), 90, np.uint8)), "no vehicle and no plate"),
}


def test_what_is_no_photo_is_told_with_a_way_out(reader: PhotoReader) -> None:
    for name, (data, told) in NO_PHOTOS.items():
        with pytest.raises(QueryRefused, match=told) as refused:
            reader.look_at(data).photo()
        assert refused.value.code == "photo", name


def test_four_colours_of_ink_are_read_too() -> None:
    # a CMYK JPEG as printers make them: Adobe's marker, four components, inverted
    picture = decode_picture(_cmyk(64, 48), "photo")
    assert picture.shape == (48, 64, 3)
    assert picture.mean() > 200
    with pytest.raises(PictureRefused, match="megapixels"):
        decode_picture(_cmyk(64, 48), "photo", max_pixels=1000)


def _cmyk(width: int, height: int) -> bytes:
    """A white CMYK JPEG, every coefficient zero but the first: baseline, one code a symbol."""
    quantiser = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x01" * 64
    adobe = b"\xff\xee" + struct.pack(">H", 14) + b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)
    components = b"".join(bytes((n, 0x11, 0)) for n in (1, 2, 3, 4))
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 20, 8, height, width, 4) + components
    # DC: category 0 is '0', category 10 is '10'; AC: end of block is '0'
    tables = b""
    for kind, symbols in ((0x00, b"\x00\x0a"), (0x10, b"\x00\x01")):
        tables += b"\xff\xc4" + struct.pack(">HB", 21, kind) + b"\x01\x01" + b"\0" * 14 + symbols
    scan = b"\xff\xda" + struct.pack(">HB", 14, 4) + b"".join(bytes((n, 0)) for n in (1, 2, 3, 4)) + b"\0\x3f\0"
    blocks = (width // 8) * (height // 8)
    first = "10" + format(1016, "010b") + "0"  # DC of 127 * 8 above the middle, then end of block
    bits = first * 4 + "00" * (4 * (blocks - 1))
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + quantiser + adobe + frame + tables + scan + data + b"\xff\xd9"


def test_without_models_or_looks_it_is_said(photo_choice: ModelChoice, tmp_path: Path) -> None:
    empty = ModelChoice(tmp_path)
    with pytest.raises(ModelMissing, match="beket models pull"):
        PhotoReader(empty).look_at(as_file(drawn()))
    plain = replace(photo_choice, looks=False)
    looked = PhotoReader(plain).look_at(as_file(drawn()))
    assert looked.without_looks is not None
    assert "passes.appearance" in looked.without_looks
    assert looked.photo().looks is None

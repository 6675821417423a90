"""Pictures of hits leave an ingest without faces; where faces can't be sought they do not leave it at all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.blurring import Blurring
from actors.journal import Journal
from actors.outbox import Outbox
from actors.peers import Recorded, Sighting
from actors.report import PICTURE_BYTES, PassReport
from index.entry import Match
from index.read import Box, PlateRead
from models.catalogue import open_face_detector
from models.errors import ModelError
from models.ports import Image
from models.supply.store import ModelStore
from tests.fixtures.drawn_face import draw_face
from tests.fixtures.records import make_match, make_read
from video.redaction import pack_jpeg

TOP, LEFT, SIZE = 60, 150, 48


@pytest.fixture(scope="module")
def picture() -> Image:
    """A grey vehicle with a face in it."""
    picture = np.full((240, 400, 3), 90, np.uint8)
    picture[TOP : TOP + SIZE, LEFT : LEFT + SIZE] = draw_face(SIZE)
    return picture


def report_of(picture: Image, number: int = 0) -> PassReport:
    return PassReport(make_read(pass_id=f"p{number}"), b"the plate", pack_jpeg(picture, PICTURE_BYTES))


def decoded(jpeg: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def finds_nothing(pictures: Sequence[Image]) -> list[list[Box]]:
    return [[] for _ in pictures]


def test_the_real_detector_finds_a_drawn_face_and_it_is_blurred(model_store: ModelStore, picture: Image) -> None:
    find_faces = open_face_detector(model_store).detect
    blurring = Blurring(find_faces)
    report = report_of(picture)
    done = blurring(report)
    before, after = decoded(report.vehicle_jpeg), decoded(done.vehicle_jpeg)
    face = np.s_[TOP + 10 : TOP + 36, LEFT + 12 : LEFT + 36]
    edges = [int(np.abs(np.diff(one[face].astype(int), axis=1)).max()) for one in (before, after)]
    assert edges[1] < edges[0] / 3, "eyes and mouth are gone"
    assert find_faces([after]) == [[]]
    assert np.abs(after[:, :80].astype(int) - before[:, :80]).mean() < 1, "the rest stays"
    assert (done.read, done.plate_jpeg) == (report.read, report.plate_jpeg)
    assert (blurring.counts.pictures, blurring.counts.faces) == (1, 1)


def test_a_picture_without_faces_goes_out_as_it_came(model_store: ModelStore) -> None:
    report = report_of(np.full((240, 400, 3), 90, np.uint8))
    assert Blurring(open_face_detector(model_store).detect)(report) is report


@pytest.mark.parametrize("jpeg", [b"no picture", b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_picture_is_left_out(jpeg: bytes) -> None:
    blurring = Blurring(finds_nothing)
    assert blurring(PassReport(make_read(), b"the plate", jpeg)).vehicle_jpeg == b""
    assert blurring.counts.left_out == 1


def test_a_detector_that_fails_costs_the_picture_and_not_the_hit(picture: Image) -> None:
    def fails(pictures: Sequence[Image]) -> list[list[Box]]:
        raise ModelError("out of memory")

    report = report_of(picture)
    done = Blurring(fails)(report)
    assert (done.vehicle_jpeg, done.plate_jpeg, done.read) == (b"", report.plate_jpeg, report.read)


class Region:
    """Takes pass ``p0`` for a hit and remembers what it was shown of it."""

    def __init__(self) -> None:
        self.shown: list[bytes] = []
        self.has_reads = threading.Event()

    def match(self, sightings: Sequence[Sighting]) -> list[list[Match]]:
        return [[make_match()] if number == 0 else [] for number, _ in enumerate(sightings)]

    def record(self, report: PassReport, matches: Sequence[Match]) -> Recorded:
        self.shown.append(report.vehicle_jpeg)
        return Recorded(wants_clip=False, raised=1)

    def write_reads(self, reads: Sequence[PlateRead]) -> None:
        self.has_reads.set()


def test_only_hits_are_looked_at(tmp_path: Path, picture: Image) -> None:
    journal, region, blurring = Journal(tmp_path), Region(), Blurring(finds_nothing)
    for number in range(3):
        journal.put(report_of(picture, number))
    outbox = Outbox(journal, region, region, lambda _: None, redact=blurring)  # type: ignore[arg-type]
    assert region.has_reads.wait(60)
    outbox.close()
    assert (blurring.counts.pictures, len(region.shown)) == (1, 1)

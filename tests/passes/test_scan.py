"""The whole scan with the real models, on a road drawn by us: passes, hits, clips, pictures, and what fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import av
import cv2
import pytest

from index.entry import Entry
from index.hotlist import HotlistIndex
from models.catalogue import open_plate_detector, open_plate_reader, open_vehicle_detector
from models.ports import PlateReader
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from passes.pipeline import Detectors
from passes.rows import ErrorRow, HitRow, PassRow, Row, SummaryRow
from passes.scan import Progress, Scan, ScanSettings
from simulation.clip import write_clip
from simulation.traffic import Drive, build

PASS_FIELDS = {
    "type", "source", "pass_id", "t_in", "t_out", "best_t", "text", "score", "characters", "country", "format", "lines",
    "frames_read", "plate_box", "vehicle_box", "vehicle_type",
}  # fmt: skip
SUMMARY_FIELDS = {
    "type", "source", "duration_s", "frames_decoded", "frames_detected", "passes", "unread", "wall_s", "cpu_s",
}  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven seconds of a road on which two vehicles pass, the one behind the other in time, in two lanes."""
    drives = (
        Drive("123ABC02", "kz2012", "car", "red", 0, 0.3, 60),
        Drive("475KMT16", "kz2012", "suv", "white", 1, 1.6, 50),
    )
    return write_clip(build("road", drives, duration_s=7.0, fps=8), tmp_path_factory.mktemp("road") / "road.mp4")


@pytest.fixture(scope="module")
def models(model_store: ModelStore) -> tuple[Detectors, PlateReader]:
    session = SessionOptions(threads=1)
    detectors = Detectors(open_plate_detector(model_store, session), open_vehicle_detector(model_store, session))
    return detectors, open_plate_reader(model_store, session)


def _scan(models: tuple[Detectors, PlateReader], sources: list[str], **settings: object) -> tuple[list[Row], Scan]:
    rows: list[Row] = []
    work = Scan(*models, ScanSettings(**settings), rows.append)  # type: ignore[arg-type]
    work.run(sources)
    return rows, work


@pytest.fixture(scope="module")
def rows(models: tuple[Detectors, PlateReader], road: Path) -> list[Row]:
    return _scan(models, [str(road)])[0]


def _truth(road: Path) -> Iterator[tuple[str, list[list[float]]]]:
    for one in json.loads(road.with_suffix(".json").read_text()):
        yield one["text"], one["boxes"]


def test_each_vehicle_of_a_drawn_road_is_one_pass_at_its_place(rows: list[Row], road: Path) -> None:
    passes = [row for row in rows if isinstance(row, PassRow)]
    assert len(passes) == 2
    for row in passes:
        assert row.t_in is not None
        assert row.t_out is not None
        assert row.best_t is not None
        assert row.t_in <= row.best_t <= row.t_out
        x, y, w, h = row.plate_box
        places = [min(boxes, key=lambda b: abs(b[0] - (row.best_t or 0))) for _, boxes in _truth(road)]
        nearest = min(places, key=lambda b: abs(b[1] + b[3] / 2 - x - w / 2))
        assert abs(nearest[1] + nearest[3] / 2 - x - w / 2) < w
        assert abs(nearest[2] + nearest[4] / 2 - y - h / 2) < 2 * h
        assert len(row.characters) == len(row.text) >= 4


def test_the_rows_hold_the_fields_of_the_contract(rows: list[Row]) -> None:
    told = [json.loads(row.line()) for row in rows]
    assert all(set(row) >= PASS_FIELDS for row in told if row["type"] == "pass")
    assert told[-1]["type"] == "summary"
    assert set(told[-1]) >= SUMMARY_FIELDS
    assert told[-1]["passes"] == 2
    assert told[-1]["duration_s"] == pytest.approx(7.0, abs=0.2)


def test_a_hit_comes_with_a_clip_that_holds_the_pass(
    models: tuple[Detectors, PlateReader], road: Path, rows: list[Row], tmp_path: Path
) -> None:
    first = next(row for row in rows if isinstance(row, PassRow))
    years = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    hotlist = HotlistIndex.build([Entry("e1", first.text, "stolen", *years), Entry("e2", "999ZZZ01", "stolen", *years)])
    again, _ = _scan(models, [str(road)], hotlist=hotlist, clips=tmp_path)
    hits = [row for row in again if isinstance(row, HitRow)]
    assert [(hit.entry, hit.pass_id) for hit in hits] == [("e1", first.pass_id)]
    assert hits[0].clip is not None
    with av.open(hits[0].clip) as clip:
        assert clip.duration / 1e6 >= (first.t_out or 0) - (first.t_in or 0)
    assert isinstance(again[-1], SummaryRow), "the summary comes after the last hit"


def test_a_picture_has_no_times(models: tuple[Detectors, PlateReader], road: Path, tmp_path: Path) -> None:
    text, boxes = next(_truth(road))
    t = max(boxes, key=lambda b: b[3] if b[2] + b[4] < 650 else 0)[0]
    with av.open(str(road)) as clip:
        frame = next(islice(clip.decode(video=0), round(t * 8), None))
        picture = tmp_path / "still.png"
        cv2.imwrite(str(picture), frame.to_ndarray(format="bgr24"))
    rows, work = _scan(models, [str(picture)])
    passes = [row for row in rows if isinstance(row, PassRow)]
    assert passes, text
    assert {(row.t_in, row.t_out, row.best_t, row.frames_read) for row in passes} == {(None, None, None, 1)}
    assert work.failed == 0


def test_a_source_that_fails_stops_no_other(models: tuple[Detectors, PlateReader], road: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (tmp_path / "text.mp4").write_text("no video")
    sources = [str(tmp_path / "absent.mp4"), "concat:a|b", str(tmp_path), str(road)]
    rows, work = _scan(models, sources)
    errors = [row for row in rows if isinstance(row, ErrorRow)]
    assert work.failed == len(errors) == 4
    assert all(error.message for error in errors)
    assert sum(isinstance(row, PassRow) for row in rows) == 2


def test_a_password_is_not_told(models: tuple[Detectors, PlateReader]) -> None:
    rows, _ = _scan(models, ["rtsp://admin:s3cret@127.0.0.1:1/stream"])
    assert rows
    assert all("s3cret" not in row.line() for row in rows)


def test_progress_goes_up(models: tuple[Detectors, PlateReader], road: Path) -> None:
    seen: list[Progress] = []
    Scan(*models, ScanSettings(), lambda _: None, seen.append).run([str(road)])
    assert [p.t for p in seen] == sorted(p.t for p in seen)
    assert seen[-1].duration_s is not None
    assert seen[-1].t >= 0.9 * seen[-1].duration_s

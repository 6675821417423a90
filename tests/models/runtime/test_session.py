"""Where networks run, and batches across callers in front of real ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from models.errors import ModelError
from models.plates import YoloPlateDetector
from models.reader import NetworkReader
from models.runtime import providers
from models.runtime.providers import GpuOptions, chosen, is_gpu_visible, with_options
from models.runtime.recorded import free_sizes
from models.runtime.session import Session, SessionOptions
from models.runtime.shapes import CopiesByShape, room
from models.supply.yolo_graph import build
from models.yolo import DetectorOptions
from tests.models.tiny import CLASSES, Builder

READER = Path(__file__).parents[3] / "models" / "weights" / "reader.onnx"


@pytest.fixture(scope="module")
def tiny() -> bytes:
    builder = Builder()
    builder.content()
    return bytes(build(builder.folded, CLASSES, [0, 1], {}).SerializeToString())


@pytest.fixture
def with_cuda_built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ONNX Runtime that says it has CUDA, as onnxruntime-gpu does on a machine without a GPU too."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    providers.say_once.cache_clear()
    yield
    providers.say_once.cache_clear()


def test_pictures_of_many_callers_go_through_the_network_together(tiny: bytes) -> None:
    """What each is told is what it is told alone, whatever forms the pictures have."""
    rng = np.random.default_rng(8)
    forms = [(64, 96), (96, 64), (90, 160), (33, 200), (64, 96), (160, 160)] * 4
    pictures = [rng.integers(0, 255, (*form, 3), np.uint8) for form in forms]
    looks = DetectorOptions(size=96, score=0.3)
    alone = YoloPlateDetector(tiny, looks, SessionOptions(square_px=160))
    together = YoloPlateDetector(tiny, looks, SessionOptions(batch_wait_s=0.02, max_batch=4, square_px=160))
    want = [alone.detect([picture])[0] for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda picture: together.detect([picture])[0], pictures))
    assert any(want)
    for some, wanted in zip(got, want, strict=True):
        assert [plate.box for plate in some] == [pytest.approx(plate.box, abs=0.02) for plate in wanted]
    session = together._yolo._session
    assert session._batcher is not None
    assert (session._batcher.counts.questions, session._batcher.counts.size) == (24, 24)
    session.close()


def test_a_square_input_changes_no_scale(tiny: bytes) -> None:
    """A picture stands in a padded input as large as in its own, so that what is tuned to its size stays true."""
    picture = np.random.default_rng(2).integers(0, 255, (40, 96, 3), np.uint8)
    detector = YoloPlateDetector(tiny, DetectorOptions(size=96, score=0.3), SessionOptions(square_px=160))
    seen: list[np.ndarray] = []
    run = detector._yolo._session.run_named
    detector._yolo._session.run_named = lambda feeds: (seen.extend(feeds.values()), run(feeds))[1]  # type: ignore[method-assign]
    detector.detect([picture])
    assert seen[0].shape == (1, 160, 160, 3)
    assert (seen[0][0, 60:100, 32:128] == picture).all()


def test_a_network_in_copies_by_shape_answers_as_one_does(tiny: bytes) -> None:
    """As on CUDA: batches are filled up to powers of two, and each shape keeps to a copy of its own."""
    rng = np.random.default_rng(4)
    alone = Session(tiny)
    copied = Session(tiny, SessionOptions(copies=3, max_batch=6))
    for rows, side in [(1, 32), (3, 32), (4, 32), (5, 32), (1, 64), (7, 32), (3, 32), (1, 32)]:
        feeds = {"images": rng.integers(0, 255, (rows, side, side, 3), np.uint8)}
        for mine, wanted in zip(copied.run(feeds), alone.run(feeds), strict=True):
            assert mine.shape == wanted.shape
            assert np.allclose(mine, wanted, atol=1e-3)
    copies = copied._copies
    assert copies is not None
    assert [shape[0][:2] for shape in copies._kept] == [(7, 32), (4, 32), (1, 32)], (
        "the latest three, the last used last"
    )
    assert alone._copies is None


def test_copies_end_where_no_more_can_be_loaded(caplog: pytest.LogCaptureFixture) -> None:
    loaded = iter("bc")

    def load() -> str:
        for name in loaded:
            return name
        raise ModelError("no memory")

    copies = CopiesByShape("a", load, 9)
    shapes = [((size,),) for size in range(5)]
    assert [copies.of(shapes[number]) for number in (0, 0, 1, 2, 0, 3, 0, 4)] == list("aabcabac")
    assert len(copies) == 3
    assert [record.getMessage() for record in caplog.records] == ["3 copies of a network must do: no memory"]


def test_a_recorded_network_answers_as_one_does(tiny: bytes) -> None:
    """As on CUDA, where it is recorded: small batches of squares run in networks whose input keeps its shape."""
    rng = np.random.default_rng(5)
    alone = Session(tiny)
    recorded = Session(tiny, SessionOptions(records=True, square_px=64, max_batch=4))
    recorded.record(squares=2)
    assert [shape[0][:2] for shape in recorded._recorded] == [(1, 64), (2, 64), (4, 64), (1, 128), (2, 128), (4, 128)]
    for rows, side in [(1, 64), (3, 64), (2, 128), (4, 64), (1, 256), (3, 64)]:
        feeds = {"images": rng.integers(0, 255, (rows, side, side, 3), np.uint8)}
        for mine, wanted in zip(recorded.run(feeds), alone.run(feeds), strict=True):
            assert mine.shape == wanted.shape
            assert np.allclose(mine, wanted, atol=1e-3)
    answers = [recorded.run(feeds) for _ in range(2)]
    assert answers[0][0] is not answers[1][0]
    assert (answers[0][0] == alone.run(feeds)[0]).all(), "what was answered stays as it was"
    recorded.close()


def test_what_is_worth_recording() -> None:
    sizes = list(free_sizes(["n", "h", "w", 3], 32, [160, 320, 640]))
    assert [(one["n"], one["h"]) for one in sizes] == [(1, 160), (2, 160), (4, 160), (8, 160), (1, 320), (2, 320)]
    assert list(free_sizes(["n", 48, 144], 4, [])) == [{"n": 1}, {"n": 2}, {"n": 4}]


@pytest.mark.parametrize(("rows", "held"), [(1, 1), (2, 2), (3, 4), (5, 8), (9, 12), (12, 12), (30, 30)])
def test_few_sizes_of_batches_occur(rows: int, held: int) -> None:
    assert room(rows, 12) == held


def test_an_error_is_its_callers_own(tiny: bytes) -> None:
    session = Session(tiny, SessionOptions(batch_wait_s=0.02))
    good, bad = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 64, 4), np.uint8)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(session.run, {"images": bad if n % 3 == 0 else good}) for n in range(12)]
        for n, answer in enumerate(answers):
            if n % 3 == 0:
                with pytest.raises(ModelError, match="failed on inputs"):
                    answer.result()
            else:
                assert answer.result()[0].shape[0] == 1
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.run({"images": good})


def test_readings_are_the_same_in_company() -> None:
    rng = np.random.default_rng(5)
    crops = [[rng.integers(0, 255, (30, 90, 3), np.uint8) for _ in range(1 + n % 3)] for n in range(12)]
    alone, together = NetworkReader(READER), NetworkReader(READER, SessionOptions(batch_wait_s=0.02))
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(together.read, crops))
    for mine, readings in zip(crops, got, strict=True):
        for one, wanted in zip(readings, alone.read(mine), strict=True):
            assert np.allclose(one.posterior.log_probs, wanted.posterior.log_probs, atol=1e-3)
            assert one.legibility == pytest.approx(wanted.legibility, abs=1e-4)
    together._session.close()


def test_on_the_cpu_nobody_waits_unless_told_to(tiny: bytes) -> None:
    session = Session(tiny, SessionOptions(provider="auto"))
    assert (session.runs_on, session._batcher, session.max_batch) == ("cpu", None, 8)
    assert session.padded((96, 160)) == (96, 160)
    squares = Session(tiny, SessionOptions(square_px=160))
    assert [squares.padded((96, side)) for side in (32, 160, 192, 320, 352, 960)] == [
        (side, side) for side in (160, 160, 320, 320, 640, 1280)
    ]


def test_auto_takes_a_gpu_only_where_one_may_be_seen(with_cuda_built_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen("auto") == "cuda"
    assert chosen("tensorrt") == "tensorrt"
    for hidden in ("", "-1", "NoDevFiles"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not is_gpu_visible()
        assert chosen("auto") == "cpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert chosen("auto") == "cuda"


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_gpu_that_does_not_work_leaves_the_cpu_and_says_so_once(
    with_cuda_built_in: None, tiny: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "models"):
        sessions = [Session(tiny, SessionOptions(provider="auto")) for _ in range(2)]
    assert [(session.runs_on, session.max_batch, session._batcher) for session in sessions] == [("cpu", 8, None)] * 2
    (line,) = [record.getMessage() for record in caplog.records if record.name == "models.runtime.providers"]
    assert "networks run on the CPU: CUDAExecutionProvider does not start here" in line
    with pytest.raises(ModelError, match="set the provider to auto or cpu"):
        Session(tiny, SessionOptions(provider="cuda"))


def test_what_the_providers_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        ort,
        "get_available_providers",
        lambda: ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    gpu = GpuOptions(device=1, memory_mb=512, engines=tmp_path, half=True)
    shapes = {"images": ["batch", "height", "width", 3], "scale": [1]}
    tensorrt, cuda, cpu = with_options("tensorrt", gpu, 8, shapes)
    assert [tensorrt[0], cuda[0], cpu] == ["TensorrtExecutionProvider", "CUDAExecutionProvider", (cpu[0], {})]
    assert cuda[1]["device_id"] == tensorrt[1]["device_id"] == "1"
    assert cuda[1]["gpu_mem_limit"] == str(512 * 2**20)
    assert tensorrt[1]["trt_fp16_enable"] == "1"
    assert tensorrt[1]["trt_engine_cache_path"] == str(tmp_path)
    assert tensorrt[1]["trt_profile_min_shapes"] == "images:1x32x32x3"
    assert tensorrt[1]["trt_profile_max_shapes"] == "images:8x1280x1280x3"
    assert [name for name, _ in with_options("cuda", GpuOptions(), 8, {})] == [cuda[0], cpu[0]]

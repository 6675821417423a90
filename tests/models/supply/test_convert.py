"""Weights become the network that they describe, and a hostile pickle becomes an error."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from models.errors import ModelRefused
from models.supply import checkpoint
from models.supply.convert import check_onnx, convert_centerface, convert_yolo
from models.supply.yolo_graph import build
from tests.models.tiny import CLASSES, Builder, Named, long_put, module, write_checkpoint, write_zip


def _run(model: bytes, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    return onnxruntime.InferenceSession(model).run(["boxes", "scores"], {"images": pictures})


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 255, (2, 64, 96, 3), np.uint8)


def test_a_checkpoint_becomes_the_network_its_folded_weights_describe(
    tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    builder = Builder()
    convert_yolo(write_checkpoint(tmp_path / "tiny.pt", builder.content()), tmp_path / "tiny.onnx")
    expected = build(builder.folded, CLASSES, [0, 1], {})
    boxes, scores = _run((tmp_path / "tiny.onnx").read_bytes(), pictures)
    want_boxes, want_scores = _run(expected.SerializeToString(), pictures)
    assert boxes.shape == (2, 8 * 12 + 4 * 6 + 2 * 3, 4)
    assert scores.std() > 0.01, "the tiny network says something"
    np.testing.assert_allclose(boxes, want_boxes, atol=1e-3)
    np.testing.assert_allclose(scores, want_scores, atol=1e-5)


def test_a_picture_is_seen_alike_alone_and_in_a_batch(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    model = build(dict(Builder().folded) or _folded(), CLASSES, [0], {}).SerializeToString()
    both, one = _run(model, pictures), _run(model, pictures[1:])
    np.testing.assert_allclose(both[0][1:], one[0], atol=1e-4)


def _folded() -> dict[str, NDArray[np.float64]]:
    builder = Builder()
    builder.content()
    return builder.folded


def test_a_class_left_out_has_no_weights(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    path = write_checkpoint(tmp_path / "tiny.pt", Builder().content())
    convert_yolo(path, tmp_path / "all.onnx")
    convert_yolo(path, tmp_path / "plates.onnx", ["plate"])
    whole, plates = (_run((tmp_path / f"{n}.onnx").read_bytes(), pictures)[1] for n in ("all", "plates"))
    np.testing.assert_array_equal(plates, whole[..., :1])
    assert "person" not in str(onnx.load(tmp_path / "plates.onnx").metadata_props)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "tiny.pt", Builder().content())
    for name in ("one.onnx", "two.onnx"):
        convert_yolo(path, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "tiny.pt", Builder().content())
    with pytest.raises(ModelRefused, match=r"no class tram.*plate, person"):
        convert_yolo(path, tmp_path / "out.onnx", ["tram"])


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_calls_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "called"
    path = write_zip(tmp_path / "evil.pt", pickle.dumps({"model": _Evil(mark)}, protocol=2))
    with pytest.raises(ModelRefused, match=r"posix\.mkdir"):
        convert_yolo(path, tmp_path / "out.onnx")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("torch", "load"),
        ("torch.serialization", "load"),
        ("torch.nn.modules.conv", "os.system"),
        ("ultralytics.nn.modules.block", "sys"),
        ("collections", "namedtuple"),
        ("models.supply.checkpoint", "load"),
    ],
)
def test_no_name_beyond_the_list_resolves(tmp_path: Path, where: str, name: str) -> None:
    data = b"\x80\x02" + pickle.GLOBAL + f"{where}\n{name}\n".encode() + b"."
    with pytest.raises(ModelRefused, match="not among the names"):
        convert_yolo(write_zip(tmp_path / "evil.pt", data), tmp_path / "out.onnx")


def _global(where: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{where}\n{name}\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x02N",
        long_put(0xFFFFFFF0),
        b"\x80\x02" + _global("torch.nn.modules.conv", "Conv2d") + b"}" + pickle.BUILD + b".",
        b"\x80\x02" + _global("torch._utils", "_rebuild_tensor_v2") + b"}" + pickle.BUILD + b".",
        b"\x80\x02" + _global("torch._utils", "_rebuild_tensor_v2") + b")R.",
        b"\x80\x02" + b"(" * 5000 + b".",
        b"\x80\x02X\xff\xff\xff\x7f.",
        b"\x80\x02cos\nsystem\n(S'true'\ntR.",
    ],
    ids=["empty", "cut", "memo", "class-state", "function-state", "no-arguments", "marks", "long-string", "system"],
)
def test_a_broken_pickle_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelRefused, match=r"evil\.pt|not among the names"):
        convert_yolo(write_zip(tmp_path / "evil.pt", data), tmp_path / "out.onnx")


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((4, 4), (4, 1), 1),
        ((1 << 20, 1 << 20), (0, 0), 0),
        ((2, 2), (-1, 1), 2),
        ((3,), (1 << 40,), 0),
        ((17,), (1,), 0),
    ],
)
def test_a_tensor_stays_within_its_storage(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    storage = np.zeros(16, np.float32)
    out = io.BytesIO()
    out.write(b"\x80\x02" + _global("torch._utils", "_rebuild_tensor_v2") + b"((X\x07\x00\x00\x00storage")
    out.write(_global("torch", "FloatStorage") + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x10tQ")
    for part in (offset, size, stride):
        out.write(pickle.dumps(part, protocol=2)[2:-1])
    out.write(b"tR.")
    with pytest.raises(ModelRefused, match="beyond its storage"):
        convert_yolo(write_zip(tmp_path / "evil.pt", out.getvalue(), {"0": storage}), tmp_path / "out.onnx")


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/data.pkl", bytes(1 << 20))
    with pytest.raises(ModelRefused, match="compressed"):
        convert_yolo(path, tmp_path / "out.onnx")


def test_other_networks_are_refused(tmp_path: Path) -> None:
    content = Builder().content()
    content["model"].state["_modules"]["model"].state["_modules"].pop("22")
    with pytest.raises(ModelRefused, match="not laid out as YOLOv8"):
        convert_yolo(write_checkpoint(tmp_path / "other.pt", content), tmp_path / "out.onnx")
    with pytest.raises(ModelRefused, match="holds no detector"):
        convert_yolo(write_checkpoint(tmp_path / "none.pt", {"model": module("Conv")}), tmp_path / "out.onnx")
    with pytest.raises(ModelRefused, match="not a checkpoint"):
        convert_yolo(write_checkpoint(tmp_path / "list.pt", [Named("typing", "Any")]), tmp_path / "out.onnx")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.onnx"
    page.write_text("<!DOCTYPE html><title>Sign in</title>")
    for take in (
        check_onnx,
        lambda path: convert_yolo(path, tmp_path / "o"),
        lambda p: convert_centerface(p, tmp_path / "o"),
    ):
        with pytest.raises(ModelRefused, match="not an ONNX model"):
            take(page)
    page.rename(tmp_path / "page.pt")
    with pytest.raises(ModelRefused, match="not a torch checkpoint"):
        convert_yolo(tmp_path / "page.pt", tmp_path / "out.onnx")


def _old_checkpoint(values: np.ndarray, *, told: int | None = None, magic: int = 0x1950A86A20F9469CFC6C) -> bytes:
    out = io.BytesIO()
    for part in (magic, 1001, {"little_endian": True}):
        pickle.dump(part, out, protocol=2)
    count = values.size if told is None else told
    # what torch pickles: {"w": _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())}
    body = b"\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n(("
    body += b"U\x07storagectorch\nFloatStorage\nU\x011U\x03cpu" + b"J" + struct.pack("<i", count) + b"Nt"
    body += b"Q" + b"K\x00" + b"K" + bytes([values.shape[0]]) + b"K" + bytes([values.shape[1]]) + b"\x86"
    body += b"K" + bytes([values.shape[1]]) + b"K\x01\x86" + b"\x89" + b"Nt" + b"Rs."
    out.write(body)
    pickle.dump(["1"], out, protocol=2)
    out.write(struct.pack("<q", values.size) + values.astype("<f4").tobytes())
    return out.getvalue()


def test_checkpoints_from_before_torch_1_6_are_read(tmp_path: Path) -> None:
    path, values = tmp_path / "old.pth", np.arange(6, dtype=np.float32).reshape(2, 3)
    path.write_bytes(_old_checkpoint(values))
    assert np.array_equal(checkpoint.load(path)["w"], values)
    for broken in (_old_checkpoint(values)[:-1], _old_checkpoint(values, told=2**30), _old_checkpoint(values, magic=7)):
        path.write_bytes(broken)
        with pytest.raises(ModelRefused):
            checkpoint.load(path)

"""A YOLOv8 detector of a few thousand weights, as a torch checkpoint written without torch."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.supply.yolo_graph import LAYOUT

WIDTHS = (4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 16, 8, 8, 16, 8, 8, 16, 8, 8, 16, 8)
"""Channels that each layer of ``LAYOUT`` gives, its head left out."""
CONTAINER = "torch.nn.modules.container"
CLASSES = ("plate", "person")


class Named:
    """An object to be pickled under a name of torch's or Ultralytics'."""

    def __init__(self, module: str, name: str, state: dict[str, Any] | None = None) -> None:
        self.module, self.name, self.state = module, name, state


class Storage:
    """Raw values to be pickled as a torch storage."""

    def __init__(self, key: str, values: NDArray[Any]) -> None:
        self.key, self.values = key, values


class CheckpointPickler(pickle._Pickler):  # the Python one, whose globals can be written without importing them
    """Pickles ``Named`` and arrays as torch would."""

    def __init__(self, file: io.BytesIO, storages: dict[str, NDArray[Any]]) -> None:
        super().__init__(file, protocol=2)
        self.storages = storages

    def name(self, module: str, name: str) -> None:
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.name(obj.module, obj.name)
            if obj.state is None:
                return
            self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
            self.save(obj.state)
            self.write(pickle.BUILD)
        elif isinstance(obj, np.ndarray):
            key = str(len(self.storages))
            self.storages[key] = np.ascontiguousarray(obj, np.float16)
            self.name("torch._utils", "_rebuild_tensor_v2")
            strides = tuple(s // obj.itemsize for s in np.ascontiguousarray(obj).strides)
            self.write(pickle.MARK)
            self.save(("storage", Named("torch", "HalfStorage"), key, "cpu", obj.size))
            self.write(pickle.BINPERSID)
            for part in (0, obj.shape, strides, False, OrderedDict()):
                self.save(part)
            self.write(pickle.TUPLE + pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def write_zip(path: Path, data: bytes, storages: dict[str, NDArray[Any]] | None = None) -> Path:
    """A torch checkpoint from a pickle and its storages."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/data.pkl", data)
        archive.writestr("tiny/byteorder", b"little")
        for key, values in (storages or {}).items():
            archive.writestr(f"tiny/data/{key}", values.tobytes())
    return path


def write_checkpoint(path: Path, content: Any) -> Path:
    """``content`` as a torch checkpoint."""
    file, storages = io.BytesIO(), {}
    CheckpointPickler(file, storages).dump(content)
    return write_zip(path, file.getvalue(), storages)


def module(
    name: str, children: dict[str, Any] | None = None, path: str = "ultralytics.nn.modules", **state: Any
) -> Named:
    arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
    plain = {k: v for k, v in state.items() if not isinstance(v, np.ndarray)}
    return Named(path, name, {**plain, "_parameters": arrays, "_buffers": {}, "_modules": OrderedDict(children or {})})


class Builder:
    """Draws weights and keeps them twice: as a tree of modules, and folded by name."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.folded: dict[str, NDArray[np.float64]] = {}

    def draw(self, *shape: int) -> NDArray[np.float16]:
        scale = 1.6 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.3
        return self.rng.normal(0, scale, shape).astype(np.float16)

    def plain(self, name: str, inward: int, outward: int) -> Named:
        weight, bias = self.draw(outward, inward, 1, 1), self.draw(outward)
        self.folded[f"{name}.weight"], self.folded[f"{name}.bias"] = weight.astype(float), bias.astype(float)
        return module("Conv2d", path="torch.nn.modules.conv", weight=weight, bias=bias)

    def conv(self, name: str, inward: int, outward: int, kernel: int) -> Named:
        weight = self.draw(outward, inward, kernel, kernel)
        gain, shift, mean = 1 + self.draw(outward), self.draw(outward), self.draw(outward)
        var = (1 + np.abs(self.draw(outward))).astype(np.float16)
        factor = gain.astype(float) / np.sqrt(var.astype(float) + 0.001)
        self.folded[f"{name}.conv.weight"] = weight.astype(float) * factor.reshape(-1, 1, 1, 1)
        self.folded[f"{name}.conv.bias"] = shift.astype(float) - mean.astype(float) * factor
        norm = module("BatchNorm2d", path="torch.nn.modules.batchnorm", weight=gain, bias=shift, eps=0.001)
        assert norm.state is not None
        norm.state["_buffers"] = {"running_mean": mean, "running_var": var}
        convolution = module("Conv2d", path="torch.nn.modules.conv", weight=weight)
        return module(
            "Conv", {"conv": convolution, "bn": norm, "act": module("SiLU", path="torch.nn.modules.activation")}
        )

    def layer(self, index: int, kind: str, inward: int, outward: int) -> Named:
        name = f"model.{index}"
        if kind == "Conv":
            return self.conv(name, inward, outward, 3)
        if kind == "C2f":
            half = outward // 2
            inner = {c: self.conv(f"{name}.m.0.{c}", half, half, 3) for c in ("cv1", "cv2")}
            parts = {
                "cv1": self.conv(f"{name}.cv1", inward, outward, 1),
                "cv2": self.conv(f"{name}.cv2", 3 * half, outward, 1),
            }
            return module(kind, {**parts, "m": module("ModuleList", {"0": module("Bottleneck", inner)}, CONTAINER)})
        if kind == "SPPF":
            cv1 = self.conv(f"{name}.cv1", inward, outward // 2, 1)
            return module(kind, {"cv1": cv1, "cv2": self.conv(f"{name}.cv2", outward * 2, outward, 1)})
        return module(kind)

    def head(self, index: int, inward: tuple[int, ...]) -> Named:
        branches = {}
        for branch, outward in (("cv2", 64), ("cv3", len(CLASSES))):
            levels = {}
            for level, channels in enumerate(inward):
                name = f"model.{index}.{branch}.{level}"
                parts = {"0": self.conv(f"{name}.0", channels, 8, 3), "1": self.conv(f"{name}.1", 8, 8, 3)}
                levels[str(level)] = module(
                    "Sequential", {**parts, "2": self.plain(f"{name}.2", 8, outward)}, CONTAINER
                )
            branches[branch] = module("ModuleList", levels, CONTAINER)
        return module("Detect", branches)

    def content(self) -> dict[str, Any]:
        """A whole checkpoint."""
        layers: dict[str, Named] = {}
        for index, (kind, sources) in enumerate(LAYOUT):
            inward = [WIDTHS[index + s if s < 0 else s] if index else 3 for s in sources]
            last = index == len(LAYOUT) - 1
            made = self.head(index, tuple(inward)) if last else self.layer(index, kind, inward[0], WIDTHS[index])
            assert made.state is not None
            made.state["f"] = sources[0] if len(sources) == 1 else list(sources)
            layers[str(index)] = made
        for made in layers.values():
            made.module = "torch.nn.modules.upsampling" if made.name == "Upsample" else made.module
        stack = module("Sequential", layers, CONTAINER)
        detector = module(
            "DetectionModel", {"model": stack}, path="ultralytics.nn.tasks", names=dict(enumerate(CLASSES))
        )
        return {"epoch": -1, "model": detector, "ema": None}


def long_put(index: int) -> bytes:
    """A pickle that files a value under a huge memo index."""
    return b"\x80\x02N" + pickle.LONG_BINPUT + struct.pack("<I", index) + b"."

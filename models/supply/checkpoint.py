"""Torch checkpoints read without torch and without trust.

A ``.pt`` file is a zip of a pickle and raw tensors. A pickle is a program: unpickling one calls whatever it names. Here
every name must stand in an allow-list and resolves to an inert record of ours, so that nothing of the file's choosing
is ever imported or called; tensors are cut from the zip with numpy, within the bounds of their own storage.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelRefused

MAX_PICKLE_BYTES: Final = 8 << 20
MAX_TENSOR_BYTES: Final = 512 << 20
_OLD_MAGIC: Final = 0x1950A86A20F9469CFC6C
_OLD_VERSION: Final = 1001
_OLD_BEGINNING: Final = b"\x80\x02\x8a\x0a" + _OLD_MAGIC.to_bytes(10, "little") + b"."
"""The magic number as a pickle of its own."""

_DTYPES: Final = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_PLAIN: Final[Mapping[tuple[str, str], type]] = {
    ("__builtin__", "dict"): dict,
    ("builtins", "dict"): dict,
    ("__builtin__", "set"): set,
    ("builtins", "set"): set,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
}
_INERT: Final = frozenset(
    {
        ("omegaconf.base", "ContainerMetadata"),
        ("omegaconf.base", "Metadata"),
        ("omegaconf.dictconfig", "DictConfig"),
        ("omegaconf.listconfig", "ListConfig"),
        ("omegaconf.nodes", "AnyNode"),
        ("typing", "Any"),
    }
    | {("torch.nn.modules.activation", name) for name in ("SiLU", "ReLU", "LeakyReLU")}
    | {("torch.nn.modules.linear", "Identity"), ("torch.nn.modules.batchnorm", "BatchNorm2d")}
    | {("torch.nn.modules.container", name) for name in ("ModuleList", "Sequential")}
    | {("torch.nn.modules.conv", "Conv2d"), ("torch.nn.modules.pooling", "MaxPool2d")}
    | {("torch.nn.modules.upsampling", "Upsample"), ("ultralytics.nn.tasks", "DetectionModel")}
    | {
        (module, name)
        for module in (
            "ultralytics.nn.modules",
            "ultralytics.nn.modules.block",
            "ultralytics.nn.modules.conv",
            "ultralytics.nn.modules.head",
        )
        for name in ("Bottleneck", "C2f", "Concat", "Conv", "DFL", "Detect", "SPPF")
    }
)


class Module:
    """An inert stand-in for an object of the checkpoint: its class's name and its saved state, no behaviour."""

    kind: str = ""

    def __init__(self, *arguments: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.state = state

    def get(self, name: str, default: object = None) -> Any:
        """An attribute, parameter, buffer or child of that name."""
        for table in (self.state, *(self.state.get(key) or {} for key in ("_modules", "_parameters", "_buffers"))):
            if isinstance(table, dict) and name in table:
                return table[name]
        return default

    def children(self) -> dict[str, Module]:
        modules = self.state.get("_modules")
        return {str(k): v for k, v in modules.items() if isinstance(v, Module)} if isinstance(modules, dict) else {}


class _StorageType:
    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a storage type holds no state")


class _Rebuild:
    """A call that the pickle may make; ``name`` chooses among ours."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a function holds no state")

    def __call__(self, *arguments: Any) -> object:
        if self._name == "size":
            return tuple(int(n) for n in arguments[0])
        if self._name == "parameter":
            return arguments[0]
        storage, offset, size, stride = arguments[:4]
        return _cut(storage, int(offset), tuple(int(n) for n in size), tuple(int(n) for n in stride))


_BROKEN: Final = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError,
    OverflowError, RecursionError, MemoryError, NotImplementedError,
)  # fmt: skip
"""What a broken pickle can raise."""
_CALLS: Final = {
    ("torch", "Size"): "size",
    ("torch._utils", "_rebuild_parameter"): "parameter",
    ("torch._utils", "_rebuild_tensor_v2"): "tensor",
}


def _cut(storage: object, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    if not isinstance(storage, np.ndarray) or storage.ndim != 1 or len(size) != len(stride):
        raise pickle.UnpicklingError("a tensor without a storage of its own")
    count = int(np.prod([max(n, 0) for n in size], dtype=object)) if size else 1
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or count > len(storage) or (count and last >= len(storage)):
        raise pickle.UnpicklingError(f"a tensor {size} reaches beyond its storage of {len(storage)} values")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, read_storage: Callable[[str], bytes]) -> None:
        super().__init__(io.BytesIO(data))
        self._read_storage = read_storage
        self._classes: dict[tuple[str, str], type[Module]] = {}
        self._storages: dict[str, NDArray[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        key = (module, name)
        if key in _PLAIN:
            return _PLAIN[key]
        if key in _CALLS:
            return _Rebuild(_CALLS[key])
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        if key in _INERT:
            return self._classes.setdefault(key, type(name, (Module,), {"kind": name}))
        raise ModelRefused(
            f"the checkpoint names {module}.{name}, which is not among the names a detector's weights need; nothing of "
            "it was run. Take the weights from their own publisher, or use a model that is ONNX already"
        )

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        tag, kind, key, _, count, *_ = pid
        if tag != "storage" or not isinstance(kind, _StorageType) or not str(key).isalnum():
            raise pickle.UnpicklingError(f"an unknown kind of storage {tag!r}")
        if key not in self._storages:
            data = self._read_storage(str(key))
            if len(data) != int(count) * kind.dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} holds {len(data)} bytes, not {count} values")
            self._storages[key] = np.frombuffer(data, kind.dtype.newbyteorder("<"))
        return self._storages[key]


def _check_memo(data: bytes) -> None:
    """Refuse a memo index no honest pickle has: the unpickler would take memory for every index below it."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > len(data):
            raise pickle.UnpicklingError(f"memo index {argument} in a pickle of {len(data)} bytes")


def load(path: Path) -> dict[str, Any]:
    """The checkpoint's dictionary; objects are ``Module`` records, tensors numpy arrays.

    Raises ``ModelRefused`` when the file is none of torch's, names anything outside the allow-list, or lies about
    sizes.
    """
    try:
        with path.open("rb") as file:
            is_old = file.read(len(_OLD_BEGINNING)) == _OLD_BEGINNING
        if is_old:
            return _load_before_zips(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_TENSOR_BYTES:
                raise ModelRefused(f"{path.name}: unpacks to more than {MAX_TENSOR_BYTES >> 20} MiB")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise ModelRefused(f"{path.name}: torch stores tensors uncompressed, this file's are compressed")
            pickles = [
                entry for entry in entries if entry.filename.count("/") == 1 and entry.filename.endswith("/data.pkl")
            ]
            if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE_BYTES:
                raise ModelRefused(f"{path.name}: not a torch checkpoint (no single data.pkl of a sane size)")
            root = pickles[0].filename.removesuffix("data.pkl")
            if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
                raise ModelRefused(f"{path.name}: written on a big-endian machine, which is not supported")
            data = archive.read(pickles[0])
            _check_memo(data)
            loaded = _Unpickler(data, lambda key: archive.read(f"{root}data/{key}")).load()
    except zipfile.BadZipFile as error:
        raise ModelRefused(f"{path.name}: not a torch checkpoint ({error})") from error
    except _BROKEN as error:
        raise ModelRefused(f"{path.name}: its pickle is broken or hostile ({error})") from error
    return _dictionary(path, loaded)


def _load_before_zips(path: Path) -> dict[str, Any]:
    """The format until torch 1.6: five pickles (a magic number, a version, the machine, the object, the keys of its
    storages), then for each key the number of its values and the values."""
    if path.stat().st_size > MAX_TENSOR_BYTES:
        raise ModelRefused(f"{path.name}: is larger than {MAX_TENSOR_BYTES >> 20} MiB")
    content = path.read_bytes()
    parts, start = [], 0
    for _ in range(5):
        stream = io.BytesIO(content[start : start + MAX_PICKLE_BYTES])
        for _ in pickletools.genops(stream):
            pass
        parts.append(content[start : start + stream.tell()])
        start += stream.tell()
        _check_memo(parts[-1])
    plain = [_Unpickler(part, _no_storage).load() for part in (*parts[:3], parts[4])]
    if plain[0] != _OLD_MAGIC or plain[1] != _OLD_VERSION or not isinstance(plain[2], dict):
        raise ModelRefused(f"{path.name}: not a torch checkpoint (an unknown beginning)")
    if not plain[2].get("little_endian") or not isinstance(plain[3], list):
        raise ModelRefused(f"{path.name}: not a torch checkpoint that can be read here")
    sizes = _storage_sizes(parts[3], len(content))
    storages: dict[str, bytes] = {}
    for key in map(str, plain[3]):
        (count,) = struct.unpack_from("<q", content, start)
        start += 8
        size = sizes.get(key, 0) * count
        if count < 0 or start + size > len(content):
            raise ModelRefused(f"{path.name}: storage {key} reaches beyond the file")
        storages[key] = content[start : start + size]
        start += size
    return _dictionary(path, _Unpickler(parts[3], storages.__getitem__).load())


def _no_storage(key: str) -> bytes:
    raise pickle.UnpicklingError(f"storage {key} where none belongs")


def _storage_sizes(data: bytes, limit: int) -> dict[str, int]:
    """Bytes a value of each storage that a pickle names; none is larger than ``limit``."""

    class Names(_Unpickler):
        def persistent_load(self, pid: Any) -> NDArray[Any]:
            _, kind, key, _, count, *_ = pid
            if not isinstance(kind, _StorageType) or not 0 <= int(count) * kind.dtype.itemsize <= limit:
                raise pickle.UnpicklingError("an unknown kind of storage, or one larger than the file")
            found[str(key)] = kind.dtype.itemsize
            return np.zeros(int(count), kind.dtype)

    found: dict[str, int] = {}
    Names(data, _no_storage).load()
    return found


def _dictionary(path: Path, loaded: object) -> dict[str, Any]:
    if not isinstance(loaded, dict):
        raise ModelRefused(f"{path.name}: holds a {type(loaded).__name__}, not a checkpoint's dictionary")
    return loaded

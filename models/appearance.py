"""What a vehicle looks like: a short vector of its shape and its colours, and its paint by a plain name.

The network is MobileNetV2 (ImageNet) with a fixed projection; colours are a histogram over hue, saturation and value.
It sees the vehicle's box alone, its plate painted over, at 128 x 128 pixels: a face in it has some five pixels across.
It knows of no people, and nothing here compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.appearance import DIMENSIONS
from index.read import Box
from models.errors import ModelError
from models.picture import check
from models.ports import Image
from models.runtime.session import Session, SessionOptions, chunks
from models.supply.mobilenet_graph import FEATURES

SIDE: Final = 128
_SHAPE_PART: Final = 160
_HUES, _SHADES, _GREYS = 8, 3, 8
_COLOUR_WEIGHT: Final = 0.6
"""Of the two parts, the network's having 1."""
_SEED: Final = 20_180_113
COLOURS: Final = ("black", "white", "grey", "silver", "red", "orange", "yellow", "green", "blue", "brown")
_DARK: Final = 60
"""A picture whose brightest twentieth is darker than this shows no paint."""
_LEAST_SHARE: Final = 0.3
"""Share of the body that a hue must cover to be the paint's."""


class AppearanceNetwork:
    """Vectors of vehicles' pictures. Safe to call from several threads."""

    def __init__(self, model: Path | bytes, session_options: SessionOptions | None = None) -> None:
        self._session = Session(model, session_options, name="appearance")
        if self._session.outputs != ["features"]:
            raise ModelError("appearance: the model gives no features; pull it again with `beket models pull`")

    def describe(self, vehicles: Sequence[Image], plates: Sequence[Box | None]) -> NDArray[np.float32]:
        """Vectors ``(N, DIMENSIONS) float32`` of length 1 of pictures that hold one vehicle each.

        ``plates``: where its plate stands in the picture's pixels; it is painted over, so that a vector knows nothing
        of it.
        """
        pictures = [_prepared(check(vehicle), plate) for vehicle, plate in zip(vehicles, plates, strict=True)]
        vectors = np.zeros((len(pictures), DIMENSIONS), np.float32)
        for part in chunks(len(pictures), self._session.max_batch):
            features = self._session.run({"images": np.stack([pictures[n] for n in part])})[0]
            shapes = features @ _projection()
            vectors[part.start : part.stop, :_SHAPE_PART] = _normed(shapes)
        for vector, picture in zip(vectors, pictures, strict=True):
            vector[_SHAPE_PART:] = _COLOUR_WEIGHT * _colour_histogram(picture)
        return _normed(vectors)


def masked(vehicle: Image, plate: Box | None, margin: float = 0.15) -> Image:
    """A copy of a vehicle's picture with the plate, grown by ``margin``, painted in the mean colour around it."""
    picture = vehicle.copy()
    if plate is None:
        return picture
    height, width = picture.shape[:2]
    left, right = max(int(plate.x - margin * plate.w), 0), min(int(plate.x + (1 + margin) * plate.w) + 1, width)
    top, bottom = max(int(plate.y - margin * plate.h), 0), min(int(plate.y + (1 + margin) * plate.h) + 1, height)
    if right > left and bottom > top:
        around = picture[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8].reshape(-1, 3)
        picture[top:bottom, left:right] = np.median(around, axis=0).astype(np.uint8)
    return picture


def paint(vehicle: Image, plate: Box | None) -> str | None:
    """The paint of a vehicle by one of ``COLOURS``; None where it is too dark to tell.

    From the middle of the picture, the plate painted over: the hue that covers most of it, or else how bright it is.
    """
    picture = masked(vehicle, plate)
    height, width = picture.shape[:2]
    body = picture[int(0.2 * height) : max(int(0.85 * height), 1), int(0.15 * width) : max(int(0.85 * width), 1)]
    if body.size == 0:
        return None
    small = cv2.resize(body, (48, 48), interpolation=cv2.INTER_AREA)
    hue, saturation, value = (plane.astype(np.int32) for plane in cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)))
    if float(np.percentile(picture[::4, ::4].max(axis=2), 95)) < _DARK:
        return None
    coloured = (saturation > 85) & (value > 45)
    if coloured.mean() >= _LEAST_SHARE:
        names = _hue_names(hue[coloured], value[coloured])
        shares = {name: float(np.mean(names == name)) * float(coloured.mean()) for name in set(names.tolist())}
        best = max(shares, key=lambda name: shares[name])
        if shares[best] >= _LEAST_SHARE * 0.7:
            return str(best)
    middle = float(np.median(value[~coloured])) if (~coloured).any() else float(np.median(value))
    if middle < 65:
        return "black"
    return "grey" if middle < 120 else "silver" if middle < 175 else "white"


def _hue_names(hue: NDArray[np.int32], value: NDArray[np.int32]) -> NDArray[np.str_]:
    """OpenCV's hue runs from 0 to 179."""
    edges = np.array([9, 20, 35, 85, 135, 165])
    names = np.array(["red", "orange", "yellow", "green", "blue", "red", "red"])[np.searchsorted(edges, hue)]
    return np.asarray(np.where((names == "orange") & (value < 130), "brown", names))


def _prepared(vehicle: Image, plate: Box | None) -> Image:
    return np.asarray(cv2.resize(masked(vehicle, plate), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _colour_histogram(picture: Image) -> NDArray[np.float32]:
    """Square roots of the shares of coloured pixels by hue and shade, and of grey ones by brightness: ``(32,)``.

    The inner product of two is Bhattacharyya's coefficient. The middle of the picture counts alone.
    """
    edge = SIDE // 8
    body = picture[edge:-edge, edge:-edge]
    hue, saturation, value = (p.ravel().astype(np.int64) for p in cv2.split(cv2.cvtColor(body, cv2.COLOR_BGR2HSV)))
    grey = (saturation < 60) | (value < 40)
    bins = np.where(
        grey,
        _HUES * _SHADES + value * _GREYS // 256,
        hue * _HUES // 180 * _SHADES + np.minimum(value * _SHADES // 256, _SHADES - 1),
    )
    counts = np.bincount(bins, minlength=_HUES * _SHADES + _GREYS)
    return np.asarray(np.sqrt(counts / max(counts.sum(), 1)), np.float32)


@cache
def _projection() -> NDArray[np.float32]:
    """A fixed random projection (Johnson, Lindenstrauss, 1984): ``(FEATURES, 160)``."""
    drawn = np.random.Generator(np.random.PCG64(_SEED)).standard_normal((FEATURES, _SHAPE_PART))
    return np.asarray(drawn / np.sqrt(_SHAPE_PART), np.float32)


def _normed(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)

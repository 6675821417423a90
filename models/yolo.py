"""YOLO detectors on ONNX Runtime: our own graphs, Ultralytics' exports, and exports that end in suppression."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.read import Box
from models.errors import ModelError
from models.picture import Fit, check, input_shape, letterbox, suppress
from models.ports import Image
from models.runtime.session import Session, SessionOptions, chunks


class Found(NamedTuple):
    """Something a detector found, in the picture's own pixels."""

    box: Box
    score: float
    name: str


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """How a detector looks. ``size``: the long side, in pixels, to which a picture is scaled (a multiple of 32; models
    frozen to one size keep theirs); ``score``: least score of a box; ``iou``: overlap beyond which the lesser goes;
    ``enlarges``: whether pictures smaller than ``size`` are made larger, which helps with small things only."""

    size: int = 640
    score: float = 0.25
    iou: float = 0.5
    enlarges: bool = True

    def __post_init__(self) -> None:
        if self.size < 32 or self.size % 32:
            raise ValueError(f"a detector's size is a multiple of 32, not {self.size}")
        if not 0 < self.score < 1 or not 0 < self.iou <= 1:
            raise ValueError(f"score and iou lie between 0 and 1, not {self.score} and {self.iou}")


class Yolo:
    """Finds things of the classes ``wanted`` (all that the model knows when empty). Safe in several threads."""

    def __init__(
        self,
        model: Path | bytes,
        options: DetectorOptions | None = None,
        session_options: SessionOptions | None = None,
        *,
        name: str = "detector",
        wanted: Iterable[str] = (),
    ) -> None:
        """Raises ``ModelError`` when the model can't be loaded or is no detector of a kind known here."""
        self.options = options or DetectorOptions()
        self._session = Session(model, session_options, name=name)
        self._session.record(squares=2)
        (self._input, (self._type, shape)), *more = self._session.inputs.items()
        if more or len(shape) != 4:
            raise ModelError(f"{name}: a detector has one input of four dimensions, this has {self._session.inputs}")
        self._planar = shape[1] == 3
        batch, (height, width) = shape[0], shape[2:] if self._planar else shape[1:3]
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        self._batch = batch if isinstance(batch, int) else self._session.max_batch
        names = _class_names(self._session.metadata)
        self._names = names or ["plate"]
        wanted = list(wanted)
        self._kept = [i for i, n in enumerate(self._names) if not wanted or n in wanted]
        if not self._kept:
            raise ModelError(f"{name}: knows none of {', '.join(wanted)}; it knows {', '.join(self._names[:20])}")

    @property
    def names(self) -> list[str]:
        """The classes it may find."""
        return [self._names[i] for i in self._kept]

    def find(self, images: Sequence[Image], size: int | None = None) -> list[list[Found]]:
        """What stands in each picture, best first, after suppression; ``size`` overrides the options' long side."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            groups[self._fixed or self._session.padded(self._shape(image, size))].append(index)
        found: list[list[Found]] = [[] for _ in images]
        for shape, members in groups.items():
            for part in chunks(len(members), self._batch):
                indices = [members[i] for i in part]
                for index, things in zip(indices, self._run([images[i] for i in indices], shape, size), strict=True):
                    found[index] = things
        return found

    def _shape(self, image: Image, size: int | None) -> tuple[int, int]:
        side = size or self.options.size
        if not self.options.enlarges:
            side = min(side, -(-max(check(image).shape) // 32) * 32)
        return input_shape(check(image), side, 32)

    def _run(self, images: list[Image], shape: tuple[int, int], size: int | None) -> list[list[Found]]:
        rows = self._batch if self._fixed else len(images)
        pictures = np.empty((rows, *shape, 3), np.uint8)
        fits = [
            letterbox(image, *(self._fixed or self._shape(image, size)), out=pictures[row])
            for row, image in enumerate(images)
        ]
        pictures[len(images) :] = 0
        outputs = self._session.run_named({self._input: self._prepare(pictures)})
        if "boxes" in outputs and "scores" in outputs:
            boxes, scores = outputs["boxes"], outputs["scores"]
            return [self._keep(boxes[row], scores[row], fit) for row, fit in enumerate(fits)]
        first = next(iter(outputs.values()))
        if first.ndim == 2 and first.shape[1] == 7:  # rows of: picture, x1, y1, x2, y2, class, score
            return [self._ended(first[first[:, 0] == row], fit) for row, fit in enumerate(fits)]
        if first.ndim == 3 and first.shape[1] >= 4 + len(self._names):  # x y w h, class scores, masks
            cells = first.transpose(0, 2, 1)
            boxes = np.concatenate([cells[..., :2] - cells[..., 2:4] / 2, cells[..., :2] + cells[..., 2:4] / 2], axis=2)
            scores = cells[..., 4 : 4 + len(self._names)]
            return [self._keep(boxes[row], scores[row], fit) for row, fit in enumerate(fits)]
        raise ModelError(
            f"{self._session.name}: outputs {[o.shape for o in outputs.values()]} are no detector's known here"
        )

    def _prepare(self, pictures: NDArray[np.uint8]) -> NDArray[np.generic]:
        if self._type == "tensor(uint8)":
            return pictures
        scaled = pictures[..., ::-1].astype(np.float32) / np.float32(255)
        if self._planar:
            scaled = np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
        return scaled.astype(np.float16) if self._type == "tensor(float16)" else scaled

    def _keep(self, boxes: NDArray[np.floating], scores: NDArray[np.floating], fit: Fit) -> list[Found]:
        wanted = scores[:, self._kept]
        best = wanted.argmax(axis=1)
        chance = wanted[np.arange(len(best)), best]
        rows = np.flatnonzero(chance >= self.options.score)
        chosen, chances = boxes[rows].astype(np.float32), chance[rows].astype(np.float32)
        kept = suppress(chosen, chances, self.options.iou)
        classes = best[rows]
        return [
            Found(fit.box(*map(float, chosen[i])), float(chances[i]), self._names[self._kept[int(classes[i])]])
            for i in kept
        ]

    def _ended(self, rows: NDArray[np.float32], fit: Fit) -> list[Found]:
        rows = rows[(rows[:, 6] >= self.options.score) & np.isin(rows[:, 5].astype(np.int64), self._kept)]
        rows = rows[np.argsort(-rows[:, 6], kind="stable")]
        return [Found(fit.box(*map(float, row[1:5])), float(row[6]), self._names[int(row[5])]) for row in rows]


def _class_names(metadata: dict[str, str]) -> list[str]:
    """Class names of our own metadata (JSON) or of Ultralytics' (a Python dictionary)."""
    try:
        if "classes" in metadata:
            return [str(name) for name in json.loads(metadata["classes"])]
        names = ast.literal_eval(metadata.get("names", "[]"))
    except (ValueError, SyntaxError) as error:
        raise ModelError("the detector's metadata does not say which classes it knows") from error
    return [str(names[i]) for i in range(len(names))]

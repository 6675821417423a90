"""Readers whose network gives one distribution of symbols for each slot of a plate: fast-plate-ocr's models.

fast-plate-ocr (MIT) publishes "global" models: cct v1 with 9 slots and v2 with 10, trained on plates of many countries.
Their weights come with a configuration (``*_plate_config.yaml``), read here when it lies beside the model; else the
shapes of the input and the output say what is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from index.alphabet import ALPHABET, BLANK, SLOTS
from index.read import Posterior
from models.errors import ModelError
from models.picture import check, letterbox
from models.ports import Image, Reading
from models.runtime.session import Session, SessionOptions, chunks

_LEAST: Final = 1e-6
"""Least probability of a symbol: no reading is certain beyond this."""


class SlotSettings(BaseModel):
    """A slot reader's configuration, in fast-plate-ocr's own words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    max_plate_slots: int = Field(9, ge=1, le=32)
    alphabet: str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
    pad_char: str = Field("_", min_length=1, max_length=1)
    img_height: int = Field(64, ge=8, le=1024)
    img_width: int = Field(128, ge=8, le=2048)
    keep_aspect_ratio: bool = False
    interpolation: Literal["nearest", "linear", "cubic", "area", "lanczos4"] = "linear"
    image_color_mode: Literal["grayscale", "rgb"] = "grayscale"
    plate_regions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Output:
    slots: int
    column: NDArray[np.int64]
    """Code of our alphabet for each symbol of the model's."""


_INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}  # fmt: skip


class SlotReader:
    """A ``PlateReader`` over a model of fast-plate-ocr. Knows plates of one line; two-line ones are mostly misread."""

    def __init__(
        self, model: Path | bytes, session_options: SessionOptions | None = None, settings: SlotSettings | None = None
    ) -> None:
        """``settings``: read from the configuration file beside the model, or from the model's shapes, when None."""
        self._session = Session(model, session_options, name="plate reader")
        self.settings = settings or self._settings(model)
        self._input = next(iter(self._session.inputs))
        symbols = [BLANK if s == self.settings.pad_char else ALPHABET.find(s) for s in self.settings.alphabet]
        if min(symbols) < 0 or len(set(symbols)) != len(symbols):
            raise ModelError(f"plate reader: its alphabet {self.settings.alphabet!r} has symbols that beket's has not")
        self._output = _Output(self.settings.max_plate_slots, np.array(symbols))

    def _settings(self, model: Path | bytes) -> SlotSettings:
        (_, (_, shape)), *_ = self._session.inputs.items()
        _, height, width, channels = shape if len(shape) == 4 else (None, None, None, None)
        if not isinstance(height, int) or not isinstance(width, int) or channels not in (1, 3):
            raise ModelError(
                f"plate reader: input {shape} is not (N, height, width, channels); is it a fast-plate-ocr model?"
            )
        fallback = {
            "img_height": height,
            "img_width": width,
            "image_color_mode": "rgb" if channels == 3 else "grayscale",
        }
        if isinstance(model, bytes):
            return SlotSettings.model_validate(fallback)
        stem = model.stem
        for name in (f"{stem}_plate_config.yaml", f"{stem}.yaml", "plate_config.yaml"):
            path = model.with_name(name)
            if path.is_file():
                try:
                    return SlotSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
                except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
                    raise ModelError(f"{name}: not a plate configuration of fast-plate-ocr: {error}") from error
        probe = self._session.run({next(iter(self._session.inputs)): np.zeros((1, height, width, channels), np.uint8)})
        plate = probe[0].reshape(1, -1)
        return SlotSettings.model_validate({**fallback, "max_plate_slots": plate.shape[1] // len(ALPHABET)})

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of plate crops (any sizes, BGR), in their order."""
        readings: list[Reading] = []
        for part in chunks(len(crops), self._session.max_batch):
            inputs = np.stack([self._prepare(check(crops[i])) for i in part])
            outputs = self._session.run({self._input: inputs})
            regions = outputs[1] if len(outputs) > 1 and self.settings.plate_regions else None
            for row, plate in enumerate(outputs[0]):
                readings.append(self._reading(plate, None if regions is None else regions[row]))
        return readings

    def _prepare(self, crop: Image) -> NDArray[np.uint8]:
        settings = self.settings
        if settings.keep_aspect_ratio:
            fitted = np.empty((settings.img_height, settings.img_width, 3), np.uint8)
            letterbox(crop, settings.img_height, settings.img_width, fitted)
        else:
            shape = (settings.img_width, settings.img_height)
            fitted = np.asarray(
                cv2.resize(crop, shape, interpolation=_INTERPOLATIONS[settings.interpolation]), np.uint8
            )
        if settings.image_color_mode == "rgb":
            return fitted[..., ::-1]
        return np.asarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]

    def _reading(self, plate: NDArray[np.float32], region: NDArray[np.float32] | None) -> Reading:
        given = np.asarray(plate, np.float64).reshape(self._output.slots, len(self._output.column))
        probabilities = np.full((SLOTS, len(ALPHABET)), 0.0)
        shared = min(SLOTS, len(given))
        probabilities[:shared, self._output.column] = given[:shared]
        probabilities[shared:, BLANK] = 1.0
        posterior = Posterior(normalised(probabilities))
        country = None
        if region is not None and self.settings.plate_regions:
            country = self.settings.plate_regions[int(region.argmax())]
        return Reading(posterior, legibility(posterior), country, None, 1)


def normalised(probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    """Log-probabilities of rows of probabilities, none of them below a floor: ``(slots, symbols) float32``."""
    floored = np.maximum(probabilities, _LEAST)
    logs: NDArray[np.float32] = np.log(floored / floored.sum(axis=1, keepdims=True)).astype(np.float32)
    return logs


def legibility(posterior: Posterior) -> float:
    """How far a crop can be read, for readers that don't say: the mean certainty of its characters; 0 when blank."""
    characters = posterior.characters
    return float(np.mean(characters)) if characters else 0.0

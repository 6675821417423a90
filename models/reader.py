"""Beket's own plate reader: characters, format, lines and legibility of a crop in one look, for one line and two.

Contract of its ONNX model (``models.training`` writes it):

- input ``plates``: ``(N, H, W)`` or ``(N, H, W, C)`` uint8; the crop, no margin added, resized as the metadata says;
- outputs ``characters (N, 10, 37)`` log-probabilities (temperature applied), ``format (N, F)`` and ``lines (N, 2)``
  log-probabilities, ``legibility (N,)``;
- metadata ``beket``: JSON with the fields of ``ReaderSettings``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from index.alphabet import ALPHABET, SLOTS
from index.read import Posterior
from models.errors import ModelError
from models.picture import check, letterbox
from models.ports import Image, Reading
from models.session import Session, SessionOptions, chunks

METADATA_KEY: Final = "beket"
_NO_COUNTRY: Final = ("none", "other")
_OUTPUTS: Final = ("characters", "format", "lines", "legibility")


class ReaderSettings(BaseModel):
    """What a port must know of a reader; stands in the model's metadata as JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alphabet: str = ALPHABET
    height: int = Field(ge=8, le=512)
    width: int = Field(ge=8, le=1024)
    colour: Literal["grey", "bgr", "rgb"] = "grey"
    resize: Literal["stretch", "letterbox"] = "stretch"
    """stretch: sides that are too long shrink by area, then what is too short is stretched linearly."""
    legibility: Literal["probability", "logit"] = "probability"
    formats: tuple[str, ...]
    """Names of the formats in the order of the output; they begin with the country, ``none`` is no plate."""


class NetworkReader:
    """A ``PlateReader`` over beket's own model. Safe to call from several threads."""

    def __init__(self, model: Path | bytes, session_options: SessionOptions | None = None) -> None:
        """Raises ``ModelError`` when the model breaks the contract."""
        self._session = Session(model, session_options, name="plate reader")
        try:
            self.settings = ReaderSettings.model_validate_json(self._session.metadata.get(METADATA_KEY, "{}"))
        except ValidationError as error:
            raise ModelError(f"plate reader: no reader of beket's (metadata {METADATA_KEY!r}): {error}") from error
        missing = [name for name in _OUTPUTS if name not in self._session.outputs]
        if missing or self.settings.alphabet != ALPHABET:
            wrong = f"lacks {', '.join(missing)}" if missing else f"has the alphabet {self.settings.alphabet!r}"
            raise ModelError(f"plate reader: the model {wrong}")
        ((self._input, (_, self._shape)),) = self._session.inputs.items()

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of plate crops (any sizes, BGR), in their order."""
        readings: list[Reading] = []
        for part in chunks(len(crops), self._session.options.max_batch):
            plates = np.stack([self._fit(check(crops[i])) for i in part])
            if len(self._shape) == 4 and plates.ndim == 3:
                plates = plates[..., None]
            outputs = self._session.run_named({self._input: plates})
            if outputs["characters"].shape[1:] != (SLOTS, len(ALPHABET)):
                raise ModelError(f"plate reader: characters are {outputs['characters'].shape}, not (N, 10, 37)")
            legible = outputs["legibility"].reshape(len(part))
            if self.settings.legibility == "logit":
                legible = (1 / (1 + np.exp(-legible))).astype(np.float32)
            for row in range(len(part)):
                best = int(outputs["format"][row].argmax())
                name = self.settings.formats[best]
                readings.append(
                    Reading(
                        posterior=Posterior(outputs["characters"][row]),
                        legibility=float(legible[row]),
                        country=None if name in _NO_COUNTRY else name[:2],
                        format=None if name in _NO_COUNTRY else name,
                        lines=1 + int(outputs["lines"][row].argmax()),
                    )
                )
        return readings

    def _fit(self, crop: Image) -> NDArray[np.uint8]:
        height, width = self.settings.height, self.settings.width
        picture: NDArray[np.uint8] = crop
        if self.settings.colour == "grey":
            picture = np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8)
        elif self.settings.colour == "rgb":
            picture = crop[..., ::-1]
        if self.settings.resize == "letterbox":
            fitted = np.empty((height, width, *picture.shape[2:]), np.uint8)
            letterbox(picture, height, width, fitted)
            return fitted
        small = (min(picture.shape[1], width), min(picture.shape[0], height))
        if small != (picture.shape[1], picture.shape[0]):
            picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        if small != (width, height):
            picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        return picture

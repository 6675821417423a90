"""Beket's own plate reader: characters, format, lines and legibility of a crop in one look, for one line and two.

Contract of its ONNX model (``models.training`` writes it):

- input ``plates``: ``(N, H, W) uint8``, grey, the whole crop stretched to the size: sides that are too long are first
  shrunk by area, then what is too short is stretched linearly;
- outputs ``characters (N, 10, 37)`` log-probabilities (temperature applied), ``format (N, F)`` and ``lines (N, 2)``
  log-probabilities, ``legibility (N,)`` the probability that every character is right;
- metadata ``height``, ``width``, ``alphabet``, and ``formats``, a JSON list of names: the country stands before the
  dash (``kz`` for all that begin with it), ``other`` is a plate of no format known, ``none`` no plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from index.alphabet import ALPHABET, SLOTS
from index.read import Posterior
from models.errors import ModelError
from models.picture import check
from models.ports import Image, Reading
from models.runtime.session import Session, SessionOptions, chunks

_NO_FORMAT: Final = ("none", "other")
_OUTPUTS: Final = ("characters", "format", "lines", "legibility")


class ReaderSettings(BaseModel):
    """What a port must know of a reader; each field stands in the model's metadata."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alphabet: str
    height: int = Field(ge=8, le=512)
    width: int = Field(ge=8, le=1024)
    formats: Json[tuple[str, ...]]


class NetworkReader:
    """A ``PlateReader`` over beket's own model. Safe to call from several threads."""

    def __init__(self, model: Path | bytes, session_options: SessionOptions | None = None) -> None:
        """Raises ``ModelError`` when the model breaks the contract."""
        self._session = Session(model, session_options, name="plate reader")
        self._session.record()
        try:
            self.settings = ReaderSettings.model_validate(self._session.metadata)
        except ValidationError as error:
            raise ModelError(f"plate reader: its metadata is not that of a reader of beket's: {error}") from error
        missing = [name for name in _OUTPUTS if name not in self._session.outputs]
        if missing or self.settings.alphabet != ALPHABET:
            wrong = f"lacks {', '.join(missing)}" if missing else f"has the alphabet {self.settings.alphabet!r}"
            raise ModelError(f"plate reader: the model {wrong}")
        self._countries = [_country(name) for name in self.settings.formats]

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of plate crops (any sizes, BGR), in their order."""
        readings: list[Reading] = []
        for part in chunks(len(crops), self._session.max_batch):
            plates = np.stack([self._fit(check(crops[i])) for i in part])
            outputs = self._session.run_named({"plates": plates})
            if outputs["characters"].shape[1:] != (SLOTS, len(ALPHABET)):
                raise ModelError(f"plate reader: characters are {outputs['characters'].shape}, not (N, 10, 37)")
            for row in range(len(part)):
                best = int(outputs["format"][row].argmax())
                name = self.settings.formats[best]
                readings.append(
                    Reading(
                        posterior=Posterior(outputs["characters"][row]),
                        legibility=float(outputs["legibility"][row]),
                        country=self._countries[best],
                        format=None if name in _NO_FORMAT else name,
                        lines=1 + int(outputs["lines"][row].argmax()),
                    )
                )
        return readings

    def _fit(self, crop: Image) -> NDArray[np.uint8]:
        size = self.settings.width, self.settings.height
        picture = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        small = min(crop.shape[1], size[0]), min(crop.shape[0], size[1])
        if small != (crop.shape[1], crop.shape[0]):
            picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        if small != size:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(picture, np.uint8)


def _country(name: str) -> str | None:
    if name in _NO_FORMAT:
        return None
    return "kz" if name.startswith("kz") else name.partition("-")[0]

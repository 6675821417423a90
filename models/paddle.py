"""A reader over PP-OCR's text recogniser: general text, one line, no notion of plates; a fallback for want of better.

The network gives for each step along the line a distribution over thousands of symbols and a blank (connectionist
temporal classification). Steps of the best path become the posterior's slots, their symbols folded to beket's alphabet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from index.alphabet import ALPHABET, BLANK, SLOTS
from index.read import Posterior
from models.errors import ModelError
from models.picture import check
from models.ports import Image, Reading
from models.runtime.session import Session, SessionOptions
from models.slots import legibility, normalised

HEIGHT: Final = 48
_LOOKALIKES: Final = dict(zip("АВЕКМНОРСТУХІЅЈ", "ABEKMHOPCTYXISJ", strict=True))


class PaddleReader:
    """A ``PlateReader`` over a PP-OCR recogniser (v4-v6) in ONNX with its symbols in the metadata."""

    def __init__(self, model: Path | bytes, session_options: SessionOptions | None = None) -> None:
        self._session = Session(model, session_options, name="plate reader")
        symbols = self._session.metadata.get("character", "").splitlines()
        if not symbols:
            raise ModelError("plate reader: the model does not carry its symbols; is it a PP-OCR recogniser?")
        self._input = next(iter(self._session.inputs))
        folded = [_LOOKALIKES.get(symbol.upper(), symbol.upper()) for symbol in symbols]
        self._columns = [[i + 1 for i, s in enumerate(folded) if s == symbol] for symbol in ALPHABET[:BLANK]]

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Readings of plate crops (any sizes, BGR), in their order."""
        return [self._read(check(crop)) for crop in crops]

    def _read(self, crop: Image) -> Reading:
        width = min(max(round(crop.shape[1] * HEIGHT / crop.shape[0]), HEIGHT), 20 * HEIGHT)
        scaled = cv2.resize(crop, (width, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        (steps,) = self._session.run({self._input: (scaled / 127.5 - 1).transpose(2, 0, 1)[None]})
        posterior = Posterior(normalised(self._slots(steps[0])))
        return Reading(posterior, legibility(posterior), None, None, 1)

    def _slots(self, steps: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities ``(SLOTS, symbols)`` of the best path through ``steps (T, 1 + symbols)``, blank first."""
        shares = np.stack([steps[:, columns].sum(axis=1) for columns in self._columns], axis=1)
        best = np.where(shares.max(axis=1) > steps[:, 0], shares.argmax(axis=1), BLANK)
        peaks: list[int] = []
        for step, code in enumerate(best):
            if code == BLANK:
                continue
            if step and best[step - 1] == code:
                if shares[step, code] > shares[peaks[-1], code]:
                    peaks[-1] = step
            else:
                peaks.append(step)
        slots = np.zeros((SLOTS, len(ALPHABET)))
        taken = peaks[:SLOTS]
        slots[: len(taken), :BLANK] = shares[taken]
        slots[: len(taken), BLANK] = np.maximum(1 - shares[taken].sum(axis=1), 0) if taken else 0
        slots[len(taken) :, BLANK] = 1
        return slots

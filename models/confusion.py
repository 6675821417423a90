"""The learned confusions of the readers that beket ships: files beside the weights, by the checksum of the reader."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from index.confusion import Confusion
from models.errors import ModelError
from models.supply.manifest import ROOT
from models.supply.store import ModelStore

WEIGHTS: Final = ROOT / "models" / "weights"
_log = logging.getLogger("models")


def confusion_of(reader_sha256: str, folder: Path = WEIGHTS) -> Confusion | None:
    """What was learned of the reader with this checksum; None where nothing was. Raises ``ModelError``."""
    for path in sorted(folder.glob("*_confusion.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record.get("reader_sha256") == reader_sha256:
                return Confusion.from_json(record)
        except (OSError, ValueError) as error:
            raise ModelError(f"the learned confusion {path} can't be used: {error}") from error
    return None


def reader_confusion(store: ModelStore, name: str | None = None) -> Confusion:
    """The confusion of the reader that ``store`` would open; the even one for a reader nothing was learned of."""
    stored = store.find("plate_reader", name)
    learned = None if stored is None else confusion_of(stored.record.published_sha256)
    if learned is None:
        _log.warning(
            "no confusion was learned of the plate reader %s: matching takes its errors for even",
            "in use" if stored is None else stored.source.name,
        )
        return Confusion.even()
    return learned

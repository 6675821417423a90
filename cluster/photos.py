"""Photos that someone searches by: decoded within bounds, looked at one at a time, and kept by nobody."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from actors.networks import ModelChoice
from index.appearance import unpack_appearances
from models.runtime.session import SessionOptions
from passes.photo import PhotoModels, Shown, find_shown
from storage.search.errors import QueryRefused
from storage.search.query import Photo
from video.errors import PictureRefused
from video.picture import decode_picture

MOST_PIXELS: Final = 50_000_000
_KINDS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How files begin; what strangers send is decoded by as few decoders as will do."""
_SMALLEST_PX: Final = 32
_REMEMBERED: Final = 32
"""Photos whose vehicles are remembered, so that an answer's next page need not look again."""
_PATIENCE_S: Final = 20.0


class PhotoBusy(Exception):
    """Other photos are being looked at; try again."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What was found in a photo."""

    sha256: str
    vehicles: tuple[Shown, ...]
    """The largest first."""
    without_looks: str | None
    """Why looks are not compared; None where they are."""

    def photo(self, number: int = 0) -> Photo:
        """What is sought: the vehicle ``number``. Raises ``QueryRefused`` where it shows nothing to search by."""
        if not self.vehicles:
            raise QueryRefused(
                "photo",
                "photo: no vehicle and no plate is found in it; crop it to the vehicle, or give one where that is at "
                "least 100 pixels wide",
            )
        if not 0 <= number < len(self.vehicles):
            raise QueryRefused("photo", f"vehicle: the photo shows {len(self.vehicles)}, the largest being 0")
        shown = self.vehicles[number]
        if shown.reading is None and shown.appearance is None:
            why = self.without_looks or "the vehicle is too small in it to be compared by its looks"
            raise QueryRefused("photo", f"photo: its plate can't be read, and {why}; give a larger or sharper one")
        looks = None if shown.appearance is None else unpack_appearances([shown.appearance])[0]
        return Photo(self.sha256, number, shown.reading, looks, shown.colour)


class PhotoReader:
    """Opens the models at the first photo. Thread-safe; one photo is looked at at a time."""

    def __init__(self, choice: ModelChoice) -> None:
        self._choice = choice
        self._models: PhotoModels | None = None
        self._known: OrderedDict[str, LookedAt] = OrderedDict()
        self._lock = threading.Lock()

    def look_at(self, data: bytes) -> LookedAt:
        """What the photo of a file's bytes shows.

        Raises ``QueryRefused`` where it is no picture or too large a one, ``ModelError`` where the models can't be had,
        ``PhotoBusy``.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._lock.acquire(timeout=_PATIENCE_S):
            raise PhotoBusy("other photos are being looked at; try again in a moment")
        try:
            known = self._known.get(sha256)
            if known is None:
                models = self._models = self._models or _opened(self._choice)
                known = LookedAt(sha256, tuple(_vehicles(data, models)), self._without_looks(models))
            self._known[sha256] = known
            self._known.move_to_end(sha256)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            return known
        finally:
            self._lock.release()

    def _without_looks(self, models: PhotoModels) -> str | None:
        if models.detectors.looks is not None:
            return None
        if not (self._choice.vehicles and self._choice.looks):
            return "this region does not compare looks (passes.appearance and passes.vehicle_type are its settings)"
        if models.detectors.vehicles is None:
            return (
                "this region looks for no vehicles: the licences of their detectors are denied (models.deny_licences)"
            )
        return "the model that describes looks is not in the store: run `beket models pull appearance`"


def _opened(choice: ModelChoice) -> PhotoModels:
    """On the CPU, whatever else runs on a GPU: photos are few. Faces are found, whether those of hits are or not."""
    here = replace(choice, session=SessionOptions(threads=choice.session.threads), faces=True)
    detectors = here.open_detectors()
    return PhotoModels(detectors, here.open_reader(), None if detectors.looks is None else here.open_face_finder())


def _vehicles(data: bytes, models: PhotoModels) -> list[Shown]:
    if not (data.startswith(_KINDS) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP")):
        raise QueryRefused("photo", "photo: is not a JPEG, PNG or WebP picture; convert it to one of them")
    try:
        picture = decode_picture(data, "photo", MOST_PIXELS)
    except PictureRefused as error:
        raise QueryRefused("photo", str(error)) from None
    if min(picture.shape[:2]) < _SMALLEST_PX:
        raise QueryRefused("photo", f"photo: is {picture.shape[1]}x{picture.shape[0]} pixels; give a larger one")
    return find_shown(picture, models)

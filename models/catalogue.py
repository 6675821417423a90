"""Ports opened from the store: each role's model behind the implementation that runs it.

>>> detector = open_plate_detector(ModelStore())                                    # doctest: +SKIP
>>> reader = open_plate_reader(ModelStore(), SessionOptions(threads=2))             # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from models.appearance import AppearanceNetwork
from models.corners import CornerPlateDetector, PlateCorners
from models.errors import ModelError
from models.faces import CenterFace
from models.paddle import PaddleReader
from models.plates import YoloPlateDetector
from models.ports import FaceDetector, PlateDetector, PlateReader
from models.reader import NetworkReader
from models.runtime.session import SessionOptions
from models.slots import SlotReader, SlotSettings
from models.supply.manifest import Role
from models.supply.store import ModelStore, Stored
from models.vehicles import YoloVehicleDetector
from models.yolo import DetectorOptions

_CORNER_SCORE = 0.2
"""Least score of corners looked for where a plate is known to be: less than a plate unlooked-for needs."""

_Port = TypeVar("_Port")
_Opener = Callable[[Stored, SessionOptions], _Port]


def open_plate_detector(
    store: ModelStore, session: SessionOptions | None = None, *, name: str | None = None, pull: bool = True
) -> PlateDetector:
    """The plate detector; ``name`` chooses among the manifest's, ``pull`` allows fetching it when it is not there.

    Raises ``ModelMissing`` when none can be had and ``ModelError`` when it can't be run.
    """
    return _open(store, "plate_detector", _PLATE_DETECTORS, session, name, pull)


def corner_detector(store: ModelStore) -> str | None:
    """The first permitted plate detector of the manifest that knows corners."""
    known = store.manifest.sources("plate_detector", store.deny_licences)
    return next((source.name for source in known if source.adapter == "corners"), None)


def open_plate_corners(
    store: ModelStore, session: SessionOptions | None = None, *, pull: bool = True
) -> PlateCorners | None:
    """What finds the corners of plates already found: the manifest's first permitted detector that knows corners.

    None where there is no such model, or ``pull`` is false and it does not lie in the store. Raises as the others when
    it can't be run.
    """
    name = corner_detector(store)
    if name is None:
        return None
    stored = store.ensure("plate_detector", name) if pull else store.find("plate_detector", name)
    if stored is None:
        return None
    return PlateCorners(CornerPlateDetector(stored.path, DetectorOptions(score=_CORNER_SCORE), session))


def open_vehicle_detector(
    store: ModelStore, session: SessionOptions | None = None, *, name: str | None = None, pull: bool = True
) -> YoloVehicleDetector:
    """The vehicle detector; parameters and errors as for ``open_plate_detector``."""
    return _open(store, "vehicle_detector", {"yolo": _vehicle_yolo}, session, name, pull)


def open_plate_reader(
    store: ModelStore, session: SessionOptions | None = None, *, name: str | None = None, pull: bool = True
) -> PlateReader:
    """The plate reader; parameters and errors as for ``open_plate_detector``."""
    return _open(store, "plate_reader", _READERS, session, name, pull)


def open_face_detector(
    store: ModelStore, session: SessionOptions | None = None, *, name: str | None = None, pull: bool = True
) -> FaceDetector:
    """The face detector, for blurring only; parameters and errors as for ``open_plate_detector``."""
    return _open(store, "face_detector", {"centerface": _centerface}, session, name, pull)


def open_appearance(
    store: ModelStore, session: SessionOptions | None = None, *, name: str | None = None, pull: bool = True
) -> AppearanceNetwork:
    """What describes vehicles; parameters and errors as for ``open_plate_detector``."""
    return _open(store, "appearance", {"mobilenet": _mobilenet}, session, name, pull)


def _open(
    store: ModelStore,
    role: Role,
    openers: Mapping[str, _Opener[_Port]],
    session: SessionOptions | None,
    name: str | None,
    pull: bool,
) -> _Port:
    stored = store.ensure(role, name) if pull else store.get(role, name)
    opener = openers.get(stored.source.adapter)
    if opener is None:
        raise ModelError(
            f"{role} {stored.source.name}: adapter {stored.source.adapter!r} is none of {', '.join(openers)}"
        )
    try:
        return opener(stored, session or SessionOptions())
    except (TypeError, ValueError, ValidationError) as error:
        raise ModelError(f"{role} {stored.source.name}: its options in the manifest are wrong: {error}") from error


def _detector_options(stored: Stored, **defaults: Any) -> DetectorOptions:
    return DetectorOptions(**{**defaults, **stored.source.options})


def _plate_yolo(stored: Stored, session: SessionOptions) -> PlateDetector:
    return YoloPlateDetector(stored.path, _detector_options(stored), session)


def _plate_corners(stored: Stored, session: SessionOptions) -> PlateDetector:
    return CornerPlateDetector(stored.path, _detector_options(stored), session)


def _vehicle_yolo(stored: Stored, session: SessionOptions) -> YoloVehicleDetector:
    return YoloVehicleDetector(stored.path, _detector_options(stored, score=0.3, iou=0.6, enlarges=False), session)


def _slots(stored: Stored, session: SessionOptions) -> PlateReader:
    options = stored.source.options
    return SlotReader(stored.path, session, SlotSettings.model_validate(options) if options else None)


def _paddle(stored: Stored, session: SessionOptions) -> PlateReader:
    return PaddleReader(stored.path, session, **stored.source.options)


def _reader(stored: Stored, session: SessionOptions) -> PlateReader:
    return NetworkReader(stored.path, session, **stored.source.options)


def _centerface(stored: Stored, session: SessionOptions) -> FaceDetector:
    return CenterFace(stored.path, session, **stored.source.options)


def _mobilenet(stored: Stored, session: SessionOptions) -> AppearanceNetwork:
    return AppearanceNetwork(stored.path, session)


_READERS: dict[str, _Opener[PlateReader]] = {"slots": _slots, "paddle": _paddle, "reader": _reader}
_PLATE_DETECTORS: dict[str, _Opener[PlateDetector]] = {"yolo": _plate_yolo, "corners": _plate_corners}

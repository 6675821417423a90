"""Which networks an actor opens, and how they run there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.catalogue import (
    open_appearance,
    open_face_detector,
    open_plate_corners,
    open_plate_detector,
    open_plate_reader,
    open_vehicle_detector,
)
from models.ports import PlateReader
from models.runtime.batching import BatchOptions
from models.runtime.providers import chosen
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from passes.pipeline import Detectors
from video.redaction import FindFaces


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Where the models lie, which are taken, and how they run."""

    folder: Path
    deny_licences: tuple[str, ...] = ()
    session: SessionOptions = field(default_factory=SessionOptions)
    plate_detector: str | None = None
    plate_reader: str | None = None
    vehicle_detector: str | None = None
    vehicles: bool = True
    looks: bool = True
    """Whether the vehicle of each pass is described, for searches by its looks."""
    faces: bool = True
    """Whether faces are found in the pictures of hits, to be blurred."""

    def store(self) -> ModelStore:
        return ModelStore(self.folder, deny_licences=self.deny_licences)

    def open_reader(self) -> PlateReader:
        return open_plate_reader(self.store(), self.session, name=self.plate_reader, pull=False)

    def open_shared_reader(self) -> tuple[PlateReader, BatchOptions]:
        """A reader for one thread, and how the crops of many callers make its batches."""
        alone = replace(self, session=replace(self.session, batch_wait_s=0.0))
        given_s = self.session.batch_wait_s
        return alone.open_reader(), BatchOptions() if given_s is None else BatchOptions(max_wait_s=given_s)

    def open_detectors(self) -> Detectors:
        store = self.store()
        return Detectors(
            open_plate_detector(store, self.session, name=self.plate_detector, pull=False),
            open_vehicle_detector(store, self.session, name=self.vehicle_detector, pull=False)
            if self.looks_for_vehicles
            else None,
            open_appearance(store, self.session, pull=False)
            if self.vehicles and self.looks and store.find("appearance") is not None
            else None,
            open_plate_corners(store, self.session, pull=False),
        )

    def open_face_finder(self) -> FindFaces | None:
        return open_face_detector(self.store(), self.session, pull=False).detect if self.faces else None

    def suitable_workers(self) -> int:
        """Threads that look at frames on this machine. On a GPU they mostly wait for it, and make its batches."""
        cores = len(os.sched_getaffinity(0))
        return max(2, cores) if chosen(self.session.provider) == "cpu" else max(16, 2 * cores)

    @property
    def looks_for_vehicles(self) -> bool:
        """Whether vehicles are sought: wanted, and a model that may be used is known (a named one must be had)."""
        return self.vehicles and (self.vehicle_detector is not None or not self.store().denies("vehicle_detector"))

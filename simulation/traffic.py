"""Who drives through a scene: plans of crossings, and the four roads of the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.training.vehicle import View, draw_vehicle
from simulation.number_plate import draw_number_plate
from simulation.road import Light, RoadCamera
from simulation.scene import Crossing, Scene


@dataclass(frozen=True, slots=True)
class Drive:
    """One planned crossing, before anything is drawn."""

    text: str
    design: str
    body: str
    colour: str
    lane: int
    start_s: float
    kmh: float = 50.0
    view: View = View.FRONT
    stop_at_m: float | None = None
    stop_s: float = 0.0


def crossing(drive: Drive) -> Crossing:
    """Draw the vehicle and the plate of ``drive``."""
    plate = draw_number_plate(drive.text, drive.design)
    sprite = draw_vehicle(drive.body, drive.colour, drive.view, plate.picture, plate_width_m=plate.width_m)
    return Crossing(
        drive.text,
        sprite,
        drive.view,
        drive.lane,
        drive.start_s,
        drive.kmh / 3.6,
        drive.stop_at_m,
        drive.stop_s,
    )


def build(
    name: str,
    drives: Sequence[Drive],
    *,
    camera: RoadCamera | None = None,
    lanes: int = 2,
    light: Light = Light.DAY,
    duration_s: float = 30.0,
    fps: int = 15,
    seed: int = 0,
) -> Scene:
    """A scene of ``drives`` on a road of ``lanes`` lanes."""
    placed = tuple(crossing(drive) for drive in drives)
    return Scene(name, camera or RoadCamera(), lanes, light, duration_s, fps, placed, seed)


_AWAY = View.REAR

DEMO_ROADS: dict[str, tuple[Light, int, tuple[Drive, ...]]] = {
    "abay-avenue": (
        Light.DAY,
        1,
        (
            Drive("417KTA02", "kz2012", "car", "silver", 0, 1.0),
            Drive("803BMN01", "kz2012", "suv", "white", 1, 6.5, 45, _AWAY),
            Drive("562RZH02", "kz2012", "car", "red", 0, 11.0, 55),
            Drive("291ORD05", "kz2012", "van", "blue", 1, 19.0, 50, _AWAY),
        ),
    ),
    "ring-road": (
        Light.DAY,
        2,
        (
            Drive("155CAE16", "kz2012", "truck", "white", 0, 3.0, 45),
            Drive("739LEO06", "kz2012-square", "suv", "black", 1, 12.0, 55, _AWAY),
            Drive("A482KTM", "kz1993", "car", "beige", 0, 20.0, 60),
        ),
    ),
    "airport-gate": (
        Light.DUSK,
        3,
        (
            Drive("608ZY01", "kz2012-legal", "van", "silver", 0, 5.0, 40),
            Drive("924FHB13", "kz2012", "car", "green", 1, 15.0, 50, _AWAY),
            Drive("330TWX10", "kz2012", "car", "blue", 0, 21.5, 48),
        ),
    ),
    "river-bridge": (
        Light.NIGHT,
        4,
        (
            Drive("871SVA09", "kz2012", "car", "grey", 0, 2.0, 50),
            Drive("046MKE17", "kz2012", "suv", "red", 1, 9.0, 50, _AWAY),
            Drive("512EXP09", "kz2012-square", "car", "white", 0, 18.0, 45),
        ),
    ),
}
"""The demo's cameras: light, seed, and who drives through in the thirty seconds of the loop."""


def demo_scenes() -> list[Scene]:
    """The demo's four roads, ready to be written."""
    return [build(name, drives, light=light, seed=seed) for name, (light, seed, drives) in DEMO_ROADS.items()]

"""What pictures say of a camera: each fault is seen, and no healthy picture has any."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from simulation.road import Light
from tests.video.health.drawn import Luma, Scenery, blurred, clocked, road, turned
from video.health.fault import Fault
from video.health.picture import PictureCheck

STEP_S = 10.0


def shown(check: PictureCheck, pictures: Iterable[Luma]) -> list[set[Fault]]:
    """The faults that each picture raises, the pictures ten seconds apart."""
    begin = check.last.t + STEP_S if check.last else 0.0
    return [
        {Fault(finding.code) for finding in check.look(picture, begin + n * STEP_S)}
        for n, picture in enumerate(pictures)
    ]


def learned(scenery: Scenery, looks: int = 16) -> PictureCheck:
    check = PictureCheck()
    assert not any(shown(check, (scenery.picture() for _ in range(looks))))
    return check


@pytest.mark.parametrize("light", Light)
@pytest.mark.parametrize("rain", [False, True])
def test_a_healthy_camera_is_healthy(light: Light, rain: bool) -> None:
    scenery = Scenery(light, traffic=0.9)
    check = learned(scenery)
    scenery.rain = rain
    assert not any(shown(check, (scenery.picture() for _ in range(25))))


def test_the_day_goes_to_night_and_rain_comes() -> None:
    check = learned(Scenery(Light.DAY))
    day, night = road(Light.DAY).astype(np.float32), road(Light.NIGHT).astype(np.float32)
    dusk = Scenery(Light.DUSK, traffic=0.0)
    fading = (dusk.taken(day + (night - day) * n / 40) for n in range(40))
    assert not any(shown(check, fading))
    dark = Scenery(Light.NIGHT, traffic=0.7)
    assert not any(shown(check, (dark.picture() for _ in range(30))))
    dark.rain = True
    assert not any(shown(check, (dark.picture() for _ in range(10))))
    morning = Scenery(Light.DAY)
    assert not any(shown(check, (morning.picture() for _ in range(5)))), "the light comes back at once"


def test_fog_is_no_fault_of_focus() -> None:
    scenery = Scenery(traffic=0.3)
    check = learned(scenery)
    for n in range(30):
        thin = 1.0 - 0.6 * n / 30
        foggy = scenery.taken(scenery.base * thin + 190 * (1 - thin))
        assert not any(shown(check, [foggy]))


@pytest.mark.parametrize("light", [Light.DAY, Light.DUSK])
def test_out_of_focus(light: Light) -> None:
    scenery = Scenery(light, traffic=0.4)
    check = learned(scenery)
    for sigma in (2.5, 4.0):
        base = scenery.base
        pictures = [scenery.taken(blurred(base, sigma).astype(np.float32)) for _ in range(5)]
        assert shown(check, pictures) == [{Fault.BLURRED}] * 5, sigma
    assert not any(shown(check, [scenery.picture() for _ in range(3)]))


def test_out_of_focus_from_the_first_day() -> None:
    scenery = Scenery(traffic=0.0, noise=0.4)
    scenery.base = np.clip((scenery.base - 110.0) * 2.0 + 110.0, 16, 235).astype(np.uint8)
    assert not any(shown(PictureCheck(), [scenery.picture() for _ in range(3)]))
    pictures = [scenery.taken(blurred(scenery.base, 7.0).astype(np.float32)) for _ in range(3)]
    assert shown(PictureCheck(), pictures) == [{Fault.BLURRED}] * 3


@pytest.mark.parametrize("across", [0.05, -0.1, 0.3])
@pytest.mark.parametrize("light", [Light.DAY, Light.NIGHT])
def test_turned_away(light: Light, across: float) -> None:
    scenery = Scenery(light, traffic=0.4)
    check = learned(scenery)
    pictures = [turned(scenery.picture(), across) for _ in range(8)]
    assert shown(check, pictures) == [{Fault.MOVED}] * 8


def test_turned_away_with_a_clock_in_the_picture_which_stays() -> None:
    scenery = Scenery(traffic=0.4)
    check = PictureCheck()
    assert not any(shown(check, (clocked(scenery.picture(), f"12:00:{n:02}") for n in range(30))))
    pictures = [clocked(turned(scenery.picture(), 0.12), f"12:01:{n:02}") for n in range(8)]
    assert shown(check, pictures) == [{Fault.MOVED}] * 8


def test_another_view_is_learned_in_the_end() -> None:
    scenery, other = Scenery(traffic=0.4), Scenery(seed=11, traffic=0.4)
    other.base = other.base[:, ::-1].copy()
    other.base[150:, :320] = 60
    check = learned(scenery)
    assert shown(check, [turned(scenery.picture(), 0.2) for _ in range(2)]) == [{Fault.MOVED}] * 2
    check.look(turned(scenery.picture(), 0.2), check.last.t + 86401.0)
    assert not any(shown(check, [turned(scenery.picture(), 0.2) for _ in range(20)]))


def test_covered() -> None:
    scenery = Scenery(traffic=0.4)
    check = learned(scenery)
    rows = np.linspace(40, 90, scenery.base.shape[0])[:, None]
    bag = np.repeat(rows, scenery.base.shape[1], axis=1).astype(np.float32)
    assert shown(check, [scenery.taken(bag) for _ in range(5)]) == [{Fault.COVERED}] * 5
    paint = np.full(scenery.base.shape, 120, np.float32)
    assert shown(check, [clocked(scenery.taken(paint), f"{n}") for n in range(5)]) == [{Fault.COVERED}] * 5


def test_a_lorry_at_the_lights_is_no_cover() -> None:
    scenery = Scenery(traffic=0.0)
    check = learned(scenery)
    height, width = scenery.base.shape
    picture = scenery.base.astype(np.float32)
    picture[height // 3 :, width // 4 : 3 * width // 4] = 180
    assert not any(shown(check, [scenery.taken(picture) for _ in range(10)]))


def test_black_and_too_dark_and_too_bright() -> None:
    scenery = Scenery(traffic=0.0, noise=0.7)
    check = learned(scenery)
    black = np.full(scenery.base.shape, 16, np.float32)
    assert shown(check, [scenery.taken(black) for _ in range(3)]) == [{Fault.BLACK}] * 3
    dark = 16 + (scenery.base - 16.0) * 0.11
    assert shown(check, [scenery.taken(dark) for _ in range(3)]) == [{Fault.TOO_DARK}] * 3
    bright = np.clip(scenery.base * 4.0, 0, 255)
    assert shown(check, [scenery.taken(bright) for _ in range(3)]) == [{Fault.OVEREXPOSED}] * 3


def test_a_white_sky_is_no_overexposure() -> None:
    scenery = Scenery(traffic=0.5)
    scenery.base = scenery.base.copy()
    scenery.base[:120] = 245
    check = PictureCheck()
    assert not any(shown(check, (scenery.picture() for _ in range(10))))


def test_frozen_but_for_its_clock() -> None:
    scenery = Scenery(traffic=0.5)
    check = learned(scenery)
    still = scenery.picture()
    told = shown(check, [clocked(still, f"12:00:{n:02}") for n in range(6)])
    assert told[1:] == [{Fault.FROZEN}] * 5
    assert not any(shown(check, [scenery.picture() for _ in range(3)]))


def test_an_empty_road_at_night_is_not_frozen() -> None:
    scenery = Scenery(Light.NIGHT, traffic=0.0, noise=1.5)
    assert not any(shown(PictureCheck(), (scenery.picture() for _ in range(30))))


def test_pictures_of_any_size_are_taken() -> None:
    check = PictureCheck()
    rng = np.random.default_rng(0)
    for size in ((36, 48), (120, 160), (288, 352), (2160, 3840)):
        check.look(rng.integers(0, 255, size, np.uint8), 0.0)
        check.look(rng.integers(0, 255, size, np.uint8), 1.0)
        assert check.last is not None
        assert check.last.size == size[::-1]

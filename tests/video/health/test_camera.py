"""A camera's health over time: held, scored, told once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.video.health.drawn import Luma, Scenery
from tests.video.health.test_stream import packets
from video.errors import Reason
from video.health.camera import CameraFacts, CameraHealth, HealthSample, HealthSettings
from video.health.fault import Fault
from video.health.requirements import Requirements
from video.health.watch import WatchFacts


class Picture:
    """A decoded keyframe, as far as health looks at it."""

    seen_at = None

    def __init__(self, luma: Luma, t: float) -> None:
        self.t = t
        self._luma = luma
        self.size = (luma.shape[1], luma.shape[0])

    def luma(self, step: int) -> Luma:
        return self._luma[::step, ::step]

    def bgr(self) -> Luma:
        raise AssertionError("colour is not needed")


class Played:
    """A camera that lives for a while, ten seconds a step."""

    def __init__(self, settings: HealthSettings | None = None) -> None:
        self.health = CameraHealth(settings)
        self.t = 1000.0
        self.facts = CameraFacts(True, None, "", [], (1920, 1080), 0.1, WatchFacts())
        self.scenery = Scenery(traffic=0.5)

    def step(self, picture: Luma | None = None, **facts: object) -> HealthSample:
        self.t += 10.0
        last = [replace(packet, t=packet.t - 1020 + self.t, dts=packet.dts - 1020 + self.t) for packet in packets()]
        watch = self.facts.watch
        watch = replace(watch, watched_s=watch.watched_s + 10.0)
        self.facts = replace(self.facts, watch=watch, packets=last)
        self.facts = replace(self.facts, **facts)
        self.health.look(Picture(self.scenery.picture() if picture is None else picture, self.t))
        return self.health.sample(self.t, self.facts)


def test_a_healthy_camera_has_100() -> None:
    camera = Played()
    samples = [camera.step() for _ in range(20)]
    assert {sample.score for sample in samples} == {100}
    assert not any(sample.reasons or sample.raised for sample in samples)
    assert samples[-1].stream is not None
    assert samples[-1].stream.fps == 25.0


def test_a_black_picture_is_raised_after_its_time_and_cleared_after_it() -> None:
    camera = Played()
    for _ in range(14):
        camera.step()
    black = np.full((360, 640), 16, np.uint8)
    samples = [camera.step(black) for _ in range(10)]
    assert [sample.raised for sample in samples].index({Fault.BLACK}) == 6
    assert (samples[5].score, samples[6].score) == (100, 0)
    assert samples[-1].reasons[0].finding.way_out
    assert samples[-1].reasons[0].since == camera.t - 90.0
    after = [camera.step() for _ in range(10)]
    assert [sample.cleared for sample in after].index({Fault.BLACK}) == 6
    assert after[-1].score == 100


def test_a_flash_is_nothing() -> None:
    camera = Played()
    white = np.full((360, 640), 250, np.uint8)
    assert not any((camera.step(white) if n % 4 == 0 else camera.step()).raised for n in range(24))


def test_a_camera_that_is_away_is_only_that_and_keeps_what_it_had() -> None:
    camera = Played()
    camera.facts = replace(camera.facts, skew_s=90.0)
    for _ in range(5):
        sample = camera.step()
    assert [reason.finding.code for reason in sample.reasons] == [Fault.CLOCK_SKEW]
    for _ in range(20):
        sample = camera.step(is_live=False, reason=Reason.LOGIN_FAILED, detail="rtsp://cam: refused the login")
    assert [reason.finding.code for reason in sample.reasons] == [Reason.LOGIN_FAILED, Fault.CLOCK_SKEW]
    assert sample.score == 0
    for _ in range(10):
        sample = camera.step(is_live=True, reason=None, detail="", skew_s=0.2)
    assert sample.reasons == ()


def test_small_plates_are_told_once_enough_have_passed() -> None:
    camera = Played()
    for n in range(19):
        camera.health.note_plate(40.0 + n % 3)
    assert not any(camera.step().raised for _ in range(6))
    camera.health.note_plate(0.0)
    samples = [camera.step() for _ in range(5)]
    assert [sample.raised for sample in samples if sample.raised] == [{Fault.PLATES_TOO_SMALL}]
    assert samples[-1].plate_px == 41.0
    for _ in range(40):
        camera.health.note_plate(120.0)
    assert {code for _ in range(8) for code in camera.step().cleared} == {Fault.PLATES_TOO_SMALL}


def test_darkness_in_which_plates_are_read_is_none() -> None:
    scenery = Scenery(traffic=0.0, noise=0.7)
    dark = [scenery.taken(16 + (scenery.base - 16.0) * 0.11) for _ in range(2)]
    for reads in (False, True):
        camera = Played(HealthSettings(dark_s=50.0))
        raised: set[object] = set()
        for n in range(20):
            if reads and n % 10 == 0:
                camera.health.note_plate(100.0)
            raised |= camera.step(dark[n % 2]).raised
        assert (Fault.TOO_DARK in raised) is not reads


def test_seconds_in_which_the_ingest_was_down_are_unwatched_for_five_minutes() -> None:
    """Down for 30 s; what is not known of the time before counts as watched."""
    camera = Played(HealthSettings(required=Requirements(max_unwatched_share=0.05)))
    camera.facts = replace(camera.facts, watch=WatchFacts(unwatched_s=42.0, noted_s=12.0))
    samples = [camera.step() for _ in range(50)]
    raised = next(n for n, sample in enumerate(samples) if Fault.UNWATCHED in sample.raised)
    cleared = next(n for n, sample in enumerate(samples) if Fault.UNWATCHED in sample.cleared)
    assert raised <= 4
    assert samples[raised].reasons[0].finding.measured == 0.1
    assert 26 <= cleared <= 40


def test_unwatched_seconds_and_a_gate_that_never_sleeps_or_wakes() -> None:
    camera = Played(HealthSettings(required=Requirements(max_unwatched_share=0.05)))
    seen = {}
    for n in range(9000):
        watch = camera.facts.watch
        behind = n in range(100, 140)
        watch = replace(
            watch,
            unwatched_s=watch.unwatched_s + (3.0 if behind else 0.0),
            awake_s=watch.awake_s + (10.0 if n < 500 else 0.0),
            wakes=1,
            watched_s=watch.watched_s + 10.0,
        )
        camera.facts = replace(camera.facts, watch=watch)
        camera.t += 10.0
        sample = camera.health.sample(camera.t, replace(camera.facts, packets=[]))
        for code in sample.raised:
            seen[code] = n
        for code in sample.cleared:
            seen[f"{code} cleared"] = n
    assert seen.keys() == {
        Fault.UNWATCHED,
        "unwatched cleared",
        Fault.NEVER_SLEEPS,
        "never_sleeps cleared",
        Fault.NEVER_WAKES,
    }
    assert 100 < seen[Fault.UNWATCHED] < 120 < seen["unwatched cleared"] < 190
    assert 340 <= seen[Fault.NEVER_SLEEPS] < 440
    assert seen[Fault.NEVER_WAKES] >= 8640

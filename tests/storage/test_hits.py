from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from index.entry import HitKind
from storage.alerts import AlertBook, MediaState, PictureKind
from storage.clips import ClipBook, ClipFile
from storage.crossings import Crossing
from storage.database import Database
from storage.events import EventLog
from storage.hits import PICTURE_BYTES, HitBook, HitOutcome, RecordedHit
from tests.fixtures.records import NOON, make_match, make_read

MINUTE = 60.0
CLIP = ClipFile("clips/cam-1/p1.mp4", "ab" * 32, 1000, 9.5, "h264", 'video/mp4; codecs="avc1.640028"')


def test_a_hit_raises_an_alert_once(database: Database) -> None:
    book = HitBook(database)
    first = book.record(make_read(), make_match(), same_alert_within_s=MINUTE)
    again = book.record(make_read(), make_match(), same_alert_within_s=MINUTE)
    assert (first.outcome, first.clip) == (HitOutcome.RAISED, MediaState.PENDING)
    assert (again.outcome, again.alert_id, again.cursor) == (HitOutcome.REPLAY, first.alert_id, None)
    assert again.clip is MediaState.PENDING  # whoever replays learns that the clip is still owed
    [event] = EventLog(database).after(0)
    alert = AlertBook(database).get(first.alert_id)
    assert alert is not None
    assert event.kind == "alert.raised"
    assert event.data == alert.as_json()
    assert event.data["entry"]["plate"] == "123ABC02"
    assert event.data["seen_at"] == NOON.isoformat()
    assert event.data["clip"]["state"] == "pending"


def test_a_later_pass_within_the_window_is_a_sighting(database: Database) -> None:
    book = HitBook(database)
    raised = book.record(make_read(), make_match(), same_alert_within_s=MINUTE)
    seen = [
        book.record(
            make_read(pass_id=f"later-{n}", seen_at=NOON + timedelta(seconds=50 * n)),
            make_match(),
            same_alert_within_s=MINUTE,
        )
        for n in (1, 2)
    ]
    assert [hit.outcome for hit in seen] == [HitOutcome.UPDATED] * 2
    assert {hit.alert_id for hit in seen} == {raised.alert_id}
    assert seen[0].clip is None
    alert = AlertBook(database).get(raised.alert_id)
    assert alert is not None
    assert (alert.sightings, alert.pass_id) == (3, "p1")
    assert alert.last_seen_at == NOON + timedelta(seconds=100)
    assert (alert.camera_at, alert.skew_s) == (NOON + timedelta(seconds=3), 2.96875)
    other = book.record(
        make_read(pass_id="much-later", seen_at=NOON + timedelta(hours=1)), make_match(), same_alert_within_s=MINUTE
    )
    assert other.outcome is HitOutcome.RAISED


def test_a_sighting_that_was_held_up_finds_its_alert(database: Database) -> None:
    book = HitBook(database)
    raised = book.record(make_read(), make_match(), same_alert_within_s=MINUTE)
    late = book.record(
        make_read(pass_id="p0", seen_at=NOON - timedelta(seconds=30)), make_match(), same_alert_within_s=MINUTE
    )
    assert (late.outcome, late.alert_id) == (HitOutcome.UPDATED, raised.alert_id)


def test_other_cameras_and_entries_raise_their_own(database: Database) -> None:
    book = HitBook(database)
    outcomes = [
        book.record(make_read(camera_id=camera), make_match(entry), same_alert_within_s=MINUTE).outcome
        for camera in ("cam-1", "cam-2")
        for entry in ("e1", "e2")
    ]
    assert outcomes == [HitOutcome.RAISED] * 4


CROSSING = Crossing("abay", ("cam-1", "cam-2", "cam-3"), 15.0)


def test_a_vehicle_that_passes_the_cameras_of_a_crossing_is_one_alert(database: Database) -> None:
    book = HitBook(database, [CROSSING])
    hits = [
        book.record(
            make_read(camera_id=f"cam-{n}", pass_id=f"p{n}", seen_at=NOON + timedelta(seconds=12 * n)),
            make_match(),
            same_alert_within_s=0.0,
        )
        for n in (1, 2, 3)
    ]
    assert [hit.outcome for hit in hits] == [HitOutcome.RAISED, HitOutcome.UPDATED, HitOutcome.UPDATED]
    assert {hit.alert_id for hit in hits} == {hits[0].alert_id}
    alert = AlertBook(database).get(hits[0].alert_id)
    assert alert is not None
    assert (alert.camera_id, alert.sightings) == ("cam-1", 3)
    assert [seen["camera_id"] for seen in alert.sighted] == ["cam-3", "cam-2", "cam-1"]
    assert [seen["pass_id"] for seen in alert.sighted] == ["p3", "p2", "p1"]
    assert EventLog(database).after(0)[-1].data == alert.as_json()
    replay = book.record(
        make_read(camera_id="cam-2", pass_id="p2", seen_at=NOON + timedelta(seconds=24)),
        make_match(),
        same_alert_within_s=0.0,
    )
    assert (replay.outcome, replay.alert_id) == (HitOutcome.REPLAY, alert.alert_id)


def test_what_the_crossing_does_not_join_stays_apart(database: Database) -> None:
    book = HitBook(database, [CROSSING])
    reads = [
        make_read(camera_id="cam-1", pass_id="p1"),
        make_read(camera_id="cam-2", pass_id="too-late", seen_at=NOON + timedelta(seconds=16)),
        make_read(camera_id="cam-9", pass_id="elsewhere", seen_at=NOON + timedelta(seconds=1)),
    ]
    outcomes = [book.record(read, make_match(), same_alert_within_s=MINUTE).outcome for read in reads]
    assert outcomes == [HitOutcome.RAISED] * 3
    # the first camera's own window is the longer one: it still finds its alert, the latest of the two it could be
    again = book.record(
        make_read(camera_id="cam-1", pass_id="p2", seen_at=NOON + timedelta(seconds=59)),
        make_match(),
        same_alert_within_s=MINUTE,
    )
    assert again.outcome is HitOutcome.UPDATED
    stored = AlertBook(database).get(again.alert_id)
    assert stored is not None
    assert stored.pass_id == "p1"


def test_a_camera_stands_in_one_crossing(database: Database) -> None:
    with pytest.raises(ValueError, match="cam-1 stands in the crossings abay and other"):
        HitBook(database, [CROSSING, Crossing("other", ("cam-1",), 5.0)])


def test_racing_cameras_of_a_crossing_raise_one_alert(database: Database) -> None:
    book = HitBook(database, [CROSSING])
    results: list[RecordedHit] = []
    gate = threading.Barrier(6)

    def record(camera_id: str, pass_id: str) -> None:
        gate.wait()
        results.append(book.record(make_read(camera_id, pass_id), make_match(), same_alert_within_s=MINUTE))

    threads = [
        threading.Thread(target=record, args=[camera_id, pass_id])
        for camera_id in CROSSING.cameras
        for pass_id in ("a", "a")  # each also as a replay
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hit.outcome.value for hit in results) == ["raised"] + ["replay"] * 3 + ["updated"] * 2
    [alert] = AlertBook(database).newest()
    assert (alert.sightings, len(alert.sighted)) == (3, 3)
    assert EventLog(database).after(0)[-1].data == alert.as_json()


def test_the_final_report_updates_the_early_one(database: Database) -> None:
    book, alerts = HitBook(database), AlertBook(database)
    early = make_read(text="123ABC0", closed=False, frames_read=3)
    raised = book.record(early, make_match(kind=HitKind.PROBABLE, score=0.8), same_alert_within_s=MINUTE)
    final = book.record(make_read(frames_read=9), make_match(), same_alert_within_s=MINUTE)
    stale = book.record(early, make_match(kind=HitKind.PROBABLE, score=0.8), same_alert_within_s=MINUTE)
    assert [hit.outcome for hit in (raised, final, stale)] == [
        HitOutcome.RAISED,
        HitOutcome.UPDATED,
        HitOutcome.REPLAY,
    ]
    alert = alerts.get(raised.alert_id)
    assert alert is not None
    assert (alert.text, alert.kind, alert.sightings, alert.closed) == ("123ABC02", "exact", 1, True)


def test_pictures_come_with_the_hit(database: Database) -> None:
    book, alerts = HitBook(database), AlertBook(database)
    pictures = {PictureKind.PLATE: b"plate", PictureKind.VEHICLE: b"x" * (PICTURE_BYTES + 1)}
    hit = book.record(make_read(), make_match(), same_alert_within_s=MINUTE, pictures=pictures)
    assert alerts.picture(hit.alert_id, PictureKind.PLATE) == b"plate"
    assert alerts.picture(hit.alert_id, PictureKind.VEHICLE) is None  # too large: left out, and the hit stands
    later = book.record(
        make_read(), make_match(), same_alert_within_s=MINUTE, pictures={PictureKind.VEHICLE: b"vehicle"}
    )
    assert later.outcome is HitOutcome.UPDATED
    assert EventLog(database).after(0)[-1].data["picture"] == {"state": "ready", "kinds": ["plate", "vehicle"]}


def test_a_clip_changes_its_alert(database: Database) -> None:
    book, clips, alerts = HitBook(database), ClipBook(database), AlertBook(database)
    hit = book.record(make_read(), make_match(), same_alert_within_s=MINUTE)
    assert clips.mark_ready("cam-1", "p1", CLIP)
    assert not clips.mark_ready("cam-1", "p1", CLIP)
    assert not clips.mark_lost("cam-1", "p1", "too late")
    raised, updated = EventLog(database).after(0)
    assert (raised.kind, updated.kind) == ("alert.raised", "alert.updated")
    assert updated.data["clip"] == {
        "state": "ready",
        "duration_s": 9.5,
        "codec": "h264",
        "mime": CLIP.mime,
        "reason": None,
    }
    stored = alerts.clip(hit.alert_id)
    assert stored is not None
    assert (stored.key, stored.sha256) == (CLIP.key, CLIP.sha256)


def test_a_clip_may_come_before_its_hit(database: Database) -> None:
    ClipBook(database).mark_ready("cam-1", "p1", CLIP)
    hit = HitBook(database).record(make_read(), make_match(), same_alert_within_s=MINUTE)
    assert hit.clip is MediaState.READY
    assert EventLog(database).after(0)[-1].data["clip"]["state"] == "ready"


def test_a_clip_that_never_comes_is_given_up_with_a_reason(database: Database) -> None:
    clips = ClipBook(database)
    hit = HitBook(database).record(make_read(), make_match(), same_alert_within_s=MINUTE)
    assert clips.give_up_overdue(3600) == 0
    assert clips.give_up_overdue(0, "the camera's process ended") == 1
    assert EventLog(database).after(0)[-1].data["clip"]["reason"] == "the camera's process ended"
    assert clips.mark_ready("cam-1", "p1", CLIP)  # it came after all
    stored = AlertBook(database).clip(hit.alert_id)
    assert stored is not None
    assert (stored.state, stored.reason) == (MediaState.READY, None)


def test_racing_writers_raise_one_alert(database: Database) -> None:
    """Two copies of a hit, its early and final report, further passes and the clip, all at once."""
    book, clips = HitBook(database), ClipBook(database)
    results: list[RecordedHit] = []
    gate = threading.Barrier(9)

    def record(pass_id: str, closed: bool) -> None:
        gate.wait()
        results.append(book.record(make_read(pass_id=pass_id, closed=closed), make_match(), same_alert_within_s=MINUTE))

    def clip() -> None:
        gate.wait()
        for name in ("a", "b"):
            clips.mark_ready("cam-1", name, ClipFile(name, name, 1, 1.0, "h264", "video/mp4"))

    threads = [threading.Thread(target=clip)] + [
        threading.Thread(target=record, args=[name, closed])
        for name in ("a", "b")
        for closed in (True, False)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert sum(hit.outcome is HitOutcome.RAISED for hit in results) == 1
    assert len({hit.alert_id for hit in results}) == 1
    [alert] = AlertBook(database).newest()
    assert (alert.sightings, alert.clip_state, alert.closed) == (2, "ready", True)
    events = EventLog(database).after(0)
    assert [event.kind for event in events].count("alert.raised") == 1
    assert events[-1].data == alert.as_json()  # the last word is the whole truth


def test_alerts_are_listed_newest_first_by_page(database: Database) -> None:
    book, alerts = HitBook(database), AlertBook(database)
    ids = [
        book.record(make_read(camera_id=f"cam-{n}"), make_match(), same_alert_within_s=MINUTE).alert_id
        for n in range(5)
    ][::-1]
    assert [alert.alert_id for alert in alerts.newest(2)] == ids[:2]
    assert [alert.alert_id for alert in alerts.newest(9, older_than=ids[1])] == ids[2:]

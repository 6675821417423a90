"""Processes of a running region are killed: it comes back, and no hit is lost or alerted twice."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import datetime

import psutil
import pytest

from tests.fixtures.region import ACTORS, CAMERAS, ROUND_S, RunningRegion, wait_for

pytestmark = pytest.mark.timeout(600)
PATIENCE_S = 60.0
"""For what takes seconds on a machine of its own."""


def sightings(region: RunningRegion) -> Counter[tuple[str, int]]:
    """Alerts by camera and round of the looped road."""
    seen: Counter[tuple[str, int]] = Counter()
    for alert in region.alerts():
        at = datetime.fromisoformat(alert["seen_at"]).timestamp()
        seen[alert["camera"]["camera_id"], int(at // ROUND_S)] += 1
    return seen


def gave_way_s(region: RunningRegion) -> float:
    """Seconds in which cameras were not looked at as they should be, for want of CPU, as they were last told."""
    told = [counts["ingest-gpu-0"] for counts in region.stats() if counts.get("ingest-gpu-0")]
    cameras = told[-1]["cameras"].values() if told else ()
    return sum(float(camera["thinned_s"]) + float(camera["unwatched_s"]) for camera in cameras)


def assert_none_lost(region: RunningRegion, rounds: range, given_way_s: float) -> None:
    """Every camera alerted once in each round; where cameras gave way since, as they tell, nothing can be said."""

    def lost() -> list[tuple[str, int]]:
        seen = sightings(region)
        assert max(seen.values()) == 1, "an alert was raised twice"
        return [(camera, number) for number in rounds for camera in CAMERAS if not seen[camera, number]]

    def is_settled() -> bool:
        counts = region.stats()[told:]
        return bool(counts and counts[-1].get("publish")) and not counts[-1]["publish"]["spool_items"]

    if not lost():
        return
    told = len(region.stats())
    wait_for(is_settled, 2 * PATIENCE_S, "what went to the spool is written, and told")
    if not lost():
        return
    if gave_way := gave_way_s(region) - given_way_s:
        pytest.skip(f"this machine was too busy: cameras gave way for {gave_way:.0f} s, and told so")
    raise AssertionError(f"hits were lost: {lost()}; {sightings(region)}\n{region.trouble()}")


def this_round() -> int:
    return int(time.time() // ROUND_S)


def wait_for_round(region: RunningRegion, number: int) -> None:
    """Until every camera has alerted in a round from ``number`` on."""

    def all_seen() -> bool:
        seen = sightings(region)
        return all(any(camera == name and n >= number for camera, n in seen) for name in CAMERAS)

    wait_for(all_seen, 2 * ROUND_S + PATIENCE_S, f"every camera alerts from round {number} on")


def kill(region: RunningRegion, actor: str) -> tuple[int, int]:
    """Kill an actor's process; its old and new number."""
    before = wait_for(lambda: region.pid_of(actor), PATIENCE_S, f"{actor} runs")
    os.kill(before, signal.SIGKILL)
    after = wait_for(lambda: (pid := region.pid_of(actor)) != before and pid, PATIENCE_S, f"{actor} is back")
    return before, after


@pytest.mark.parametrize("actor", [name for name in ACTORS if name != "ingest-gpu-0"])
def test_no_hit_is_lost_or_doubled_when_an_actor_dies(running_region: RunningRegion, actor: str) -> None:
    began, given_way = this_round(), gave_way_s(running_region)
    wait_for_round(running_region, began)  # a vehicle is passing: its final report and its clip are on their way
    kill(running_region, actor)
    last = this_round() + 1
    wait_for_round(running_region, last)
    first = max(began, min(number for _, number in sightings(running_region)))
    assert_none_lost(running_region, range(first + 1, last + 1), given_way)

    def clips() -> list[str]:
        return [alert["clip"]["state"] for alert in running_region.alerts()]

    wait_for(lambda: set(clips()) == {"ready"}, PATIENCE_S, "every alert has its clip")


def test_cameras_come_back_when_their_ingest_dies(running_region: RunningRegion) -> None:
    wait_for_round(running_region, this_round())
    before = time.time()
    kill(running_region, "ingest-gpu-0")
    wait_for(lambda: _live_since(running_region, before), PATIENCE_S, "every camera is live again")
    wait_for_round(running_region, this_round())
    assert max(sightings(running_region).values()) == 1, "an alert was raised twice"


def test_reports_wait_while_postgres_is_away(running_region: RunningRegion) -> None:
    """Postgres is killed; the supervisor starts it again, and what was seen meanwhile is alerted."""
    began, given_way = this_round(), gave_way_s(running_region)
    leader = min(_processes_named(running_region, "postgres"), key=lambda process: process.create_time())
    leader.send_signal(signal.SIGKILL)
    wait_for_round(running_region, began + 1)
    assert_none_lost(running_region, range(began + 1, began + 2), given_way)


def test_nothing_stays_when_the_supervisor_is_killed(running_region: RunningRegion) -> None:
    earlier = {alert["alert_id"] for alert in wait_for(running_region.alerts, PATIENCE_S, "there are alerts")}
    assert running_region.process is not None
    running_region.process.kill()
    running_region.process.wait()
    wait_for(lambda: not _processes(running_region), PATIENCE_S, "every process of the region is gone")

    running_region.home.running.unlink()
    running_region.start()
    assert earlier <= {alert["alert_id"] for alert in running_region.alerts()}


def test_it_ends_in_order_and_leaves_nothing(running_region: RunningRegion) -> None:
    assert running_region.stop(signal.SIGINT) == 0, running_region.output()
    assert running_region.leftovers() == []
    assert not running_region.home.running.exists()


def _live_since(region: RunningRegion, moment: float) -> bool:
    with region.database() as database, database.transaction() as connection:
        rows = connection.execute(
            "SELECT state, since FROM cameras WHERE camera_id = ANY(%s)", [list(CAMERAS)]
        ).fetchall()
    return all(state == "live" and since.timestamp() > moment for state, since in rows)


def _processes(region: RunningRegion) -> list[psutil.Process]:
    from cluster.engine import marked_processes

    return marked_processes(region.home.mark)


def _processes_named(region: RunningRegion, name: str) -> list[psutil.Process]:
    return [process for process in _processes(region) if process.name() == name]

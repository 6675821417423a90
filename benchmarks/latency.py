"""How long from the frame in which a plate is best to its alert on the event stream, and what a region costs meanwhile.

Runs a region with four cameras that play drawn roads in real time, as ``beket demo`` does, and follows its event
stream as a console does. ``python benchmarks/latency.py [--json] [--seconds 120] [--cores 2]``; the last line of
``--json`` is one object with ``p50_s``, ``p95_s`` (best frame to alert) and ``after_leaving_p95_s`` (vehicle gone to
alert; below 0 where a reading was certain enough to alert before).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to listen")
    parser.add_argument("--cores", type=int, default=2, help="cores that the region may use")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])

    from cluster.commands.demo import CONFIGURATION, draw_roads
    from cluster.engine import marked_processes, prepare_environment
    from cluster.home import Home
    from cluster.settings import read_settings
    from models.supply.store import home as project_home

    with tempfile.TemporaryDirectory(prefix="bkl-") as folder:
        home = Home(Path(folder)).make()
        home.models.symlink_to(_made(project_home() / "models"))
        home.roads.symlink_to(_made(project_home() / "roads"))
        draw_roads(Home(project_home()))
        prepare_environment(home, 1)
        from cluster.alert_stream import follow_events
        from cluster.region import Region

        settings = _with_every_plate_listed(read_settings(CONFIGURATION), home)
        with Region(settings, home, lambda line: print(line, file=sys.stderr)) as region:
            facts = region.start()
            keeping = threading.Thread(target=region.run)
            keeping.start()
            time.sleep(10.0)  # the gates learn their roads
            before, began = _cpu_s(marked_processes(home.mark)), time.monotonic()
            raised = []
            for event in follow_events(facts.address, facts.cursor, options.seconds):
                if event["kind"] == "alert.raised" and time.monotonic() - began > 1.0:
                    raised.append((time.time(), event["data"]))
            spent, lasted = _cpu_s(marked_processes(home.mark)) - before, time.monotonic() - began
            memory = sum(process.memory_info().rss for process in marked_processes(home.mark))
            stats = region.stats()
            out_s = _left_at(region, [alert["pass_id"] for _, alert in raised])
            region.ask_to_stop()
            keeping.join()
    result = _summed(raised, out_s)
    cameras = [camera for actor in stats.values() if actor for camera in actor.get("cameras", {}).values()]
    result |= {
        "cpu_cores": round(spent / lasted, 2),
        "memory_mb": round(memory / 1e6),
        "cameras": len(cameras),
        "unwatched_s": round(sum(camera["unwatched_s"] for camera in cameras), 1),
        "passes": sum(camera["passes"] for camera in cameras),
        "unread": sum(camera["unread"] for camera in cameras),
        "seconds": round(lasted),
        "machine": f"{platform.machine()}, {options.cores} cores, load {os.getloadavg()[0]:.1f}",
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:>20}  {value}")
    return 0 if result["alerts"] else 1


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _with_every_plate_listed(settings: Any, home: Any) -> Any:
    """The demo's settings with all drawn plates on its list: every pass should alert."""
    from simulation.traffic import DEMO_ROADS

    plates = [drive.text for _, _, drives in DEMO_ROADS.values() for drive in drives]
    path = home.path / "list.csv"
    rows = "".join(f"{plate},stolen,B-1,bench,2099-12-31\n" for plate in plates)
    path.write_text("plate,category,legal_basis,owner,valid_until\n" + rows)
    hotlist = settings.hotlists[0].model_copy(update={"file": path})
    return settings.model_copy(update={"hotlists": (hotlist,)})


def _cpu_s(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _left_at(region: Any, passes: list[str]) -> dict[str, float]:
    """When the vehicle of each pass was last seen, seconds after its best frame."""
    from storage.database import Database

    with Database(region._stores.dsn, connections=1) as database, database.transaction() as connection:
        rows = connection.execute(
            "SELECT pass_id, t_out - best_t FROM hits WHERE pass_id = ANY(%s)", [passes]
        ).fetchall()
    return {pass_id: after_s for pass_id, after_s in rows if after_s is not None}


def _summed(raised: list[tuple[float, dict[str, Any]]], out_s: dict[str, float]) -> dict[str, Any]:
    after_best = [at - datetime.fromisoformat(alert["seen_at"]).timestamp() for at, alert in raised]
    after_leaving = [
        delay_s - out_s[alert["pass_id"]]
        for delay_s, (_, alert) in zip(after_best, raised, strict=True)
        if alert["pass_id"] in out_s
    ]

    def quantile(values: list[float], share: float) -> float | None:
        return round(float(np.quantile(values, share)), 3) if values else None

    return {
        "p50_s": quantile(after_best, 0.5),
        "p95_s": quantile(after_best, 0.95),
        "after_leaving_p50_s": quantile(after_leaving, 0.5),
        "after_leaving_p95_s": quantile(after_leaving, 0.95),
        "alerts": len(raised),
    }


if __name__ == "__main__":
    sys.exit(main())

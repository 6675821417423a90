"""``beket demo``: four drawn roads, a hotlist, alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.running import home_of, run_region, say
from cluster.home import Home
from cluster.settings import read_settings

CONFIGURATION = Path(__file__).resolve().parents[2] / "configs" / "demo.yaml"


def demo(
    until_alert: Annotated[
        bool, typer.Option("--until-alert", help="End with 0 as soon as an alert with its clip has come, else with 1.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=10, metavar="S", help="Seconds to wait for it, from the start of the region.")
    ] = 180.0,
) -> None:
    """Play four simulated cameras in real time, read their plates, alert on a hotlist. Ctrl-C ends all of it."""
    settings = read_settings(CONFIGURATION)
    home = home_of(settings).make()
    draw_roads(home)
    run_region(settings, home, until_alert_s=timeout if until_alert else None)


def draw_roads(home: Home) -> None:
    """Draw the demo's roads into the home folder, unless they lie there: once, a minute or so."""
    from simulation.clip import write_clip
    from simulation.traffic import DEMO_ROADS, demo_scenes

    wanted = {name: home.roads / f"{name}.mp4" for name in DEMO_ROADS}
    if all(path.exists() for path in wanted.values()):
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    say("drawing the demo's roads (once)")
    missing = [name for name, path in wanted.items() if not path.exists()]
    scenes = {scene.name: scene for scene in demo_scenes()}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for name, done in [(name, pool.submit(write_clip, scenes[name], wanted[name])) for name in missing]:
            done.result()
            say(f"  {name} is drawn")

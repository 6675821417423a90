"""Running a region in the foreground, for ``beket up`` and ``beket demo``."""

from __future__ import annotations

import sys
import threading
import time

import typer

from cluster.engine import prepare_environment
from cluster.home import Home, default_home
from cluster.settings import RegionSettings


def home_of(settings: RegionSettings | None) -> Home:
    """Where the region keeps its things: the configuration's ``home``, else ``$BEKET_HOME``, else ``.beket`` here."""
    return Home((settings and settings.home) or default_home())


def say(line: str) -> None:
    """A line of progress for a person."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


def run_region(settings: RegionSettings, home: Home, *, until_alert_s: float | None = None) -> None:
    """Start a region, run it until a signal (or, with ``until_alert_s``, an alert with its clip), end all of it.

    Exits with 1 when no alert came in that time.
    """
    # before Ray is imported: it reads its token then
    prepare_environment(home.make(), settings.models.threads, joins=settings.ray.address is not None)
    from cluster.alert_stream import wait_for_alert
    from cluster.region import Region, stop_on_signals

    seen = threading.Event()
    with Region(settings, home, say) as region:
        stop_on_signals(region)
        began = time.monotonic()
        facts = region.start()
        if until_alert_s is None:
            say("Ctrl-C ends it")
            region.run()
        else:
            left_s = until_alert_s - (time.monotonic() - began)

            def wait() -> None:
                try:
                    alert = wait_for_alert(facts.address, facts.cursor, left_s)
                    if alert is not None:
                        seen.set()
                        plate, kind = alert["text"], alert["kind"]
                        say(f"alert with its clip: {plate}, {kind}, score {alert['score']}, {alert['camera']['name']}")
                finally:
                    region.ask_to_stop()

            threading.Thread(target=wait, name="until-alert", daemon=True).start()
            region.run()
        say("ending")
    if until_alert_s is not None and not seen.is_set():
        print(f"beket: no alert with its clip came in {until_alert_s:.0f} s; see {home.logs}", file=sys.stderr)
        raise typer.Exit(1)

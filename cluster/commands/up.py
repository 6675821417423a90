"""``beket up``: a region from its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.running import home_of, run_region
from cluster.settings import read_settings


def up(
    config: Annotated[Path, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")],
) -> None:
    """Run a region until Ctrl-C or SIGTERM: services, engine, actors, console, cameras."""
    settings = read_settings(config)
    run_region(settings, home_of(settings))

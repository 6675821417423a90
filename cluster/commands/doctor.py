"""``beket doctor``: what is missing on this machine, and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings


def doctor(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE.yaml", help="Look with a region's eyes: its home, its ports."),
    ] = None,
) -> None:
    """Look at this machine. Exits with 1 when something that a region needs is missing."""
    from cluster.checks import check_machine
    from cluster.finding import Grade

    settings = read_settings(config) if config else RegionSettings()
    findings = check_machine(settings, home_of(settings))
    marks = {Grade.GOOD: typer.style("ok      ", fg="green"), Grade.OPTIONAL: typer.style("optional", fg="yellow")}
    for finding in findings:
        mark = marks.get(finding.grade) or typer.style("missing ", fg="red")
        typer.echo(f"{mark}  {finding.what}: {finding.found}" + (f"; {finding.mend}" if finding.mend else ""))
    if any(finding.grade is Grade.MISSING for finding in findings):
        raise typer.Exit(1)

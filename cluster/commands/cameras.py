"""``beket cameras``: adding them, looking at them, trying them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.camera_onvif import add, discover
from cluster.commands.camera_probe import probe
from cluster.commands.running import home_of
from cluster.home import Home
from cluster.settings import RegionSettings, read_settings

app = typer.Typer(no_args_is_help=True, help="Discover, add, import, list and probe cameras.")
app.command()(discover)
app.command()(add)
app.command()(probe)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, and nothing else.")]


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="Columns id, url; gate_url, name, place, latitude..."),
    ],
    config: Config = None,
) -> None:
    """Add cameras or change those that are known. A running region takes them up within seconds.

    Bad rows are told and left out; exits with 1 when there were any.
    """
    from cluster.camera_file import read_camera_file
    from cluster.camera_rules import camera_record, source_rules
    from cluster.reach import camera_book, reach_database
    from video.connect.source import parse_source
    from video.errors import VideoError

    settings, home = _region(config)
    read = read_camera_file(file)
    problems = list(read.problems)
    good = []
    for camera in read.cameras:
        record = camera_record(camera, home)
        try:
            for url in (record.url, record.gate_url):
                if url is not None:
                    parse_source(url, source_rules(settings))
        except VideoError as error:
            problems.append(f"camera {camera.id}: {error}")
        else:
            good.append(record)
    if good:
        with reach_database(settings, home) as database:
            done = camera_book(database, home).put(good)
        typer.echo(f"{done.added} added, {done.changed} changed, {done.unchanged} as they were", err=True)
    for problem in problems:
        typer.echo(f"{file}: {problem}", err=True)
    if problems or not good:
        raise typer.Exit(1)


@app.command(name="list")
def list_(config: Config = None, as_json: AsJson = False) -> None:
    """Every camera: where it is and how it is. Addresses are shown without their logins."""
    from cluster.reach import camera_book, reach_database

    settings, home = _region(config)
    with reach_database(settings, home) as database:
        cameras = camera_book(database, home).list()
    if as_json:
        for camera in cameras:
            row = {**asdict(camera), "since": camera.since and camera.since.isoformat()}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    table = Table("camera", "name", "address", "state", "since")
    for camera in cameras:
        state = camera.state if camera.reason is None else f"{camera.state} ({camera.reason})"
        since = camera.since.astimezone().strftime("%Y-%m-%d %H:%M:%S") if camera.since else ""
        table.add_row(camera.camera_id, camera.name, camera.address, state if camera.enabled else "off", since)
    Console().print(table)


def _region(config: Path | None) -> tuple[RegionSettings, Home]:
    settings = read_settings(config) if config else RegionSettings()
    return settings, home_of(settings)

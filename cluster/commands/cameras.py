"""``beket cameras``: adding them, looking at them, trying them."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.camera_onvif import add, discover
from cluster.commands.running import home_of
from cluster.home import Home
from cluster.settings import RegionSettings, read_settings

app = typer.Typer(no_args_is_help=True, help="Discover, add, import, list and probe cameras.")
app.command()(discover)
app.command()(add)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, and nothing else.")]

_AT_ONCE = 16


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
    from cluster.plan import camera_record, source_rules
    from cluster.reach import camera_book, reach_database
    from video.errors import VideoError
    from video.source import parse_source

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


@app.command()
def probe(
    which: Annotated[str, typer.Argument(metavar="URL|ID|all", help="An address, a camera's id, or all of them.")],
    config: Config = None,
    as_json: AsJson = False,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long to look at each.")] = 5.0,
) -> None:
    """Connect to a camera and say what it sends, or why it can't be used. Exits with 1 when one can't be used."""
    from cluster.plan import source_rules
    from cluster.reach import camera_book, reach_database
    from video.errors import VideoError
    from video.probe import probe as look
    from video.source import parse_source

    settings, home = _region(config)
    if ":" in which:
        addresses = {"": which}
    else:
        with reach_database(settings, home) as database:
            cameras = camera_book(database, home).enabled()
        addresses = {camera.camera_id: camera.url for camera in cameras if which in ("all", camera.camera_id)}
        if not addresses and which != "all":
            raise typer.BadParameter(f"there is no camera {which}; `beket cameras list` names them, or give an address")
    rules = source_rules(settings)

    def tried(item: tuple[str, str]) -> dict[str, Any]:
        name, url = item
        try:
            return {"camera_id": name or None, "ok": True, **asdict(look(parse_source(url, rules), seconds=seconds))}
        except VideoError as error:
            return {"camera_id": name or None, "ok": False, "reason": error.reason.value, "detail": str(error)}

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(tried, addresses.items()))
    for result in results:
        if as_json:
            sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        else:
            _show(result)
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


def _show(result: dict[str, Any]) -> None:
    name = result["camera_id"] or result.get("source") or ""
    if not result["ok"]:
        typer.echo(f"{name}: {result['detail']}" if name else result["detail"], err=True)
        return
    facts = [f"{result['codec']} {result['width']}x{result['height']}"]
    if result["fps"]:
        facts.append(f"{result['fps']:.4g} fps")
    if result["keyframe_interval_s"]:
        facts.append(f"a keyframe every {result['keyframe_interval_s']:.3g} s")
    if result["bitrate_bps"]:
        facts.append(f"{result['bitrate_bps'] / 1e6:.3g} Mbit/s")
    facts.append(f"first picture after {result['first_frame_after_s']:.2f} s")
    if result["skew_s"] is not None:
        facts.append(f"clock off by {result['skew_s']:+.1f} s")
    typer.echo(f"{name}: {', '.join(facts)}")


def _region(config: Path | None) -> tuple[RegionSettings, Home]:
    settings = read_settings(config) if config else RegionSettings()
    return settings, home_of(settings)

"""``beket cameras probe``: what cameras really send, and whether that is what is required."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings

if TYPE_CHECKING:
    from cluster.conformance import Conformance, ProbeOptions, Target

_WIDE = 160
"""Columns of a table that is not for a terminal."""


def probe(
    which: Annotated[
        str, typer.Argument(metavar="URL|ID|FILE|all", help="An address, a camera's id, a file of addresses, or all.")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")
    ] = None,
    requirements: Annotated[
        Path | None,
        typer.Option("--requirements", metavar="FILE.yaml", help="What is required, instead of the configuration's."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout as each is done, and nothing else.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout, and nothing else.")] = False,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long to look at each.")] = 5.0,
    at_once: Annotated[int, typer.Option(min=1, max=1000, help="Cameras looked at side by side.")] = 32,
    timeout: Annotated[float, typer.Option(min=1, max=120, help="Seconds to wait for a camera's answer.")] = 10.0,
) -> None:
    """Connect to cameras, say what each sends, and judge it against what is required.

    FILE holds an address a line, or CSV with the columns id and url. Cameras that do not answer are tried again at the
    end, fewer at a time. Ctrl-C ends it with what is known by then.
    Exits with 1 when a camera can't be used or falls short, 130 after Ctrl-C.
    """
    from cluster.camera_rules import requirements as required_by
    from cluster.camera_rules import source_rules
    from cluster.conformance import ProbeOptions
    from cluster.settings.file import read_requirements
    from video.packets.demux import OpenSettings

    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    settings = read_settings(config) if config else RegionSettings()
    if requirements is not None:
        health = settings.health.model_copy(update={"requirements": read_requirements(requirements)})
        settings = settings.model_copy(update={"health": health})
    targets = _targets(which, settings)
    options = ProbeOptions(
        source_rules(settings), required_by(settings), seconds, at_once, OpenSettings(timeout, timeout)
    )
    say = _json_line if as_json else None
    results, is_whole = _judged(targets, options, say)
    results.sort(key=lambda result: result.number)
    if not as_json:
        _report(results, targets, as_csv=as_csv, is_single=":" in which)
    if not is_whole:
        raise typer.Exit(130)
    if any(result.findings or result.probe is None for result in results):
        raise typer.Exit(1)


def _judged(
    targets: list[Target], options: ProbeOptions, say: Callable[[Conformance], None] | None
) -> tuple[list[Conformance], bool]:
    """Results in the order in which they came, and whether all did."""
    from cluster.conformance import judge_all

    results: list[Conformance] = []
    stop = Event()
    error_console = Console(stderr=True)
    progress = Progress(
        TextColumn("cameras"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
        console=error_console,
        transient=True,
        disable=len(targets) < 2 or not error_console.is_terminal,
    )
    unusable = 0
    # a flag rather than KeyboardInterrupt, which is lost where it meets a thread's lock or a library's callback
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with progress:
            task = progress.add_task("cameras", total=len(targets), said="")
            for result in judge_all(targets, options, stop):
                results.append(result)
                if say is not None:
                    say(result)
                unusable += result.probe is None
                progress.update(task, advance=1, said=f"{unusable} can't be used" if unusable else "")
    finally:
        signal.signal(signal.SIGINT, before)
    is_whole = len(results) == len(targets)
    if not is_whole:
        typer.echo(f"stopped: {len(results)} of {len(targets)} cameras were looked at", err=True)
    return results, is_whole


def _json_line(result: Conformance) -> None:
    from cluster.conformance_report import as_document

    sys.stdout.write(json.dumps(as_document(result), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _report(results: list[Conformance], targets: list[Target], *, as_csv: bool, is_single: bool) -> None:
    from cluster.conformance_report import show_one, show_table, summary, write_csv

    if as_csv:
        write_csv(results, sys.stdout)
        return
    if is_single:
        for result in results:
            show_one(result, Console())
            if result.probe is None:
                typer.echo(result.detail, err=True)
        return
    console = Console()
    if results:
        show_table(results, console if console.is_terminal else Console(width=_WIDE))
    typer.echo(summary(results, len(targets)), err=True)


def _targets(which: str, settings: RegionSettings) -> list[Target]:
    from cluster.conformance import Target

    if Path(which).is_file():
        return _listed(Path(which))
    if ":" in which:
        return [Target(None, which)]
    from cluster.reach import camera_book, reach_database

    home = home_of(settings)
    with reach_database(settings, home) as database:
        cameras = camera_book(database, home).enabled()
    targets = [Target(camera.camera_id, camera.url) for camera in cameras if which in ("all", camera.camera_id)]
    if not targets and which != "all":
        raise typer.BadParameter(f"there is no camera {which}; `beket cameras list` names them, or give an address")
    return targets


def _listed(path: Path) -> list[Target]:
    """The cameras of a file. Raises ``SettingsError``, which shows no address."""
    from cluster.camera_file import read_camera_file
    from cluster.conformance import Target
    from cluster.errors import SettingsError

    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path}: can't be read as text; give an address a line, or CSV with id and url") from None
    lines = [line for line in lines if line and not line.startswith("#")]
    if lines and "://" not in lines[0] and not lines[0].startswith("file:"):
        read = read_camera_file(path)
        for problem in read.problems:
            typer.echo(f"{path}: {problem}", err=True)
        return [Target(camera.id, camera.url.get_secret_value()) for camera in read.cameras]
    return [Target(None, line) for line in lines]

"""``beket scan``: plates of pictures, videos and streams, in this process, without Ray, database or S3."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from index.entry import Entry
from index.hotlist import HotlistIndex
from index.hotlist_file import HotlistFileError, HotlistReader, RowError
from models.catalogue import open_plate_corners, open_plate_detector, open_plate_reader, open_vehicle_detector
from models.confusion import reader_confusion
from models.errors import ModelError
from models.runtime.session import SessionOptions
from models.supply.store import ModelStore
from passes import scan as scanning
from passes.pipeline import Detectors
from passes.rows import ErrorRow, HitRow, PassRow, Row, SummaryRow

_ROW_ERRORS_SHOWN = 10
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def scan(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Picture, folder, video file, rtsp(s):// or https:// address."),
    ],
    hotlist: Annotated[
        Path | None,
        typer.Option("--hotlist", metavar="FILE.csv", help="Plates to look for; one column 'plate' is enough."),
    ] = None,
    clips: Annotated[Path | None, typer.Option("--clips", metavar="DIR", help="Put the clips of hits there.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout, and nothing else.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Cores that models and decoders may use.")] = len(
        os.sched_getaffinity(0)
    ),
    reader: Annotated[
        str | None,
        typer.Option("--reader", metavar="NAME", help="Plate reader of the model store; its first by default."),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option("--deny-licence", metavar="SPDX", help="Use no model whose weights claim this licence."),
    ] = None,
) -> None:
    """Read the plates of SOURCES; say which of them are on the hotlist.

    Exits with 1 when a source failed (the others are still scanned), with 2 when nothing could be done.
    """
    stderr = Console(stderr=True)
    entries = _entries(hotlist, stderr) if hotlist else None
    cv2.setNumThreads(1)
    session = SessionOptions(threads=threads)
    store = ModelStore(deny_licences=deny or ())
    try:
        with stderr.status("getting models ready"):
            vehicles = None if store.denies("vehicle_detector") else open_vehicle_detector(store, session)
            corners = open_plate_corners(store, session)
            detectors = Detectors(open_plate_detector(store, session), vehicles, corners=corners)
            plate_reader = open_plate_reader(store, session, name=reader)
    except ModelError as error:
        stderr.print(f"[red]beket:[/] {error}", highlight=False)
        raise typer.Exit(2) from None
    listed = None
    if entries is not None:
        listed = HotlistIndex.build(entries, confusion=reader_confusion(store, reader))
    rows: list[Row] = []
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    )
    task = bar.add_task("", total=None)

    def emit(row: Row) -> None:
        if as_json:
            sys.stdout.write(row.line() + "\n")
            sys.stdout.flush()
        else:
            rows.append(row)
        if isinstance(row, ErrorRow):
            bar.console.print(f"[red]{row.source}[/]: {row.message}", highlight=False)

    def advance(done: scanning.Progress) -> None:
        share = done.t / done.duration_s if done.duration_s else (1.0 if done.t == 0 else 0.0)
        name = done.source.rsplit("/", 1)[-1]
        live = done.duration_s is None and done.t > 0
        bar.update(
            task,
            description=f"{name}: {f'{done.t:.0f} s, ' if live else ''}{done.passes} passes",
            total=None if live and done.sources == 1 else done.sources,
            completed=done.number - 1 + min(share, 1.0),
        )

    if clips is not None:
        try:
            clips.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            stderr.print(f"[red]beket:[/] the folder {clips} can't be made: {error.strerror}", highlight=False)
            raise typer.Exit(2) from None
    settings = scanning.ScanSettings(hotlist=listed, clips=clips, decode_threads=threads)
    work = scanning.Scan(detectors, plate_reader, settings, emit, advance)
    is_interrupted = False
    try:
        with bar:
            work.run(sources)
    except KeyboardInterrupt:
        is_interrupted = True
    if not as_json:
        _print_table(rows, Console())
    if work.failed or is_interrupted:
        raise typer.Exit(1 if work.failed else 130)


def _entries(path: Path, stderr: Console) -> list[Entry]:
    """The entries of a hotlist file; its bad rows are named on stderr and left out."""
    try:
        reader = HotlistReader(path.read_bytes())
        entries, errors = [], []
        for row in reader:
            if isinstance(row, RowError):
                errors.append(row)
            else:
                entries.append(row.entry(valid_from=_ALWAYS, valid_until=_FOR_EVER))
    except OSError as error:
        stderr.print(f"[red]beket:[/] the hotlist {path} can't be read: {error.strerror}", highlight=False)
        raise typer.Exit(2) from None
    except HotlistFileError as error:
        stderr.print(f"[red]beket:[/] the hotlist {path}: {error}", highlight=False)
        raise typer.Exit(2) from None
    for wrong in errors[:_ROW_ERRORS_SHOWN]:
        stderr.print(f"{path}, {wrong}", highlight=False)
    if len(errors) > _ROW_ERRORS_SHOWN:
        stderr.print(f"{path}: {len(errors) - _ROW_ERRORS_SHOWN} more rows left out")
    stderr.print(f"{path}: {len(entries)} entries, {len(errors)} rows left out", highlight=False)
    return entries


def _print_table(rows: list[Row], console: Console) -> None:
    hits: dict[tuple[str, str], list[HitRow]] = {}
    for row in rows:
        if isinstance(row, HitRow):
            hits.setdefault((row.source, row.pass_id), []).append(row)
    table = Table(title=None)
    for name in ("source", "plate", "score", "country", "vehicle", "seen", "hit"):
        table.add_column(name, overflow="fold")
    for row in rows:
        if not isinstance(row, PassRow):
            continue
        seen = "" if row.t_in is None or row.t_out is None else f"{_clock(row.t_in)} - {_clock(row.t_out)}"
        met = ", ".join(_told(hit) for hit in hits.get((row.source, row.pass_id), []))
        table.add_row(
            row.source.rsplit("/", 1)[-1],
            row.text or "-",
            f"{row.score:.3f}",
            row.country or "",
            row.vehicle_type or "",
            seen,
            f"[bold red]{met}[/]" if met else "",
        )
    if table.row_count:
        console.print(table)
    summaries = [row for row in rows if isinstance(row, SummaryRow)]
    failed = sum(isinstance(row, ErrorRow) for row in rows)
    console.print(
        f"{len(summaries)} sources, {sum(s.passes for s in summaries)} passes, "
        f"{sum(s.unread for s in summaries)} plates seen but not read, {sum(map(len, hits.values()))} hits"
        + (f", {failed} sources failed" if failed else ""),
        highlight=False,
    )


def _told(hit: HitRow) -> str:
    clip = f" {hit.clip}" if hit.clip else ""
    return f"{hit.kind} {hit.plate} ({hit.category}, {hit.score:.2f}){clip}"


def _clock(t: float) -> str:
    return f"{int(t // 3600)}:{int(t % 3600 // 60):02d}:{t % 60:04.1f}"

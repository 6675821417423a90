"""What the commands of ``beket hotlist`` have in common: their options, the way to the database, how rows are shown."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings

if TYPE_CHECKING:
    from storage.database import Database

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, and nothing else.")]
Person = Annotated[str, typer.Option("--as", metavar="NAME", help="Who acts; it is kept with the change.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is kept with the change.")]


@contextlib.contextmanager
def reached(config: Path | None) -> Iterator[tuple[RegionSettings, Database]]:
    """The region's settings and its database."""
    from cluster.reach import reach_database

    settings = read_settings(config) if config else RegionSettings()
    with reach_database(settings, home_of(settings)) as database:
        yield settings, database


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows for a program, or a table of ``columns`` for a person."""
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, default=_plain, ensure_ascii=False) + "\n")
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_plain(row.get(name)) for name in columns))
    Console().print(table)


def _plain(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else str(value)

"""``beket hotlist``: entries into the database, and a look at them."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings

app = typer.Typer(no_args_is_help=True, help="Import and list hotlist entries.")

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]

_PROBLEMS_SHOWN = 20


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: plate, category, legal_basis, owner, valid_until.")
    ],
    hotlist: Annotated[str, typer.Option("--list", metavar="ID", help="The list that the entries belong to.")],
    config: Config = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for the list; taken when the list is new.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Withdraw the list's entries that FILE leaves out.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take nothing when any row is bad.")] = False,
) -> None:
    """Import entries, all good rows or none. Matchers know them within two seconds.

    Bad rows are told and left out; exits with 1 when there were any.
    """
    from cluster.hotlists import read_hotlist
    from cluster.reach import reach_database
    from storage.entries import EntryBook

    settings = read_settings(config) if config else RegionSettings()
    read = read_hotlist(file, hotlist)
    for problem in read.problems[:_PROBLEMS_SHOWN]:
        typer.echo(f"{file}, {problem}", err=True)
    if len(read.problems) > _PROBLEMS_SHOWN:
        typer.echo(f"{file}: {len(read.problems) - _PROBLEMS_SHOWN} more rows are bad", err=True)
    if not read.rows or (strict and read.problems):
        typer.echo(f"{file}: nothing was imported", err=True)
        raise typer.Exit(1)
    with reach_database(settings, home_of(settings)) as database:
        done = EntryBook(database).import_rows(hotlist, read.rows, by=getpass.getuser(), owner=owner, full=full)
    typer.echo(
        f"list {hotlist}: {done.added} added, {done.changed} changed, {done.unchanged} as they were, "
        f"{done.withdrawn} withdrawn; {read.folded} plates had Cyrillic letters",
        err=True,
    )
    if read.problems:
        raise typer.Exit(1)


@app.command(name="list")
def list_(
    hotlist: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One list's entries; without it, the lists.")
    ] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Entries shown, at most.")] = 1000,
) -> None:
    """The lists, or the entries of one."""
    from cluster.reach import reach_database
    from storage.entries import EntryBook

    settings = read_settings(config) if config else RegionSettings()
    with reach_database(settings, home_of(settings)) as database:
        book = EntryBook(database)
        rows = [asdict(row) for row in (book.hotlists() if hotlist is None else book.list(hotlist, limit=limit))]
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, default=_plain, ensure_ascii=False) + "\n")
        return
    columns = (
        ("hotlist_id", "name", "owner", "live", "suspended")
        if hotlist is None
        else ("plate", "category", "state", "legal_basis", "owner", "valid_until", "note")
    )
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_plain(row[name]) for name in columns))
    Console().print(table)


def _plain(value: object) -> str:
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else str(value)

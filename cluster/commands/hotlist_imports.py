"""``beket hotlist import``, ``imports``, ``problems``, ``reject``, ``restore``: lists from outside."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cluster.commands.hotlist_parts import AsJson, Config, Person, reached, show
from cluster.errors import SettingsError

if TYPE_CHECKING:
    from index.hotlist_table import RowError
    from storage.hotlists.files import EntryReader
    from storage.hotlists.import_records import Remarks, StoredImport
    from storage.hotlists.rows import EntryRow

app = typer.Typer()

_PROBLEMS_SHOWN = 20
_IMPORT_COLUMNS = ("import_id", "hotlist_id", "state", "kind", "source", "rows", "problems", "added", "changed",
                   "withdrawn", "entered_by", "entered_at", "decided_by")  # fmt: skip


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, XLSX, JSON or JSON lines.")],
    hotlist: Annotated[str, typer.Option("--list", metavar="ID", help="The list that the entries belong to.")],
    person: Person,
    config: Config = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for the list; taken when the list is new.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Withdraw the imported entries that FILE leaves out.")] = False,
    on_error: Annotated[str, typer.Option(help="refuse: nothing is taken; quarantine: the good rows are.")] = "refuse",
    category: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    legal_basis: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    authority: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    until: Annotated[str | None, typer.Option(help="End of rows that name none: 2026-12-31.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write every bad row there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The import and its bad rows as one JSON object.")] = False,
) -> None:
    """Stage a file; a second person lets it go live by `beket hotlist approve NUMBER --as NAME`.

    Columns are known by their usual names, or by the mapping that the configuration gives the list. Bad rows are told
    with line, column and how to mend them; exits with 1 when there were any.
    """
    from cluster.hotlists import FileIntake, digest
    from index.hotlist_table import HotlistFileError
    from storage.hotlists.files import EntryReader
    from storage.hotlists.import_records import ImportKind, ImportRefused, ImportSource, OnError, Remarks
    from storage.hotlists.imports import ImportBook

    if on_error not in list(OnError):
        raise typer.BadParameter(f"{on_error} is none; refuse or quarantine")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file} can't be read ({error.strerror})") from error
    given = {"category": category, "legal_basis": legal_basis, "authority": authority, "owner": owner,
             "valid_until": until}  # fmt: skip
    staged, problems, count, warnings = None, [], 0, Remarks()
    with reached(config) as (settings, database):
        listed = next((one for one in settings.hotlists if one.id == hotlist), None)
        rules = FileIntake(database).rules(hotlist, listed)
        constants = dict(rules.mapping.constants) | {name: value for name, value in given.items() if value}
        rules = replace(rules, mapping=replace(rules.mapping, constants=constants))
        imports = ImportBook(database)
        try:
            reader = EntryReader(file.name, data, rules)
            staged = imports.stage(
                hotlist,
                _with_progress(reader, quiet=as_json),
                ImportSource(file.name, digest(data), owner=owner, purpose=purpose),
                by=person,
                kind=ImportKind.FULL if full else ImportKind.DELTA,
                on_error=OnError(on_error),
                remarks=lambda: reader.remarks,
            )
            problems, count, warnings = imports.problems(staged.import_id), staged.problems, reader.remarks
        except ImportRefused as error:
            problems, count = list(error.problems), error.count
        except HotlistFileError as error:
            raise SettingsError(f"{file}: {error}") from None
    if report is not None:
        _write_report(report, problems, warnings.warnings)
    if as_json:
        found = {
            "import": staged and asdict(staged),
            "problems": [asdict(problem) for problem in problems],
            "warnings": [asdict(warning) for warning in warnings.warnings],
        }
        sys.stdout.write(json.dumps(found, default=str, ensure_ascii=False) + "\n")
    else:
        _tell(file, staged, problems, count, warnings)
    if staged is None or count:
        raise typer.Exit(1)


@app.command()
def imports(
    hotlist: Annotated[str | None, typer.Argument(metavar="[LIST]")] = None,
    config: Config = None,
    as_json: AsJson = False,
    state: Annotated[str | None, typer.Option(help="pending, approved, rejected or superseded.")] = None,
) -> None:
    """What was imported, newest first: by whom, what it did or would do."""
    from storage.hotlists.imports import ImportBook

    with reached(config) as (_, database):
        rows = [asdict(one) for one in ImportBook(database).list(hotlist, state=state)]
    show(rows, _IMPORT_COLUMNS, as_json=as_json)


@app.command()
def problems(
    number: Annotated[int, typer.Argument(metavar="IMPORT", help="An import's number.")],
    config: Config = None,
    warnings: Annotated[bool, typer.Option("--warnings", help="Those that were taken and want a look.")] = False,
    as_json: AsJson = False,
) -> None:
    """The rows of an import that were left out, and why."""
    from storage.hotlists.imports import ImportBook

    with reached(config) as (_, database):
        book = ImportBook(database)
        book.get(number)
        rows = [asdict(problem) for problem in book.problems(number, warnings=warnings)]
    show(rows, ("line", "column", "what", "mend"), as_json=as_json)


@app.command()
def sources(
    hotlist: Annotated[str | None, typer.Argument(metavar="[LIST]")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Files that watched folders, prefixes and addresses gave, and what became of each."""
    from storage.hotlists.ledger import SourceLedger

    with reached(config) as (_, database):
        rows = [asdict(one) for one in SourceLedger(database).list(hotlist)]
    show(rows, ("hotlist_id", "name", "state", "taken_at", "import_id", "reason"), as_json=as_json)


@app.command()
def lookbacks(config: Config = None, as_json: AsJson = False) -> None:
    """How far the reads still kept are searched for entries that went live."""
    from storage.hotlists.look_backs import LookBackQueue

    with reached(config) as (_, database):
        rows = [asdict(one) for one in LookBackQueue(database).newest()]
    show(rows, ("version", "asked_at", "next_hour", "reads", "hits", "finished_at"), as_json=as_json)


@app.command()
def reject(
    number: Annotated[int, typer.Argument(metavar="IMPORT", help="A pending import's number.")],
    person: Person,
    config: Config = None,
) -> None:
    """Drop a pending import. Nothing of it was live."""
    from storage.hotlists.imports import ImportBook

    with reached(config) as (_, database):
        ImportBook(database).reject(number, by=person)
    typer.echo(f"import {number} is rejected", err=True)


@app.command()
def restore(
    hotlist: Annotated[str, typer.Argument(metavar="LIST")],
    person: Person,
    version: Annotated[
        int | None, typer.Option(help="As `imports` tells it; without it, as before the last import.")
    ] = None,
    config: Config = None,
) -> None:
    """Stage the imported entries of a list as they stood before; a second person approves that like any import."""
    from storage.hotlists.imports import ImportBook

    with reached(config) as (_, database):
        staged = ImportBook(database).restore(hotlist, by=person, version=version)
    _say_staged(staged)


def _with_progress(reader: EntryReader, *, quiet: bool) -> Iterator[EntryRow | RowError]:
    """The reader's rows, with a bar on stderr where someone looks."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield from reader
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("rows", total=reader.lines)
        for number, row in enumerate(reader):
            if number % 5_000 == 0:
                progress.update(task, completed=reader.line)
            yield row
        progress.update(task, completed=reader.lines, description="into the database")


def _write_report(path: Path, problems: Iterable[RowError], warnings: Iterable[RowError]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "column", "what", "mend", "taken"))
        for rows, taken in ((problems, "no"), (warnings, "yes")):
            writer.writerows((row.line, row.column, row.what, row.mend, taken) for row in rows)


def _tell(file: Path, staged: StoredImport | None, problems: Sequence[RowError], count: int, remarks: Remarks) -> None:
    for problem in problems[:_PROBLEMS_SHOWN]:
        typer.echo(f"{file}, {problem}", err=True)
    if count > _PROBLEMS_SHOWN:
        typer.echo(f"{file}: {count - _PROBLEMS_SHOWN} more rows are bad; --report FILE.csv holds all", err=True)
    for warning in remarks.warnings[:_PROBLEMS_SHOWN]:
        typer.echo(f"{file}, {warning} (it is taken)", err=True)
    if remarks.doubtful > _PROBLEMS_SHOWN:
        typer.echo(f"{file}: {remarks.doubtful - _PROBLEMS_SHOWN} more want a look: --report FILE.csv", err=True)
    if staged is None:
        typer.echo(
            f"{file}: nothing was imported; mend the rows, or take the good ones by --on-error quarantine", err=True
        )
    else:
        _say_staged(staged)


def _say_staged(staged: StoredImport) -> None:
    typer.echo(
        f"import {staged.import_id} of list {staged.hotlist_id} waits for a second person: {staged.rows} rows, "
        f"{staged.added} to add, {staged.changed} to change, {staged.unchanged} as they are, {staged.withdrawn} to "
        f"withdraw; {staged.folded} plates had Cyrillic letters\n"
        f"beket hotlist approve {staged.import_id} --as NAME",
        err=True,
    )

"""``beket audit``: is the trace of every look whole, and what does it say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings

app = typer.Typer(no_args_is_help=True, help="Verify and read the log of every search and export.")

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]


@app.command()
def verify(
    config: Config = None,
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head noted before: it must still be in the chain.")
    ] = None,
) -> None:
    """Walk the chain and name its first broken link. Prints the head to note elsewhere; exits with 1 when broken."""
    from cluster.reach import reach_database
    from storage.audit import AuditLog

    settings = read_settings(config) if config else RegionSettings()
    with reach_database(settings, home_of(settings)) as database:
        verdict = AuditLog(database).verify()
        known = head is None or any(record.hash == head for record in AuditLog(database).records())
    if verdict.broken_at is not None:
        typer.echo(
            f"broken at row {verdict.broken_at}: {verdict.why}; the {verdict.rows} rows before it hold", err=True
        )
        raise typer.Exit(1)
    if not known:
        typer.echo("every link holds, but the noted head is not in the chain: rows were cut off its end", err=True)
        raise typer.Exit(1)
    typer.echo(f"{verdict.rows} rows, every link holds; head {verdict.head}")


@app.command()
def export(
    actor: Annotated[str, typer.Option("--as", metavar="NAME", help="Who looks: it is logged.")],
    reason: Annotated[str, typer.Option(help="Why: it is logged.")],
    case: Annotated[str, typer.Option(help="The case (or audit) number: it is logged.")],
    of_case: Annotated[str | None, typer.Option(help="The looks of one case alone.")] = None,
    config: Config = None,
) -> None:
    """Every look as one JSON object a line on stdout. The export itself is logged first."""
    from cluster.reach import reach_database
    from storage.audit import AuditLog, Purpose, PurposeLacking

    try:
        purpose = Purpose(actor, reason, case)
    except PurposeLacking as error:
        raise typer.BadParameter(str(error)) from error
    settings = read_settings(config) if config else RegionSettings()
    with reach_database(settings, home_of(settings)) as database:
        log = AuditLog(database)
        log.write(purpose, "audit.export", {"case": of_case})
        for record in log.records(case=of_case):
            row = {**record.record, "hash": record.hash}
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")

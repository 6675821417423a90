"""The ``beket`` command."""

from __future__ import annotations

import typer

from cluster.commands.scan import scan

app = typer.Typer(
    name="beket",
    help="Reads plates from road cameras and matches hotlists.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def beket() -> None:
    """Reads plates from road cameras and matches hotlists."""


app.command()(scan)


def main() -> None:
    """Entry point of ``beket``."""
    app()

"""The ``beket`` command. Its groups are imported when they are called, so that it answers at once.

Exit codes: 0 done, 1 something failed, 2 wrong use or configuration, 3 the region's home is in use.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

import click
import typer
from typer.core import TyperGroup

_COMMANDS: Final = {
    "demo": ("cluster.commands.demo", "Play four simulated cameras on this machine and alert on a hotlist."),
    "up": ("cluster.commands.up", "Run a region from its configuration."),
    "scan": ("cluster.commands.scan", "Read the plates of pictures, videos and streams, in one process."),
    "cameras": ("cluster.commands.cameras", "Discover, add, import, list and probe cameras."),
    "hotlist": ("cluster.commands.hotlist", "Enter, approve, import and look at hotlist entries."),
    "search": ("cluster.commands.search", "Search hits and the reads that are kept, for a reason, within a case."),
    "audit": ("cluster.commands.audit", "Verify and export the log of every look."),
    "models": ("cluster.commands.models", "Pull and list the neural models."),
    "doctor": ("cluster.commands.doctor", "Say what is missing on this machine, and how to mend it."),
}


class _LateGroup(TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        group = getattr(module, "app", None)
        if group is None:
            group = typer.Typer(add_completion=False)
            group.command()(getattr(module, cmd_name))
        command = typer.main.get_command(group)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage("beket", "COMMAND [OPTIONS]...")
        formatter.write_paragraph()
        formatter.write_text("Reads plates from road cameras, matches hotlists, alerts duty operators.")
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])
        formatter.write_paragraph()
        formatter.write_text("beket COMMAND --help says more. Everything is kept under $BEKET_HOME, else ./.beket.")
        click.echo(formatter.getvalue().rstrip())
        ctx.exit(0)


app = typer.Typer(name="beket", cls=_LateGroup, add_completion=False, no_args_is_help=True)


@app.callback()
def beket() -> None:
    """Reads plates from road cameras, matches hotlists, alerts duty operators."""


def main() -> None:
    """Entry point of ``beket``: an error is one line on stderr."""
    from cluster.errors import RegionError

    try:
        app()
    except RegionError as error:
        print(f"beket: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _is_ours(error):
            raise
        print(f"beket: {error}", file=sys.stderr)
        sys.exit(1)


def _is_ours(error: Exception) -> bool:
    """Whether the error's message was written for a person: stores, models and videos have bases of their own."""
    names = {base.__name__ for base in type(error).__mro__}
    return bool(names & {"StorageError", "ModelError", "VideoError"})

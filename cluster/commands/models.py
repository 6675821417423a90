"""``beket models``: what the model store has, and getting it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.commands.running import home_of
from cluster.settings import read_settings

if TYPE_CHECKING:
    from models.supply.store import ModelStore

app = typer.Typer(no_args_is_help=True, help="Pull and list the neural models.")

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE.yaml", help="A region's configuration: its home, its licences.")
]


@app.command()
def pull(
    roles: Annotated[list[str] | None, typer.Argument(metavar="[ROLE...]", help="All when none is named.")] = None,
    config: Config = None,
) -> None:
    """Take the first source of each role that can be had, verify it, keep it. Exits with 1 when one can't be had."""
    from models.supply.listing import pull_models
    from models.supply.manifest import ROLES

    wrong = [role for role in roles or () if role not in ROLES]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]} is no role; there are {', '.join(ROLES)}")
    wanted = [role for role in ROLES if not roles or role in roles]
    if not pull_models(_store(config), wanted):
        raise typer.Exit(1)


@app.command(name="list")
def list_(config: Config = None) -> None:
    """Every source of every role: which is used, where it comes from, under what licence."""
    from models.supply.listing import show_models

    show_models(_store(config))


def _store(config: Path | None) -> ModelStore:
    from models.supply.store import ModelStore

    settings = read_settings(config) if config else None
    deny = settings.models.deny_licences if settings else ()
    return ModelStore(home_of(settings).models, deny_licences=deny)

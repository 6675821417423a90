"""The store shown to a person: rows of what the manifest knows, and pulls with progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table

from models.errors import ModelError
from models.supply.manifest import ROLES, Role
from models.supply.store import ModelStore, Pulled


@dataclass(frozen=True, slots=True)
class Row:
    """One source of the manifest. ``state``: used, stored, absent or denied (its licence is)."""

    role: Role
    name: str
    state: str
    licence: str
    origin: str
    note: str
    figures: str


def rows(store: ModelStore) -> list[Row]:
    """Every source of every role, in order of preference."""
    listed: list[Row] = []
    for role in ROLES:
        permitted = {source.name for source in store.manifest.sources(role, store.deny_licences)}
        used = False
        for source in store.manifest.sources(role):
            state = "denied"
            if source.name in permitted:
                there = store.find(role, source.name) is not None
                state = "absent" if not there else "stored" if used else "used"
                used = used or there
            listed.append(Row(role, source.name, state, source.licence, source.origin, source.note, source.figures))
    return listed


def show_models(store: ModelStore, console: Console | None = None) -> None:
    """The rows as a table."""
    table = Table(
        "role",
        "model",
        "state",
        "licence",
        "figures",
        "source",
        title=f"models in {store.folder}",
        title_justify="left",
    )
    for row in rows(store):
        table.add_row(row.role, row.name, row.state, row.licence, row.figures or "not measured", row.origin)
    (console or Console()).print(table)


def pull_models(store: ModelStore, roles: Sequence[Role] = ROLES, console: Console | None = None) -> bool:
    """Pull a model of each role with a progress line; says what was taken and what failed. True when all are there.

    A role all of whose models' licences are denied stays unfilled by choice: said, and no failure.
    """
    console = console or Console(stderr=True)
    complete = True
    for role in roles:
        if store.denies(role):
            console.print(f"[yellow]{role}[/]: left out, the licence of every model is denied", highlight=False)
            continue
        try:
            pulled = _pull(store, role, console)
        except ModelError as error:
            console.print(f"[red]{role}[/]: {error}", highlight=False, soft_wrap=True)
            complete = False
            continue
        for name, reason in pulled.failures:
            console.print(f"[yellow]{role}[/]: {name} passed over: {reason}", highlight=False, soft_wrap=True)
        source = pulled.stored.source
        verb = "taken from" if pulled.fetched else "already here, from"
        said = f"{role}: {source.name} {verb} {source.origin} ({source.licence})"
        console.print(said, highlight=False, soft_wrap=True)
    return complete


def _pull(store: ModelStore, role: Role, console: Console) -> Pulled:
    tasks: dict[str, TaskID] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def show(role: Role, name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(f"{role}: {name}")
            progress.update(tasks[name], completed=done, total=total)

        return store.pull(role, progress=show)

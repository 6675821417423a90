"""``beket hotlist``: lists and entries, looked at and changed, in two people's hands.

Who acts is told by ``--as NAME``: accounts that prove it come later.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from cluster.commands import hotlist_imports
from cluster.commands.hotlist_parts import AsJson, Because, Config, Person, reached, show

app = typer.Typer(no_args_is_help=True, help="Enter, approve, import and look at hotlist entries.")
app.add_typer(hotlist_imports.app)


@app.command(name="list")
def list_(
    hotlist: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One list's entries; without it, the lists.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    state: Annotated[str | None, typer.Option(help="draft, approved, live, expired or withdrawn.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Entries shown, at most.")] = 1000,
) -> None:
    """The lists, or the entries of one."""
    from storage.hotlists.entries import EntryBook
    from storage.hotlists.life import EntryState
    from storage.hotlists.lists import HotlistBook

    if state is not None and state not in list(EntryState):
        raise typer.BadParameter(f"{state} is no state; known: {', '.join(EntryState)}")
    with reached(config) as (_, database):
        if hotlist is None:
            rows = [asdict(one) for one in HotlistBook(database).all()]
            show(rows, ("hotlist_id", "name", "owner", "live", "drafts", "entries", "suspended"), as_json=as_json)
            return
        HotlistBook(database).get(hotlist)
        wanted = None if state is None else EntryState(state)
        entries = [asdict(one) for one in EntryBook(database).list(hotlist, state=wanted, limit=limit)]
    columns = ("plate", "category", "state", "legal_basis", "owner", "valid_until", "note", "entry_id")
    show(entries, columns, as_json=as_json)


@app.command(name="show")
def show_(
    entry_id: Annotated[str, typer.Argument(metavar="ENTRY", help="An entry's identifier.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """One entry with all that is kept of it."""
    from storage.hotlists.entries import EntryBook

    with reached(config) as (_, database):
        entry = asdict(EntryBook(database).get(entry_id))
    if as_json:
        show([entry], (), as_json=True)
        return
    show([{"field": name, "value": value} for name, value in entry.items()], ("field", "value"), as_json=False)


@app.command()
def history(
    name: Annotated[str, typer.Argument(metavar="ENTRY|LIST", help="An entry's identifier, or a list's.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Every change of an entry or of a list, oldest first: who, when, what."""
    from storage.hotlists.entries import EntryBook
    from storage.hotlists.errors import UnknownRecord
    from storage.hotlists.lists import HotlistBook

    with reached(config) as (_, database):
        try:
            rows = EntryBook(database).history(name)
            columns: tuple[str, ...] = ("updated_at", "changed_by", "state", "plate", "category", "valid_until", "note")
        except UnknownRecord:
            rows = HotlistBook(database).history(name)
            columns = ("updated_at", "changed_by", "owner", "suspended", "suspended_because")
    show(rows, columns, as_json=as_json)


@app.command()
def make(
    hotlist: Annotated[str, typer.Argument(metavar="LIST", help="The new list's identifier.")],
    person: Person,
    owner: Annotated[str, typer.Option(help="Who answers for the list.")],
    purpose: Annotated[str, typer.Option(help="What the list is for.")],
    name: Annotated[str, typer.Option(help="What operators read.")] = "",
    config: Config = None,
) -> None:
    """Begin a list."""
    from storage.hotlists.lists import HotlistBook

    with reached(config) as (_, database):
        HotlistBook(database).make(hotlist, by=person, owner=owner, purpose=purpose, name=name)
    typer.echo(f"list {hotlist} is there", err=True)


@app.command()
def add(
    hotlist: Annotated[str, typer.Argument(metavar="LIST", help="The list that the entry belongs to.")],
    plate: Annotated[str, typer.Argument(help="Whole, or partial with ? (one character) and * (any run).")],
    person: Person,
    category: Annotated[str, typer.Option(help="One of the set: see the configuration.")],
    legal_basis: Annotated[str, typer.Option(help="The document's number.")],
    authority: Annotated[str, typer.Option(help="Who issued it.")],
    owner: Annotated[str, typer.Option(help="Who answers for the entry.")],
    valid_until: Annotated[str, typer.Option("--until", help="Its end: 2026-12-31, that day included.")],
    valid_from: Annotated[str | None, typer.Option("--from", help="Its beginning; now when left out.")] = None,
    regions: Annotated[str, typer.Option(help="Where it is matched, with commas; everywhere when left out.")] = "",
    make: Annotated[str, typer.Option(help="The vehicle's make and model.")] = "",
    colour: Annotated[str, typer.Option(help="Its colour.")] = "",
    vehicle_type: Annotated[str, typer.Option("--type", help="Its type.")] = "",
    instructions: Annotated[str, typer.Option(help="What the operator is to do.")] = "",
    risk: Annotated[str, typer.Option(help="What whoever stops the vehicle must know.")] = "",
    note: Annotated[str, typer.Option(help="Anything else.")] = "",
    config: Config = None,
) -> None:
    """Enter one entry as a draft; prints its identifier. It is live when a second person has approved it."""
    from index.dates import DateError, parse_date
    from index.lookalikes import PlateError, normalise
    from storage.hotlists.entries import EntryBook
    from storage.hotlists.rows import EntryRow, VehicleDescription, find_plate_doubt, new_entry_id

    try:
        since = datetime.now(UTC) if valid_from is None else parse_date(valid_from)
        until = parse_date(valid_until, is_end=True)
        spelled = normalise(plate, wildcards=True).text
    except (DateError, PlateError) as error:
        raise typer.BadParameter(str(error)) from None
    row = EntryRow(
        new_entry_id(),
        spelled,
        category,
        legal_basis,
        owner,
        since,
        until,
        note,
        authority,
        tuple(one.strip() for one in regions.split(",") if one.strip()),
        VehicleDescription(make, colour, vehicle_type),
        instructions,
        risk,
    )
    with reached(config) as (_, database):
        entry = EntryBook(database).draft(hotlist, row, by=person)
    if (doubt := find_plate_doubt(spelled)) is not None:
        typer.echo(f"warning: {doubt}", err=True)
    typer.echo(entry.entry_id)


@app.command()
def approve(
    which: Annotated[str, typer.Argument(metavar="ENTRY|IMPORT", help="An entry's identifier, or an import's number.")],
    person: Person,
    config: Config = None,
) -> None:
    """Let a draft or a pending import go live. Whoever entered it can't approve it."""
    from storage.hotlists.entries import EntryBook
    from storage.hotlists.imports import ImportBook

    with reached(config) as (_, database):
        if which.isdigit():
            done = ImportBook(database).approve(int(which), by=person)
            typer.echo(
                f"list {done.hotlist_id}: {done.added} added, {done.changed} changed, {done.unchanged} as they were, "
                f"{done.withdrawn} withdrawn",
                err=True,
            )
            return
        entry = EntryBook(database).approve(which, by=person)
    typer.echo(f"entry {entry.entry_id} is {entry.state}", err=True)


@app.command()
def withdraw(
    entry_id: Annotated[str, typer.Argument(metavar="ENTRY", help="An entry's identifier.")],
    person: Person,
    because: Because = "",
    config: Config = None,
) -> None:
    """Take an entry off before its end. It stays in the book with its history."""
    from storage.hotlists.entries import EntryBook

    with reached(config) as (_, database):
        EntryBook(database).withdraw(entry_id, by=person, because=because)
    typer.echo(f"entry {entry_id} is withdrawn", err=True)


@app.command()
def suspend(
    hotlist: Annotated[str, typer.Argument(metavar="LIST")],
    person: Person,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is kept with the change.")],
    config: Config = None,
) -> None:
    """Stop a whole list from matching, at once."""
    from storage.hotlists.lists import HotlistBook

    with reached(config) as (_, database):
        HotlistBook(database).suspend(hotlist, by=person, because=because)
    typer.echo(f"list {hotlist} is suspended", err=True)


@app.command()
def resume(
    hotlist: Annotated[str, typer.Argument(metavar="LIST")],
    person: Person,
    config: Config = None,
) -> None:
    """Let a suspended list match again."""
    from storage.hotlists.lists import HotlistBook

    with reached(config) as (_, database):
        HotlistBook(database).resume(hotlist, by=person)
    typer.echo(f"list {hotlist} matches again", err=True)

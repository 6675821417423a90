"""``beket search``: where was this vehicle, who passed here."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.running import home_of
from cluster.settings import RegionSettings, read_settings

if TYPE_CHECKING:
    from actors.networks import ModelChoice
    from storage.audit import Purpose
    from storage.search.desk import SearchDesk
    from storage.search.query import Place, Query, Ring
    from storage.search.sighting import Why

_PAGE_S = 2.0


def search(
    case: Annotated[str, typer.Option(help="The case number: it is logged.")],
    reason: Annotated[str, typer.Option(help="Why: it is logged.")],
    actor: Annotated[str, typer.Option("--as", metavar="NAME", help="Who looks: it is logged.")],
    plate: Annotated[
        str, typer.Argument(metavar="[PLATE]", help="? stands for any one character, * for any run of them.")
    ] = "",
    similar: Annotated[
        bool, typer.Option("--similar", help="Every plate that a reading could be, likeliest first.")
    ] = False,
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A photo of the vehicle: its plate and its looks.")
    ] = None,
    vehicle: Annotated[
        int, typer.Option(min=0, metavar="N", help="Which of the photo's vehicles, the largest being 0.")
    ] = 0,
    camera: Annotated[list[str] | None, typer.Option(help="A camera's id; may be given again.")] = None,
    area: Annotated[Path | None, typer.Option(metavar="FILE.geojson", help="A Polygon or MultiPolygon.")] = None,
    around: Annotated[str, typer.Option(metavar="LON,LAT,M", help="Cameras within M metres of a point, degrees.")] = "",
    road: Annotated[str, typer.Option(help="Part of a camera's name or place.")] = "",
    since: Annotated[datetime | None, typer.Option(help="From then on; UTC unless it says otherwise.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before then.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="car, motorcycle, bus or truck; may be given again.")
    ] = None,
    colour: Annotated[list[str] | None, typer.Option(help="A colour; may be given again.")] = None,
    hits: Annotated[bool, typer.Option("--hits", help="Hits alone.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Lines, at most.")] = 50,
    wait: Annotated[float, typer.Option(min=0.1, metavar="S", help="Seconds to search, at most.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a .csv, .json or .geojson: an act of its own in the log.")
    ] = None,
    route: Annotated[
        Path | None,
        typer.Option(metavar="FILE.geojson", help="Write one vehicle's sightings in order, as a route; logged too."),
    ] = None,
    alert: Annotated[str, typer.Option(metavar="ID", help="Hits of this alert alone.")] = "",
    entry: Annotated[str, typer.Option(metavar="ID", help="Hits of this hotlist entry alone.")] = "",
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")
    ] = None,
) -> None:
    """Search hits and the reads that are still kept. Every search is logged with its reason and its case first."""
    from cluster import plan
    from cluster.reach import reach_database
    from storage.audit import AuditLog, Purpose, PurposeLacking
    from storage.search.desk import SearchDesk
    from storage.search.errors import QueryRefused
    from storage.search.export import ExportFormat, write
    from storage.search.query import Query, plate_of

    try:
        purpose = Purpose(actor, reason, case)
        format = None if export is None else ExportFormat(export.suffix.removeprefix("."))
        query = Query(
            plate=plate_of(plate, wildcards=not similar) if plate else "",
            similar=similar and bool(plate),
            place=_place(camera or [], area, around, road),
            since=_utc(since),
            until=_utc(until),
            vehicle_types=tuple(kind or ()),
            colours=tuple(colour or ()),
            hits_only=hits,
            entry_id=entry,
            alert_id=_alert_id(alert),
        )
    except (QueryRefused, PurposeLacking) as error:
        raise typer.BadParameter(str(error)) from None
    except ValueError:
        raise typer.BadParameter(f"{export}: its name ends in .csv, .json or .geojson") from None
    settings = read_settings(config) if config else RegionSettings()
    home = home_of(settings)
    if photo is not None:
        query = _with_photo(query, photo, vehicle, plan.model_choice(settings, home))
    with reach_database(settings, home) as database:
        desk = SearchDesk(database, AuditLog(database))
        if export is not None and format is not None:
            done = desk.export(purpose, query, limit=limit, as_=format.value)
            export.write_bytes(write(done.sightings, format))
            typer.echo(
                f"{export}: {len(done.sightings)} lines" + ("" if done.is_whole else ", there are more"), err=True
            )
            return
        if route is not None:
            _write_route(desk, purpose, query, route)
            return
        deadline, left, cursor = time.monotonic() + wait, limit, None
        table = Table("seen", "plate", "score", "why", "camera", "place", "vehicle", "alert")
        while True:
            page = desk.search(purpose, query, limit=min(left, 500), cursor=cursor, budget_s=min(_PAGE_S, wait))
            for one in page.sightings:
                if as_json:
                    sys.stdout.write(json.dumps(one.as_json(), ensure_ascii=False) + "\n")
                    continue
                table.add_row(
                    one.seen_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
                    one.text,
                    f"{one.read_score if one.score is None else one.score:.2f}",
                    _why(one.why),
                    one.camera_name,
                    one.camera_place,
                    " ".join(filter(None, (one.vehicle_colour, one.vehicle_type))),
                    str(one.hits[0].alert_id) if one.hits else "",
                )
            left, cursor = left - len(page.sightings), page.next
            if cursor is None or left <= 0 or time.monotonic() > deadline:
                break
        if not as_json:
            Console().print(table)
        if cursor is not None:
            typer.echo(f"there may be more before {page.searched_since.isoformat(timespec='seconds')}", err=True)


def _write_route(desk: SearchDesk, purpose: Purpose, query: Query, file: Path) -> None:
    from storage.search.errors import QueryRefused

    try:
        route = desk.route(purpose, query)
    except QueryRefused as error:
        raise typer.BadParameter(str(error)) from None
    file.write_text(json.dumps(route.as_geojson(), ensure_ascii=False), encoding="utf-8")
    told = f"{file}: {len(route.stops)} sightings, {route.distance_m / 1e3:.1f} km as the crow flies"
    if route.implausible:
        told += f"; no vehicle can have driven {route.implausible} of its legs: a clone, a misread, a wrong clock"
    typer.echo(told, err=True)


def _alert_id(text: str) -> UUID | None:
    from storage.search.errors import QueryRefused

    try:
        return UUID(text) if text else None
    except ValueError:
        raise QueryRefused("alert", f"--alert: {text!r} is no alert's id") from None


def _with_photo(query: Query, file: Path, vehicle: int, choice: ModelChoice) -> Query:
    """The question with what the photo shows; says so on stderr."""
    from cluster.photos import PhotoReader
    from models.errors import ModelError
    from storage.search.errors import QueryRefused

    try:
        looked = PhotoReader(choice).look_at(file.read_bytes())
        found = replace(query, photo=looked.photo(vehicle))
    except OSError as error:
        raise typer.BadParameter(f"{file}: can't be read ({error.strerror})") from None
    except QueryRefused as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    except ModelError as error:
        typer.echo(f"beket: {error}", err=True)
        raise typer.Exit(1) from None
    for number, one in enumerate(looked.vehicles):
        text = None if one.reading is None else one.reading.text
        told = [part for part in (text, one.colour, one.kind) if part]
        mark = "*" if number == vehicle else " "
        typer.echo(f"{mark} vehicle {number}: {' '.join(told) or 'nothing that can be told'}", err=True)
    if looked.without_looks:
        typer.echo(f"looks are not compared: {looked.without_looks}", err=True)
    return found


def _why(why: Why) -> str:
    told = [] if why.plate is None else [f"plate {why.plate:.2f}"]
    if why.appearance is not None:
        told.append(f"looks {why.appearance:.2f}")
    if why.same_colour is not None:
        told.append("same colour" if why.same_colour else "other colour")
    return ", ".join(told)


def _place(cameras: list[str], area: Path | None, around: str, road: str) -> Place:
    from storage.search.errors import QueryRefused
    from storage.search.query import Place, polygons_of

    centre, radius_m = None, 0.0
    if around:
        try:
            longitude, latitude, radius_m = map(float, around.split(","))
        except ValueError:
            raise QueryRefused("place", f"--around: {around!r} is not LON,LAT,METRES") from None
        centre = (longitude, latitude)
    polygons: tuple[tuple[Ring, ...], ...] = ()
    if area is not None:
        try:
            geometry = json.loads(area.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise QueryRefused("place", f"{area}: can't be read as GeoJSON ({error})") from None
        if isinstance(geometry, dict) and geometry.get("type") == "Feature":
            geometry = geometry.get("geometry")
        polygons = polygons_of(geometry if isinstance(geometry, dict) else {})
    return Place(tuple(cameras), polygons, centre, radius_m, road)


def _utc(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)

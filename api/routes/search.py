"""`POST /search`: hits and the reads that are still kept, by plate, photo, place, time and vehicle.

Questions come in bodies: no address ever holds a plate.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from api.asked import AskedExport, AskedPage, AskedPhotoExport, AskedPhotoPage, AskedRoute, Pictured
from api.deps import PRIVATE, Desk, Photos
from api.found import PhotoPage, SearchPage
from api.problem import Problem, responses
from api.purpose import Actor, Viewer, purpose_of
from api.routes.pictures import JPEG
from cluster.photos import LookedAt, PhotoBusy, PhotoReader
from index.clones import CloneRule
from models.errors import ModelError
from storage.alerts import PictureKind
from storage.search.desk import Export
from storage.search.export import ExportFormat, write
from storage.search.searcher import Page

_log = logging.getLogger("beket.api")

router = APIRouter(tags=["search"])

FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. `Beket-Whole: false` where there is more than `limit` lines.",
        "content": {
            format.media_type.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for format in ExportFormat
        },
    }
}

ROUTE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "GeoJSON: the way as a `LineString`, and a point for each sighting with the leg that led there.",
        "content": {"application/geo+json": {"schema": {"type": "object"}}},
    }
}


@router.post("/search", responses=responses(413, 422, 503))
def search(asked: AskedPage, actor: Actor, desk: Desk, response: Response) -> SearchPage:
    """One page of an answer. It is logged before it goes out; what can't be logged is not answered."""
    purpose = purpose_of(actor, asked)
    page = desk.search(purpose, asked.query(), limit=asked.limit, cursor=asked.cursor, budget_s=asked.patience_s)
    response.headers.update(PRIVATE)
    return SearchPage.model_validate(_page(page))


@router.post("/search/photo", responses=responses(413, 422, 503))
def search_photo(asked: AskedPhotoPage, actor: Actor, desk: Desk, photos: Photos, response: Response) -> PhotoPage:
    """As `/search`, by the plate and the looks of a vehicle in a photo. The log gets its hash; nobody keeps it."""
    purpose = purpose_of(actor, asked)
    looked = _look_at(photos, asked)
    query = replace(asked.query(), photo=looked.photo(asked.vehicle))
    page = desk.search(purpose, query, limit=asked.limit, cursor=asked.cursor, budget_s=asked.patience_s)
    response.headers.update(PRIVATE)
    return PhotoPage.model_validate(_page(page) | {"photo": _shown(looked, asked.vehicle)})


@router.post("/search/export", response_class=Response, responses={**FILES, **responses(413, 422, 503)})
def export(asked: AskedExport, actor: Actor, desk: Desk) -> Response:
    """The answer as a file: an act of its own in the audit log."""
    return _file(asked, desk.export(purpose_of(actor, asked), asked.query(), limit=asked.limit, as_=asked.format.value))


@router.post("/search/photo/export", response_class=Response, responses={**FILES, **responses(413, 422, 503)})
def export_photo(asked: AskedPhotoExport, actor: Actor, desk: Desk, photos: Photos) -> Response:
    """The answer to a photo as a file."""
    purpose = purpose_of(actor, asked)
    query = replace(asked.query(), photo=_look_at(photos, asked).photo(asked.vehicle))
    return _file(asked, desk.export(purpose, query, limit=asked.limit, as_=asked.format.value))


@router.post("/search/route", response_class=Response, responses={**ROUTE, **responses(413, 422, 503)})
def route(asked: AskedRoute, actor: Actor, desk: Desk) -> Response:
    """A vehicle's sightings in the order of time, as far as they are kept: an act of its own in the audit log."""
    rule = CloneRule(fastest_kmh=asked.fastest_kmh)
    drawn = desk.route(purpose_of(actor, asked), asked.query(), limit=asked.limit, rule=rule)
    return JSONResponse(drawn.as_geojson(), media_type=ExportFormat.GEOJSON.media_type, headers=PRIVATE)


@router.get("/hits/{hit_id}/picture", response_class=Response, responses={**JPEG, **responses(404, 422, 503)})
def get_hit_picture(hit_id: UUID, viewer: Viewer, desk: Desk) -> Response:
    """The vehicle of a hit: a look of its own in the audit log."""
    return _picture(desk.picture(viewer, hit_id, PictureKind.VEHICLE))


@router.get("/hits/{hit_id}/plate", response_class=Response, responses={**JPEG, **responses(404, 422, 503)})
def get_hit_plate(hit_id: UUID, viewer: Viewer, desk: Desk) -> Response:
    """The plate of a hit: a look of its own in the audit log."""
    return _picture(desk.picture(viewer, hit_id, PictureKind.PLATE))


def _picture(jpeg: bytes | None) -> Response:
    if jpeg is None:
        raise Problem(404, "no-such-picture", "there is no such picture of this hit")
    return Response(jpeg, media_type="image/jpeg", headers=PRIVATE)


def _page(page: Page) -> dict[str, Any]:
    return {
        "sightings": [sighting.as_json() for sighting in page.sightings],
        "next": page.next,
        "searched_since": page.searched_since,
    }


def _file(asked: AskedExport, done: Export) -> Response:
    headers = {
        **PRIVATE,
        "Content-Disposition": f'attachment; filename="sightings.{asked.format.value}"',
        "Beket-Whole": "true" if done.is_whole else "false",
    }
    return Response(write(done.sightings, asked.format), media_type=asked.format.media_type, headers=headers)


def _look_at(photos: PhotoReader, asked: Pictured) -> LookedAt:
    try:
        return photos.look_at(asked.data())
    except PhotoBusy as error:
        raise Problem(503, "photo-busy", str(error), {"Retry-After": "5"}) from None
    except ModelError as error:
        _log.warning("a photo can't be looked at: %s", error)
        detail = "the models that look at photos are not in this machine's store: run `beket models pull` there"
        raise Problem(503, "models-missing", detail) from None


def _shown(looked: LookedAt, vehicle: int) -> dict[str, Any]:
    return {
        "sha256": looked.sha256,
        "vehicle": vehicle,
        "without_looks": looked.without_looks,
        "vehicles": [
            {
                "box": one.vehicle,
                "plate_box": one.plate,
                "text": None if one.reading is None else one.reading.text,
                "read_score": None if one.reading is None else one.reading.score,
                "vehicle_type": one.kind,
                "vehicle_colour": one.colour,
                "has_looks": one.appearance is not None,
            }
            for one in looked.vehicles
        ],
    }

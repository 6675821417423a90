"""`POST /search`: hits and the reads that are still kept, by plate, place, time and vehicle.

Questions come in bodies: no address ever holds a plate.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from api.asked import AskedExport, AskedPage
from api.deps import PRIVATE, Alerts, Desk
from api.found import SearchPage
from api.problem import Problem, responses
from api.purpose import Actor, purpose_of
from api.routes.pictures import JPEG
from storage.alerts import PictureKind
from storage.search.export import ExportFormat, write

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


@router.post("/search", responses=responses(413, 422, 503))
def search(asked: AskedPage, actor: Actor, desk: Desk, response: Response) -> SearchPage:
    """One page of an answer. It is logged before it goes out; what can't be logged is not answered."""
    purpose = purpose_of(actor, asked)
    page = desk.search(purpose, asked.query(), limit=asked.limit, cursor=asked.cursor, budget_s=asked.patience_s)
    response.headers.update(PRIVATE)
    return SearchPage.model_validate(
        {
            "sightings": [sighting.as_json() for sighting in page.sightings],
            "next": page.next,
            "searched_since": page.searched_since,
        }
    )


@router.post("/search/export", response_class=Response, responses={**FILES, **responses(413, 422, 503)})
def export(asked: AskedExport, actor: Actor, desk: Desk) -> Response:
    """The answer as a file: an act of its own in the audit log."""
    purpose = purpose_of(actor, asked)
    done = desk.export(purpose, asked.query(), limit=asked.limit, as_=asked.format.value)
    headers = {
        **PRIVATE,
        "Content-Disposition": f'attachment; filename="sightings.{asked.format.value}"',
        "Beket-Whole": "true" if done.is_whole else "false",
    }
    return Response(write(done.sightings, asked.format), media_type=asked.format.media_type, headers=headers)


@router.get("/hits/{hit_id}/picture", response_class=Response, responses={**JPEG, **responses(404, 422, 503)})
def get_hit_picture(hit_id: UUID, alerts: Alerts) -> Response:
    """The vehicle of a hit."""
    return _picture(alerts.hit_picture(hit_id, PictureKind.VEHICLE))


@router.get("/hits/{hit_id}/plate", response_class=Response, responses={**JPEG, **responses(404, 422, 503)})
def get_hit_plate(hit_id: UUID, alerts: Alerts) -> Response:
    """The plate of a hit."""
    return _picture(alerts.hit_picture(hit_id, PictureKind.PLATE))


def _picture(jpeg: bytes | None) -> Response:
    if jpeg is None:
        raise Problem(404, "no-such-picture", "there is no such picture of this hit")
    return Response(jpeg, media_type="image/jpeg", headers=PRIVATE)

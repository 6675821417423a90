"""`GET /alerts/{alert_id}/picture` and `/plate`: the pictures an operator judges an alert by."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.deps import PRIVATE, Alerts, ViewedAlert, require_ready
from api.problem import responses
from storage.alerts import Alert, AlertBook, MediaState, PictureKind

router = APIRouter(tags=["alerts"])

JPEG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/alerts/{alert_id}/picture", response_class=Response, responses={**JPEG, **responses(404, 409, 410, 503)})
def get_picture(alert: ViewedAlert, alerts: Alerts) -> Response:
    """The picture that was read: the vehicle."""
    return _picture(alert, alerts, PictureKind.VEHICLE)


@router.get("/alerts/{alert_id}/plate", response_class=Response, responses={**JPEG, **responses(404, 409, 410, 503)})
def get_plate(alert: ViewedAlert, alerts: Alerts) -> Response:
    """The plate, cut out of the picture."""
    return _picture(alert, alerts, PictureKind.PLATE)


def _picture(alert: Alert, alerts: AlertBook, kind: PictureKind) -> Response:
    jpeg = alerts.picture(alert.alert_id, kind)
    if jpeg is None:
        require_ready(MediaState.LOST if alert.closed else MediaState.PENDING, "picture")
    return Response(jpeg, media_type="image/jpeg", headers=PRIVATE)

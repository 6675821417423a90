"""`GET /alerts`: hits put before operators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.deps import Alerts, Events, KnownAlert
from api.problem import responses
from api.records import Alert, AlertPage

router = APIRouter(tags=["alerts"])


@router.get("/alerts", responses=responses(422, 503))
def list_alerts(
    alerts: Alerts,
    events: Events,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[UUID | None, Query(description="`next` of the page before: alerts older than this one.")] = None,
) -> AlertPage:
    """Alerts newest first, page by page."""
    cursor = events.last_cursor()  # before the page is read: what comes between is told twice, not missed
    found = alerts.newest(limit + 1, older_than=before)
    page = [Alert.model_validate(alert.as_json()) for alert in found[:limit]]
    return AlertPage(alerts=page, next=page[-1].alert_id if len(found) > limit else None, cursor=cursor)


@router.get("/alerts/{alert_id}", responses=responses(404, 422, 503))
def get_alert(alert: KnownAlert) -> Alert:
    """One alert."""
    return Alert.model_validate(alert.as_json())

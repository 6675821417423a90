"""`GET /cameras`: which cameras there are, and how they are; `GET /cameras/{camera_id}/health`: how one was."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import OpenedDatabase
from api.problem import Problem, responses
from api.records import CameraHealth, CameraList, CameraStatus, HealthFigures, HealthReason, HealthSample
from storage.camera_health import StoredHealth, health_history, latest_health
from storage.cameras import CameraView, list_cameras

router = APIRouter(tags=["cameras"])


@router.get("/cameras", responses=responses(503))
def get_cameras(database: OpenedDatabase) -> CameraList:
    """All cameras by id, with state, reason and since when, and their health. Their addresses are not told."""
    health = latest_health(database)
    return CameraList(cameras=[_status(camera, health.get(camera.camera_id)) for camera in list_cameras(database)])


@router.get("/cameras/{camera_id}/health", responses=responses(404, 503))
def get_camera_health(
    database: OpenedDatabase,
    camera_id: Annotated[str, Path(max_length=200)],
    hours: Annotated[float, Query(gt=0, le=24 * 3660, description="How far back.")] = 24.0,
    limit: Annotated[int, Query(ge=1, le=5000, description="Samples at most.")] = 500,
) -> CameraHealth:
    """A camera's health now, and as it was: the score, its reasons, what was measured."""
    try:
        now, history = health_history(database, camera_id, datetime.now(UTC) - timedelta(hours=hours), limit)
    except LookupError:
        raise Problem(404, "not-found", "there is no such camera") from None
    return CameraHealth(
        camera_id=camera_id,
        now=None if now is None else _sample(now),
        history=[_sample(sample) for sample in history],
    )


def _status(camera: CameraView, health: StoredHealth | None) -> CameraStatus:
    told = health if camera.enabled else None
    return CameraStatus(
        camera_id=camera.camera_id,
        name=camera.name,
        place=camera.place,
        latitude=camera.latitude,
        longitude=camera.longitude,
        state=camera.state if camera.enabled else "disabled",
        reason=camera.reason if camera.enabled else None,
        since=camera.since,
        score=None if told is None else told.score,
        reasons=[] if told is None else _sample(told).reasons,
        judged_at=None if told is None else told.at,
    )


def _sample(health: StoredHealth) -> HealthSample:
    return HealthSample(
        at=health.at,
        score=health.score,
        reasons=[HealthReason.model_validate(asdict(reason)) for reason in health.reasons],
        measured=HealthFigures(**asdict(health.figures)),
    )

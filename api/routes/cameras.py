"""`GET /cameras`: which cameras there are, and how they are."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import OpenedDatabase
from api.problem import responses
from api.records import CameraList, CameraStatus
from storage.cameras import list_cameras

router = APIRouter(tags=["cameras"])


@router.get("/cameras", responses=responses(503))
def get_cameras(database: OpenedDatabase) -> CameraList:
    """All cameras by id, with state, reason and since when. Their addresses are not told."""
    return CameraList(
        cameras=[
            CameraStatus(
                camera_id=camera.camera_id,
                name=camera.name,
                place=camera.place,
                latitude=camera.latitude,
                longitude=camera.longitude,
                state=camera.state if camera.enabled else "disabled",
                reason=camera.reason if camera.enabled else None,
                since=camera.since,
            )
            for camera in list_cameras(database)
        ]
    )

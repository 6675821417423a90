"""`GET /alerts/{alert_id}/clip`: the clip of a hit, out of the archive through us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from api.deps import PRIVATE, Alerts, Archived, ViewedAlert, require_ready
from api.problem import Problem, responses
from api.ranges import ByteRange, Unsatisfiable, parse_range
from storage.archive import NotInArchive

router = APIRouter(tags=["alerts"])

MP4 = {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/alerts/{alert_id}/clip",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The whole clip.", "content": MP4},
        206: {"description": "The part asked for by `Range`.", "content": MP4},
        **responses(404, 409, 410, 416, 502, 503),
    },
)
def get_clip(
    alert: ViewedAlert,
    alerts: Alerts,
    archive: Archived,
    range: Annotated[str | None, Header(description="One range of bytes.")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """The clip, out of the archive through us. Ranges work, so that a player can seek."""
    clip = alerts.clip(alert.alert_id)
    if clip is None:
        raise Problem(410, "clip-lost", "the clip is lost: none was asked for")
    require_ready(clip.state, "clip", clip.reason)
    if clip.key is None or clip.size_bytes is None:
        raise Problem(410, "clip-lost", "the clip is lost: it has no place in the archive")
    tag = f'"{clip.sha256}"'
    headers = {
        **PRIVATE,
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Disposition": f'inline; filename="{alert.alert_id}.mp4"',
    }
    try:
        part = parse_range(range if if_range in (None, tag) else None, clip.size_bytes)
    except Unsatisfiable:
        told = {"Content-Range": f"bytes */{clip.size_bytes}"}
        raise Problem(416, "range-not-satisfiable", f"the clip has {clip.size_bytes} bytes", told) from None
    wanted = part or ByteRange(0, clip.size_bytes)
    headers["Content-Length"] = str(wanted.length)
    if part is not None:
        headers["Content-Range"] = part.content_range(clip.size_bytes)
    with ExitStack() as opening:
        try:
            chunks = opening.enter_context(archive.open(clip.key, wanted.start, wanted.length))
        except NotInArchive:
            raise Problem(410, "clip-lost", "the clip is lost: the archive does not hold it any more") from None
        return StreamingResponse(
            _stream(opening.pop_all(), chunks),
            status_code=206 if part is not None else 200,
            media_type="video/mp4",
            headers=headers,
        )


async def _stream(opened: ExitStack, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    with opened:
        while chunk := await to_thread.run_sync(next, chunks, None):
            yield chunk

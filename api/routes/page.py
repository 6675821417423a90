"""`GET /` and `/assets`: the built console."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse, HTMLResponse, Response

from api.deps import Settings
from api.problem import Problem

router = APIRouter(include_in_schema=False)

# Without style and script: the page's security policy lets neither stand inline.
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="dark light"><title>beket</title>
<h1>The console is not built yet</h1>
<p>The API runs, but its page has not been built on this machine. In the folder of beket run</p>
<pre>make console</pre>
<p>(it needs Node 20 or later), then load this page again.</p>
</html>
"""
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@router.api_route("/", methods=["GET", "HEAD"])
def page(settings: Settings) -> Response:
    """The console, or how to build it."""
    index = settings.page / "index.html"
    if not index.is_file():
        return HTMLResponse(NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
    return FileResponse(index, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
def asset(
    name: Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")], settings: Settings
) -> Response:
    """A file of the built page; its name changes with what it holds."""
    file = settings.page / "assets" / name
    if file.suffix not in MEDIA_TYPES or not file.is_file():
        raise Problem(404, "not-found", "no such address")
    return FileResponse(
        file, media_type=MEDIA_TYPES[file.suffix], headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )

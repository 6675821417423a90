"""The FastAPI application: routes, door, errors, life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.body import BodyLimit
from api.guard import Guard
from api.problem import ProblemDocument, register
from api.routes import alerts, cameras, clip, events, health, hotlists, page, pictures, search
from api.settings import ApiSettings
from api.stores import Stores


def create_app(settings: ApiSettings) -> FastAPI:
    """The application for ``settings``. Stores are opened when it starts and need not be there yet."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        stores = Stores.open(settings)
        app.state.stores = stores
        stores.hub.start()
        try:
            yield
        finally:
            await stores.hub.stop()
            stores.close()

    # The interactive documents load their scripts from elsewhere, which the page's policy forbids: /openapi.json only.
    app = FastAPI(
        title="beket",
        version=version("beket"),
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.settings = settings
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard)
    register(app)
    for module in (alerts, pictures, clip, cameras, events, health, hotlists, page, search):
        app.include_router(module.router)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the problem document into the OpenAPI schemas: routes refer to it by name."""

    def describe() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            schema.setdefault("components", {}).setdefault("schemas", {})["ProblemDocument"] = (
                ProblemDocument.model_json_schema()
            )
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]

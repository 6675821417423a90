"""Errors as RFC 9457 problem documents: one shape for every refusal, with a code that programs can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from storage.errors import ArchiveAway, ArchiveRefused, AuditUnwritten, DatabaseAway, StorageError
from storage.hotlists.errors import HotlistRefused
from storage.search.errors import QueryRefused

MEDIA_TYPE = "application/problem+json"
_HOTLIST_STATUS = {"unknown": 404, "bad-entry": 422}


class ProblemDocument(BaseModel):
    """The body of every error answer."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="Stable name of the error, for programs.")
    detail: str


class Problem(Exception):
    """Raised by a route to answer with a problem document."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def answer(problem: Problem) -> JSONResponse:
    """The response that tells ``problem``."""
    document = ProblemDocument(
        title=HTTPStatus(problem.status).phrase, status=problem.status, code=problem.code, detail=problem.detail
    )
    return JSONResponse(
        document.model_dump(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entry of a route that answers with problem documents of these statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in statuses
    }


def of_storage(error: StorageError) -> Problem:
    """What the caller is told when a store fails: nothing of the store's address or of the data."""
    wait = {"Retry-After": "2"}
    if isinstance(error, DatabaseAway):
        return Problem(503, "database-away", "the database does not answer; try again in a moment", wait)
    if isinstance(error, HotlistRefused):
        return Problem(_HOTLIST_STATUS.get(error.code, 409), error.code, str(error))
    if isinstance(error, AuditUnwritten):
        return Problem(503, "audit-unwritten", "the audit log can't be written, so there is no answer", wait)
    if isinstance(error, ArchiveAway):
        return Problem(503, "archive-away", "the S3 archive does not answer; try again in a moment", wait)
    if isinstance(error, ArchiveRefused):
        return Problem(502, "archive-refused", "the S3 archive refused to give this object; its keys may be wrong")
    return Problem(500, "storage-error", "the store could not do this; the log of the API says why")


def register(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem document."""

    async def on_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)  # noqa: S101 - the handler is registered for this class alone
        return answer(error)

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = "no such address" if error.status_code == 404 else str(error.detail)
        return answer(Problem(error.status_code, code, detail, error.headers))

    async def on_validation(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        told = "; ".join(f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors())
        return answer(Problem(422, "invalid-parameter", told))

    async def on_query(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, QueryRefused)  # noqa: S101
        return answer(Problem(422, f"invalid-{error.code}", str(error)))

    async def on_storage(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StorageError)  # noqa: S101
        return answer(of_storage(error))

    async def on_fault(_: Request, __: Exception) -> JSONResponse:
        return answer(Problem(500, "fault", "the API failed at this; its log says why"))

    app.add_exception_handler(Exception, on_fault)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(QueryRefused, on_query)
    app.add_exception_handler(StorageError, on_storage)

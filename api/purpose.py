"""Who looks, why, and under which case."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header

from api.asked import Accounted
from api.problem import Problem
from storage.audit import Purpose, PurposeLacking


def _actor(
    beket_as: Annotated[
        str, Header(max_length=600, description="Who looks, percent-encoded UTF-8: it is logged. Accounts come later.")
    ] = "",
) -> str:
    return unquote(beket_as)


Actor = Annotated[str, Depends(_actor)]


def _viewer(
    actor: Actor,
    beket_case: Annotated[str, Header(max_length=600, description="The case, percent-encoded: it is logged.")] = "",
    beket_reason: Annotated[str, Header(max_length=6000, description="Why, percent-encoded: it is logged.")] = "",
) -> Purpose:
    return purpose_of(actor, Accounted(case=unquote(beket_case), reason=unquote(beket_reason)))


Viewer = Annotated[Purpose, Depends(_viewer)]


def purpose_of(actor: str, asked: Accounted) -> Purpose:
    """What the audit log is told. Raises the problem that names what lacks (422)."""
    try:
        return Purpose(actor, asked.reason, asked.case)
    except PurposeLacking as error:
        detail = str(error).replace("actor", "who you are (the header Beket-As)")
        raise Problem(422, "purpose-lacking", detail) from None

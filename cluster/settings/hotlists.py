"""Hotlists in a region's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from cluster.settings.section import SLUG, Section


class HotlistSettings(Section):
    """A hotlist file, imported at start when it has changed."""

    id: Annotated[str, Field(pattern=SLUG)] = Field(description="the list's name in the database")
    name: str = Field(default="", max_length=200, description="what operators read; the id when empty")
    file: Path = Field(description="CSV; a relative path is taken from the configuration file's folder")
    owner: str = Field(min_length=1, max_length=200, description="who answers for the list")
    purpose: str = Field(default="", max_length=1000, description="what the list is for")

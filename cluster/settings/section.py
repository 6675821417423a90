"""What all sections of a region's configuration share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SLUG = r"^[a-z0-9][a-z0-9._-]{0,62}$"
"""The form of names that never change."""


class Section(BaseModel):
    """A part of the configuration: unknown keys are faults, and values never stand in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

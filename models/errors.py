"""What can go wrong with a model; every message names the thing and the way out."""

from __future__ import annotations


class ModelError(Exception):
    """A model could not be had, opened or run."""


class ModelMissing(ModelError):
    """No permitted model of a role is in the store."""


class ModelRefused(ModelError):
    """A file was not what it should be: wrong hash, hostile, no model at all."""


class SourceUnavailable(ModelError):
    """One source of a model could not be had now; the next may."""

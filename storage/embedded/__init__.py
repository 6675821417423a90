"""PostgreSQL and an S3 server of our own, from the package registry, without root."""

from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.seaweed import EmbeddedSeaweed

__all__ = ["EmbeddedPostgres", "EmbeddedSeaweed"]

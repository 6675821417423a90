"""Postgres, S3, and how long things are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from cluster.settings.secrets import read_secret
from cluster.settings.section import Section


class RetentionSettings(Section):
    """How long things live."""

    reads_h: int = Field(
        default=24, ge=1, le=168, description="hours of reads that matched nothing; then their partition is dropped"
    )
    hits_days: int = Field(
        default=1096, ge=1, le=3660, description="days of alerts with their hits, pictures and clips; then all go"
    )
    events_days: int = Field(
        default=30, ge=1, le=3650, description="days that the event log is kept for readers to catch up"
    )

    @model_validator(mode="after")
    def _events_go_first(self) -> Self:
        if self.events_days > self.hits_days:
            raise ValueError("events_days: events tell of alerts, so they are kept no longer than hits_days")
        return self


class PostgresSettings(Section):
    """Our own PostgreSQL, or yours."""

    embedded: bool = Field(default=True, description="run PostgreSQL from the package registry in the home folder")
    port: int | None = Field(default=None, ge=1, le=65535, description="of the embedded server; a free one when null")
    dsn_env: str | None = Field(
        default=None, description="environment variable that holds the DSN of an external PostgreSQL 15+"
    )
    dsn_file: Path | None = Field(default=None, description="file that holds it")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = (self.dsn_env is not None) + (self.dsn_file is not None)
        if self.embedded and given:
            raise ValueError("set `embedded: false` to use an external PostgreSQL, or take the DSN away")
        if not self.embedded and given != 1:
            raise ValueError("an external PostgreSQL needs `dsn_env` or `dsn_file`, one of them")
        return self

    def dsn(self) -> str:
        """The external server's DSN, with its password: never log it."""
        return read_secret("postgres", "dsn", self.dsn_env, self.dsn_file)


class S3Settings(Section):
    """Our own S3 server, or yours."""

    embedded: bool = Field(default=True, description="run SeaweedFS from the package registry in the home folder")
    port: int | None = Field(default=None, ge=1, le=65535, description="of the embedded server; a free one when null")
    bucket: str = Field(
        default="beket", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="made when it is not there"
    )
    endpoint: str | None = Field(
        default=None, pattern=r"^[^/:@\s]+(:\d+)?$", description="host or host:port of an external store"
    )
    secure: bool = Field(default=True, description="HTTPS to the external store")
    region: str = Field(default="us-east-1", min_length=1, max_length=64)
    access_key_env: str | None = Field(default=None, description="environment variable that holds the access key")
    access_key_file: Path | None = None
    secret_key_env: str | None = Field(default=None, description="environment variable that holds the secret key")
    secret_key_file: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.embedded:
            if self.endpoint:
                raise ValueError("set `embedded: false` to use an external S3 store, or take `endpoint` away")
            return self
        if not self.endpoint:
            raise ValueError("an external S3 store needs `endpoint` (host:port)")
        for key, by_env, by_file in (
            ("access_key", self.access_key_env, self.access_key_file),
            ("secret_key", self.secret_key_env, self.secret_key_file),
        ):
            if (by_env is None) == (by_file is None):
                raise ValueError(f"an external S3 store needs `{key}_env` or `{key}_file`, one of them")
        return self

    def keys(self) -> tuple[str, str]:
        """Access key and secret key of the external store."""
        return (
            read_secret("s3", "access_key", self.access_key_env, self.access_key_file),
            read_secret("s3", "secret_key", self.secret_key_env, self.secret_key_file),
        )

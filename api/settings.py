"""What the API has to be told: where to listen, where Postgres and S3 are."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from actors.networks import ModelChoice
from models.supply.store import home

LOOPBACK = ("127.0.0.1", "localhost")
BUILT_PAGE = Path(__file__).parent / "console" / "dist"


class ApiSettings(BaseSettings):
    """Settings of the API process; each can be given as an argument or as ``BEKET_<NAME>`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="BEKET_", extra="ignore")

    host: str = Field(
        "127.0.0.1", validation_alias="BEKET_API_HOST", description="Address to listen on: loopback only."
    )
    port: int = Field(8080, ge=0, le=65535, validation_alias="BEKET_API_PORT", description="0 takes a free one.")
    dsn: SecretStr = Field(description="DSN of Postgres.")
    s3_endpoint: str = Field(description="host:port of the S3 store, without a scheme.")
    s3_access_key: str
    s3_secret_key: SecretStr
    s3_bucket: str = "beket"
    s3_secure: bool = Field(False, description="HTTPS to the S3 store.")
    s3_region: str = "us-east-1"
    page: Path = Field(BUILT_PAGE, validation_alias="BEKET_API_PAGE", description="Folder of the built console.")
    keep_alive_s: float = Field(
        10.0, gt=0, le=60, validation_alias="BEKET_API_KEEP_ALIVE_S", description="Longest silence on the event stream."
    )
    most_streams: int = Field(
        256, ge=1, validation_alias="BEKET_API_MOST_STREAMS", description="Event streams open at one time."
    )

    models: ModelChoice = Field(
        default_factory=lambda: ModelChoice(home() / "models"),
        validation_alias="BEKET_API_MODELS",
        description="What looks at the photos of searches, as JSON; it is opened at the first of them.",
    )

    @field_validator("host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if host not in LOOPBACK:
            raise ValueError(
                f"the API has no accounts yet, so it listens on 127.0.0.1 only, not on {host!r}; "
                "from another machine come through an SSH tunnel: ssh -L 8080:127.0.0.1:8080 THIS_MACHINE"
            )
        return "127.0.0.1"

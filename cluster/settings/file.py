"""Reads a configuration file and says what is wrong in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr, ValidationError

from cluster.errors import SettingsError
from cluster.settings.cameras import CameraSettings
from cluster.settings.health import RequirementSettings
from cluster.settings.hotlists import HotlistSettings
from cluster.settings.region import RegionSettings


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
    return check_settings(_read_mapping(path, "name a configuration with --config"), path)


def read_requirements(path: Path) -> RequirementSettings:
    """Read and check a requirement profile. Raises ``SettingsError``."""
    try:
        return RequirementSettings.model_validate(_read_mapping(path, "name a profile of configs/requirements"))
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_fault(error, RequirementSettings)}") from None


def _read_mapping(path: Path, way_out: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file; {way_out}") from None
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
    return data


def check_settings(data: dict[str, Any], path: Path) -> RegionSettings:
    """Settings of ``data`` as read from ``path``. Raises ``SettingsError``."""
    try:
        settings = RegionSettings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_fault(error, RegionSettings)}") from None
    folder = path.absolute().parent
    hotlists = tuple(_with_absolute_paths(hotlist, folder) for hotlist in settings.hotlists)
    cameras = tuple(_with_absolute_file(camera, folder) for camera in settings.cameras)
    health = settings.health
    if health.requirements_file is not None:
        profile = folder / health.requirements_file.expanduser()
        required = read_requirements(profile)
        health = health.model_copy(update={"requirements_file": profile, "requirements": required})
    home = settings.home and folder / settings.home.expanduser()
    tls = settings.camera_tls
    if tls.ca_file is not None:
        tls = tls.model_copy(update={"ca_file": folder / tls.ca_file.expanduser()})
    models = settings.models
    if models.gpu.engines is not None:
        gpu = models.gpu.model_copy(update={"engines": folder / models.gpu.engines.expanduser()})
        models = models.model_copy(update={"gpu": gpu})
    changed = {
        "hotlists": hotlists, "cameras": cameras, "health": health, "home": home, "camera_tls": tls, "models": models
    }  # fmt: skip
    return settings.model_copy(update=changed)


def _with_absolute_paths(hotlist: HotlistSettings, folder: Path) -> HotlistSettings:
    paths = {"file": hotlist.file, "folder": hotlist.folder, "authorization_file": hotlist.authorization_file}
    return hotlist.model_copy(update={name: path and folder / path.expanduser() for name, path in paths.items()})


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

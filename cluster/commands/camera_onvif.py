"""``beket cameras discover`` and ``add``: a camera by its address and login, asked over ONVIF."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.commands.running import home_of
from cluster.errors import SettingsError
from cluster.settings import CameraSettings, RegionSettings, read_settings

if TYPE_CHECKING:
    from video.onvif.profiles import OnvifCamera, OnvifProfile

PASSWORD_VARIABLE = "BEKET_CAMERA_PASSWORD"  # noqa: S105 - where it is, not what it is

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Host, host:port, or its device service's URL.")]
User = Annotated[str | None, typer.Option("--user", help="The camera's ONVIF user; without, none is given.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help=f"File that holds the password; else ${PASSWORD_VARIABLE}, else it is asked for."),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.yaml", help="The region's configuration.")]
Timeout = Annotated[float, typer.Option(min=1, max=300, help="Seconds that the camera may take in all.")]


def discover(
    address: Address,
    user: User = None,
    password_file: PasswordFile = None,
    config: Config = None,
    timeout_s: Timeout = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")] = False,
) -> None:
    """Ask a camera over ONVIF what it is and which streams it has. The password is never an argument."""
    from video.onvif.profiles import choose

    settings = read_settings(config) if config else RegionSettings()
    camera = _asked(address, user, password_file, settings, timeout_s)
    chosen = choose(camera.profiles)
    best, gate = chosen if chosen is not None else (None, None)
    if as_json:
        sys.stdout.write(json.dumps(_as_json(camera, best, gate), ensure_ascii=False) + "\n")
        return
    clock = "tells no time" if camera.skew_s is None else f"clock off by {camera.skew_s:+.0f} s"
    typer.echo(f"{camera.address}: {camera.manufacturer} {camera.model}, firmware {camera.firmware}, {clock}")
    table = Table("profile", "name", "codec", "size", "fps", "for", "address")
    for profile in camera.profiles:
        use = "reading" if profile is best else "gate" if profile is gate else ""
        size = f"{profile.width}x{profile.height}" if profile.pixels else ""
        fps = f"{profile.fps:.4g}" if profile.fps else ""
        shown = str(profile.stream) if profile.stream is not None else profile.refusal
        table.add_row(profile.token, profile.name, profile.codec or "", size, fps, use, shown)
    Console().print(table)


def add(
    camera_id: Annotated[str, typer.Argument(metavar="ID", help="Its name in the database and in events.")],
    address: Address,
    user: User = None,
    password_file: PasswordFile = None,
    name: Annotated[str, typer.Option(help="What operators read; the id when empty.")] = "",
    place: Annotated[str, typer.Option(help="Where it stands, for operators.")] = "",
    latitude: Annotated[float | None, typer.Option(min=-90, max=90)] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=180)] = None,
    profile: Annotated[str | None, typer.Option(help="Token of the profile to read; else the best.")] = None,
    gate_profile: Annotated[
        str | None, typer.Option(help="Token of the smaller profile for the gate, or `none`; else one is chosen.")
    ] = None,
    config: Config = None,
    timeout_s: Timeout = 20.0,
) -> None:
    """Add a camera by its address: its best profile for reading, a smaller one for the gate, both sealed.

    A running region takes it up within seconds.
    """
    from cluster.camera_rules import camera_record
    from cluster.reach import camera_book, reach_database

    settings = read_settings(config) if config else RegionSettings()
    home = home_of(settings)
    camera = _asked(address, user, password_file, settings, timeout_s)
    best, gate = _picked(camera, profile, gate_profile)
    row = {
        "id": camera_id,
        "url": best.stream.reveal() if best.stream is not None else None,
        "gate_url": gate.stream.reveal() if gate is not None and gate.stream is not None else None,
        "name": name or f"{camera.manufacturer} {camera.model}".strip(),
        "place": place,
        "latitude": latitude,
        "longitude": longitude,
    }
    with reach_database(settings, home) as database:
        done = camera_book(database, home).put([camera_record(_checked(row), home)])
    what = "added" if done.added else "changed" if done.changed else "as it was"
    small = f", {gate.token} ({gate.width}x{gate.height}) for the gate" if gate is not None else ", no smaller stream"
    typer.echo(f"{camera_id}: {what}; {best.token} ({best.width}x{best.height}) is read{small}", err=True)


def _asked(
    address: str, user: str | None, password_file: Path | None, settings: RegionSettings, timeout_s: float
) -> OnvifCamera:
    from cluster.camera_rules import source_rules
    from video.onvif.client import read_camera, service_url
    from video.onvif.transport import Login

    service_url(address)
    login = Login(user, _password(password_file)) if user is not None else None
    return read_camera(address, login, source_rules(settings), timeout_s=timeout_s)


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--password-file: {file} can't be read ({type(error).__name__})") from None
    given = os.environ.get(PASSWORD_VARIABLE)
    return given if given is not None else str(typer.prompt("Password", hide_input=True, err=True))


def _picked(
    camera: OnvifCamera, profile: str | None, gate_profile: str | None
) -> tuple[OnvifProfile, OnvifProfile | None]:
    from video.onvif.profiles import choose

    by_token = {one.token: one for one in camera.profiles}
    for token in (profile, gate_profile):
        if token not in (None, "none") and token not in by_token:
            raise typer.BadParameter(f"the camera has no profile {token}; it has {', '.join(by_token) or 'none'}")
    chosen = choose(camera.profiles)
    best = by_token[profile] if profile is not None else chosen[0] if chosen is not None else None
    if best is None or best.stream is None:
        why = (
            best.refusal if best is not None else "; ".join(sorted({one.refusal for one in camera.profiles})) or "none"
        )
        raise typer.BadParameter(f"the camera has no stream that may be opened ({why})")
    if gate_profile is not None:
        return best, None if gate_profile == "none" else by_token[gate_profile]
    gate = chosen[1] if chosen is not None else None
    return best, gate if gate is not None and 0 < gate.pixels < best.pixels else None


def _checked(row: dict[str, Any]) -> CameraSettings:
    from pydantic import ValidationError

    from cluster.settings import first_fault

    try:
        return CameraSettings.model_validate(row)
    except ValidationError as error:
        raise SettingsError(first_fault(error, CameraSettings)) from None


def _as_json(camera: OnvifCamera, best: OnvifProfile | None, gate: OnvifProfile | None) -> dict[str, Any]:
    return {
        "address": camera.address,
        "manufacturer": camera.manufacturer,
        "model": camera.model,
        "firmware": camera.firmware,
        "serial": camera.serial,
        "skew_s": camera.skew_s,
        "profiles": [
            {
                "token": one.token,
                "name": one.name,
                "codec": one.codec,
                "width": one.width,
                "height": one.height,
                "fps": one.fps,
                "address": str(one.stream) if one.stream is not None else None,
                "refusal": one.refusal or None,
                "use": "reading" if one is best else "gate" if one is gate else None,
            }
            for one in camera.profiles
        ],
    }

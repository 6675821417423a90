"""What the settings say of cameras: as the database keeps them, where they may be, what they must send.

Apart from ``cluster.plan`` so that commands about cameras alone begin quickly.
"""

from __future__ import annotations

import ipaddress

from cluster.home import Home
from cluster.settings import CameraSettings, RegionSettings
from storage.cameras import Camera
from video.connect.source import SourceRules
from video.health.requirements import Requirements

HOME_PLACEHOLDER = "${home}"


def in_home(text: str, home: Home) -> str:
    """``text`` with the home folder put in for ``${home}``."""
    return text.replace(HOME_PLACEHOLDER, str(home.path))


def camera_record(camera: CameraSettings, home: Home) -> Camera:
    """A configured camera as the database keeps it."""
    return Camera(
        camera_id=camera.id,
        name=camera.name or camera.id,
        url=in_home(camera.url.get_secret_value(), home),
        place=camera.place,
        latitude=camera.latitude,
        longitude=camera.longitude,
        enabled=camera.enabled,
        gate_url=in_home(camera.gate_url.get_secret_value(), home) if camera.gate_url is not None else None,
    )


def source_rules(settings: RegionSettings) -> SourceRules:
    """Which addresses cameras may have."""
    return SourceRules(
        allow_files=settings.allow_files,
        networks=tuple(ipaddress.ip_network(net) for net in settings.networks),
        verify_tls=settings.camera_tls.verify,
        ca_file=settings.camera_tls.ca_file,
    )


def requirements(settings: RegionSettings) -> Requirements:
    """What the region requires of its cameras."""
    return Requirements(**settings.health.requirements.model_dump())

"""A region's configuration: every key with its unit, its bounds and what it is for; a module a section.

Read with ``read_settings``; secrets come from the environment or from files, and are never shown.
"""

from cluster.settings.cameras import CameraSettings
from cluster.settings.file import check_settings, first_fault, read_settings
from cluster.settings.hotlists import HotlistSettings
from cluster.settings.processes import ApiSettings
from cluster.settings.region import RegionSettings

__all__ = [
    "ApiSettings",
    "CameraSettings",
    "HotlistSettings",
    "RegionSettings",
    "check_settings",
    "first_fault",
    "read_settings",
]

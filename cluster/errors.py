"""What can go wrong with a region as a whole. Each message is one line that names the thing and the way out."""

from __future__ import annotations


class RegionError(Exception):
    """A region could not be configured, started or reached. ``exit_code`` is what the command ends with."""

    exit_code = 1


class SettingsError(RegionError, ValueError):
    """A configuration file can't be used; the message names the file, the key, and how to mend it."""

    exit_code = 2


class RegionBusy(RegionError):
    """Another beket runs a region over the same home folder."""

    exit_code = 3

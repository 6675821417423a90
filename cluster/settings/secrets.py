"""Secrets come from the environment or from files, and are never shown."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.errors import SettingsError


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

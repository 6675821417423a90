"""Seals what must not be read in the database or its backups: stream URLs with their passwords."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from Crypto.Cipher import AES
from Crypto.Random import get_random_bytes

from storage.errors import StorageError
from storage.secrets import read_or_make_secret

_NONCE: Final = 12
_TAG: Final = 16
_KEY_VARIABLE: Final = "BEKET_SEAL_KEY"
_KEY_FILE_VARIABLE: Final = "BEKET_SEAL_KEY_FILE"
_SHORTEST_KEY: Final = 32


class SealBroken(StorageError, ValueError):
    """A sealed value can't be opened: another key sealed it, or it was moved or changed."""


class Seal:
    """AES-256-GCM under a key that lies in a file of its own, outside the database. Thread-safe."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest()

    @classmethod
    def from_environment(cls, home_file: Path) -> Seal:
        """The key in ``$BEKET_SEAL_KEY``, else in the file that ``$BEKET_SEAL_KEY_FILE`` names, else in ``home_file``,
        which alone is made where it is missing. Raises ``SealBroken`` for a key that is short or can't be read."""
        secret, name = os.environ.get(_KEY_VARIABLE, ""), f"${_KEY_VARIABLE}"
        given = os.environ.get(_KEY_FILE_VARIABLE, "")
        if not secret and not given:
            return cls.from_file(home_file)
        if not secret:
            name = f"the key file {given} (${_KEY_FILE_VARIABLE})"
            try:
                secret = Path(given).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SealBroken(f"{name} can't be read ({type(error).__name__}); put it there") from None
        if len(secret) < _SHORTEST_KEY:
            raise SealBroken(f"{name} is shorter than {_SHORTEST_KEY} characters; take a random one")
        return cls(secret)

    @classmethod
    def from_file(cls, path: Path) -> Seal:
        """The key in ``path``; on first use one is made there, mode 0600."""
        return cls(read_or_make_secret(path, 43))

    def close(self, text: str, owner: str) -> bytes:
        """``text`` sealed for ``owner`` (the id of the row it belongs to)."""
        cipher = AES.new(self._key, AES.MODE_GCM, nonce=get_random_bytes(_NONCE))
        cipher.update(owner.encode())
        sealed, tag = cipher.encrypt_and_digest(text.encode())
        return bytes(cipher.nonce) + tag + sealed

    def open(self, sealed: bytes, owner: str) -> str:
        """What ``close`` sealed for ``owner``. Raises ``SealBroken``."""
        nonce, tag, body = sealed[:_NONCE], sealed[_NONCE : _NONCE + _TAG], sealed[_NONCE + _TAG :]
        try:
            cipher = AES.new(self._key, AES.MODE_GCM, nonce=nonce)
            cipher.update(owner.encode())
            return cipher.decrypt_and_verify(body, tag).decode()
        except ValueError:
            raise SealBroken(
                f"the sealed address of {owner} can't be opened: the key is another one than when it was written; "
                "put the right key back, or import the cameras again"
            ) from None


def shown_url(url: str) -> str:
    """``url`` as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "***" if parts.query else "", ""))

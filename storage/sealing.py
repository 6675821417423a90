"""Seals what must not be read in the database or its backups: stream URLs with their passwords."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from Crypto.Cipher import AES
from Crypto.Random import get_random_bytes

from storage.errors import StorageError
from storage.secrets import read_or_make_secret

_NONCE: Final = 12
_TAG: Final = 16


class SealBroken(StorageError, ValueError):
    """A sealed value can't be opened: another key sealed it, or it was moved or changed."""


class Seal:
    """AES-256-GCM under a key that lies in a file of its own, outside the database. Thread-safe."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest()

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
                f"the sealed address of {owner} can't be opened: the key file is another one than when it was written; "
                "put the right key file back, or import the cameras again"
            ) from None


def shown_url(url: str) -> str:
    """``url`` as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "***" if parts.query else "", ""))

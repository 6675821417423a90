"""Which of this process's sockets is whose: to know that FFmpeg is connected to where it was sent."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from threading import Lock

Peer = tuple[str, int]
"""Numeric address and port."""


class Peers:
    """Connections by their sockets' inodes, each claimed by one owner at most. For any thread.

    FFmpeg does not say which socket is its own. But each owner needs one of its own: where a server leads one of two
    owners elsewhere, one of them finds none left. Linux only (/proc).
    """

    def __init__(self) -> None:
        self._claimed: set[int] = set()
        self._lock = Lock()

    def claim(self, peer: Peer) -> int | None:
        """The inode of a socket connected to ``peer`` that nobody has claimed; None where there is none."""
        with self._lock:
            for number, inode in _sockets():
                if inode not in self._claimed and _peer_of(number) == (str(ip_address(peer[0])), peer[1]):
                    self._claimed.add(inode)
                    return inode
        return None

    def let_go(self, inode: int) -> None:
        """Say that the socket is closed: its number may come again."""
        with self._lock:
            self._claimed.discard(inode)


PEERS = Peers()
"""Of this process."""


def _sockets() -> list[tuple[int, int]]:
    """Descriptors and inodes of the open sockets, the newest descriptor first."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.append((int(entry.name), int(target[8:-1])))
    return sorted(found, reverse=True)


def _peer_of(number: int) -> Peer | None:
    try:
        copy = os.dup(number)
    except OSError:
        return None
    try:
        with socket.socket(fileno=copy) as connection:
            address = connection.getpeername()
    except OSError:
        return None
    if not isinstance(address, tuple):
        return None
    plain = ip_address(str(address[0]).partition("%")[0])
    return str(getattr(plain, "ipv4_mapped", None) or plain), int(address[1])

"""Free ports on 127.0.0.1, the same ones again where possible."""

from __future__ import annotations

import itertools
import json
import random
import socket
from pathlib import Path
from typing import Final

from storage.errors import EmbeddedServiceError

_FIRST: Final = 20_000
"""Below are well-known ports, and those of a Ray cluster's workers."""
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """True when a server can listen on ``port`` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(port: int, what: str, setting: str) -> int:
    """``port``, or ``EmbeddedServiceError`` naming the setting to change."""
    if not is_free(port):
        raise EmbeddedServiceError(
            f"{what}: port {port} on 127.0.0.1 is in use by another program; end that one or change {setting}"
        )
    return port


def free_ports(count: int) -> list[int]:
    """``count`` ports that are free, for servers that start in a moment.

    The kernel gives none of them to an outgoing connection, which could take one before its server has it.
    """
    try:
        end = int(_OUTGOING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        end = 0
    if end - _FIRST < 1000:  # a kernel that gives nearly all of them out
        end = 65_536
    candidates = random.sample(range(_FIRST, end), end - _FIRST)
    return list(itertools.islice(filter(is_free, candidates), count))


def remembered_ports(path: Path, count: int) -> list[int]:
    """``count`` free ports: those written in ``path`` by an earlier start where they are still free, else new ones."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        known = []
    if len(known) == count and all(isinstance(port, int) and is_free(port) for port in known):
        return list(known)
    ports = free_ports(count)
    path.write_text(json.dumps(ports))
    return ports

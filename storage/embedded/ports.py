"""Free ports on 127.0.0.1, the same ones again where possible."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from storage.errors import EmbeddedServiceError


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


def remembered_ports(path: Path, count: int) -> list[int]:
    """``count`` free ports: those written in ``path`` by an earlier start where they are still free, else new ones."""
    try:
        known = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        known = []
    if len(known) == count and all(isinstance(port, int) and is_free(port) for port in known):
        return list(known)
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
    path.write_text(json.dumps(ports))
    return ports

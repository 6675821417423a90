"""RTSP redirects (RFC 2326, 11.3), followed by us: FFmpeg would follow them to anywhere."""

from __future__ import annotations

import re
import socket
import ssl
import time
from typing import Final
from urllib.parse import urljoin, urlsplit

from video.connect.peers import Peer
from video.connect.source import SourceUrl, checked_peer, parse_source
from video.errors import OpenFailed, Reason, SourceRefused

_MAX_REDIRECTS: Final = 3
_MAX_HEAD: Final = 16 * 1024
_METHODS: Final = (("OPTIONS", ""), ("DESCRIBE", "Accept: application/sdp\r\n"))
"""What FFmpeg asks first, without a login, and where it follows a redirect."""


def followed(source: SourceUrl, deadline: float) -> tuple[SourceUrl, Peer]:
    """The source where redirects end, and the address to connect to, each checked before it is connected to.

    ``deadline`` is of the monotonic clock. A server that doesn't answer counts as one that doesn't redirect: opening
    it will say what is wrong. Raises SourceRefused, or OpenFailed for a server that redirects again and again.
    """
    target = source
    for _ in range(_MAX_REDIRECTS + 1):
        peer = checked_peer(target)
        location = _location(target, peer, deadline)
        if location is None:
            return target, peer
        target = _redirected(source, target, location)
    raise OpenFailed(Reason.SERVER_FAILED, source, "redirects again and again", "give the final address")


def check_certificate(target: SourceUrl, peer: Peer, deadline: float) -> None:
    """Say why FFmpeg could not open an ``rtsps`` address, where it is the certificate.

    Raises OpenFailed (``tls_failed``).
    """
    try:
        _connection(target, peer, deadline).close()
    except ssl.SSLCertVerificationError as error:
        raise OpenFailed(
            Reason.TLS_FAILED,
            target,
            f"its certificate is not trusted ({error.verify_message})",
            "give its authority's certificate (camera_tls.ca_file), or set camera_tls.verify to false",
        ) from None
    except (OSError, ValueError):
        return


def _redirected(source: SourceUrl, target: SourceUrl, location: str) -> SourceUrl:
    bare = target.pinned(target.host, with_login=False)
    address = urljoin(re.sub("^rtsps?", "http", bare), location) if "://" not in location else location
    if "://" not in location:
        address = f"{bare.partition(':')[0]}:{address.partition(':')[2]}"
    login = urlsplit(target.reveal()).netloc.rpartition("@")[0]
    try:
        if not address.lower().startswith(("rtsp://", "rtsps://")):
            raise SourceRefused(Reason.NETWORK_REFUSED, address.partition(":")[0], "is no address of a stream", "")
        if target.secure and not address.lower().startswith("rtsps://"):
            raise SourceRefused(Reason.NETWORK_REFUSED, "rtsp:", "is not encrypted", "")
        found = parse_source(address, source.rules)
        if login and "@" not in urlsplit(found.reveal()).netloc:
            found = parse_source(address.replace("://", f"://{login}@", 1), source.rules)
        checked_peer(found)
    except SourceRefused as error:
        reason = error.reason if error.reason is Reason.NAME_UNKNOWN else Reason.NETWORK_REFUSED
        raise SourceRefused(
            reason, source, f"redirects elsewhere: {error.what}", "only rtsp in the allowed networks is opened"
        ) from None
    return found


def _location(target: SourceUrl, peer: Peer, deadline: float) -> str | None:
    """Where the server redirects to; None if it doesn't."""
    bare = target.pinned(peer[0], with_login=False)
    try:
        with _connection(target, peer, deadline) as connection:
            for number, (method, extra) in enumerate(_METHODS, 1):
                request = f"{method} {bare} RTSP/1.0\r\nCSeq: {number}\r\n{extra}\r\n"
                connection.sendall(request.encode("utf-8", "surrogateescape"))
                status, location = _answer(connection, deadline)
                if 300 <= status < 400 and location:
                    return location
                if status != 200:
                    return None
    except (OSError, ValueError):
        return None
    return None


def _connection(target: SourceUrl, peer: Peer, deadline: float) -> socket.socket:
    connection = socket.create_connection(peer, max(deadline - time.monotonic(), 0.05))
    if not target.secure:
        return connection
    if target.rules.verify_tls:
        context = ssl.create_default_context(cafile=str(target.rules.ca_file) if target.rules.ca_file else None)
    else:
        context = ssl._create_unverified_context()  # noqa: S323 - as the configuration says, for this camera
    try:
        return context.wrap_socket(connection, server_hostname=target.host)
    except BaseException:
        connection.close()
        raise


def _answer(connection: socket.socket, deadline: float) -> tuple[int, str]:
    """Status and location of an answer whose body, if any, is read too."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection, deadline)
        if len(data) > _MAX_HEAD:
            raise ValueError("the answer's head is too large")
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace")
    status = re.match(r"RTSP/\d\.\d (\d{3})", text)
    pairs = (line.partition(":") for line in text.split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    if status is None or not 0 <= length <= 2**20:
        raise ValueError("not an RTSP answer")
    while len(body) < length:
        body += _some(connection, deadline)
    return int(status[1]), headers.get("location", "")


def _some(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(max(deadline - time.monotonic(), 0.01))
    data = connection.recv(4096)
    if not data:
        raise ValueError("the connection ended")
    return data

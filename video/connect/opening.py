"""Opening a source: the only place where FFmpeg meets an address.

Where networks are configured, FFmpeg is never given a name to look up. An ``rtsp(s)`` address is pinned to the one that
was checked, redirects are followed by us before it connects, and afterwards its connection is found again among the
process's sockets: a server that leads FFmpeg elsewhere all the same is refused. For ``https`` FFmpeg connects through a
proxy in this process, which checks every address it is asked for.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
import av.logging
import certifi

from video.connect.checked_proxy import CheckedProxy
from video.connect.explain import explain
from video.connect.peers import PEERS
from video.connect.playlist import checked_address
from video.connect.rtsp_redirect import check_certificate, followed
from video.connect.source import SourceKind, SourceUrl, checked_peer, resolve
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.packets.packet import TICKS

av.logging.set_level(None)  # libav's own lines hold addresses with logins, and its callback can deadlock with threads

_FILE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,mjpeg,mpjpeg,flv,asf,ogg,ivf,obu,"
    "dhav,mxf"
)
_PROTOCOLS = {
    SourceKind.RTSP: "rtsp,rtsps,rtp,tcp,tls",
    SourceKind.HTTPS: "https,tls,tcp,crypto",
    SourceKind.FILE: "file",
}
_FORMATS = {
    SourceKind.RTSP: "rtsp,rtp,sdp,mpegts",
    SourceKind.HTTPS: f"hls,aac,{_FILE_FORMATS}",
    SourceKind.FILE: _FILE_FORMATS,
}


@dataclass(frozen=True, slots=True)
class OpenSettings:
    """How long to wait for a source, in seconds."""

    open_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    max_gap_s: float = 10.0
    """A live clock that leaps by more is taken for a new one."""


@dataclass(slots=True)
class Opened:
    """An open container, and what has to be let go with it."""

    container: Any = None
    let_go: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        if self.container is not None:
            self.container.close()
        while self.let_go:
            self.let_go.pop()()


def open_container(source: SourceUrl, settings: OpenSettings) -> Opened:
    """``source`` opened by FFmpeg within ``open_timeout_s``. Raises SourceRefused or OpenFailed with the reason."""
    if source.path is not None and not source.path.is_file():
        what = "is not a file" if source.path.exists() else "there is no such file"
        raise OpenFailed(Reason.NOT_FOUND, source, what, "mend the path")
    opened = Opened()
    deadline = time.monotonic() + settings.open_timeout_s
    try:
        if source.kind is SourceKind.RTSP:
            _open_rtsp(opened, source, settings, deadline)
        elif source.kind is SourceKind.HTTPS:
            _open_https(opened, source, settings, deadline)
        else:
            opened.container = _attempt(source, source.reveal(), _options(source), settings, deadline)
    except BaseException:
        opened.close()
        raise
    return opened


def trusted_certificates(source: SourceUrl) -> str:
    """The file of certificates that TLS connections of ``source`` are checked with."""
    if source.rules.ca_file is not None:
        return str(source.rules.ca_file)
    return ssl.get_default_verify_paths().cafile or certifi.where()


def _options(source: SourceUrl) -> dict[str, str]:
    options = {"protocol_whitelist": _PROTOCOLS[source.kind], "format_whitelist": _FORMATS[source.kind]}
    if source.secure and source.rules.verify_tls:
        options |= {"tls_verify": "1", "ca_file": trusted_certificates(source)}
    return options


def _open_rtsp(opened: Opened, source: SourceUrl, settings: OpenSettings, deadline: float) -> None:
    target, peer = source, None
    if source.rules.networks:
        target, peer = followed(source, deadline)
    options = _options(target) | {"rtsp_transport": "tcp", "timeout": str(int(settings.open_timeout_s * TICKS))}
    if peer is not None and "tls_verify" in options:
        options["verifyhost"] = target.host
    # cameras name their parameter sets in the description, so the stream itself need not be looked into, nor sound
    fast = {"analyzeduration": "0", "probesize": "32", "allowed_media_types": "video"}
    address = resolve(target) if peer is None else target.pinned(peer[0])
    try:
        opened.container = _attempt(target, address, options | fast, settings, deadline)
    except OpenFailed as failure:
        if failure.reason is Reason.UNREACHABLE and target.secure and target.rules.verify_tls:
            check_certificate(target, peer or checked_peer(target), deadline)
        is_final = failure.reason not in (Reason.NOT_VIDEO, Reason.UNDECODABLE, Reason.SERVER_FAILED)
        if is_final or time.monotonic() >= deadline:
            raise
        opened.container = _attempt(target, address, options, settings, deadline)
    if peer is not None:
        claim = PEERS.claim(peer)
        if claim is None:
            raise SourceRefused(
                Reason.NETWORK_REFUSED,
                source,
                f"its server led the connection away from {peer[0]}, which alone was checked",
                "give the address that it leads to",
            )
        opened.let_go.append(lambda: PEERS.let_go(claim))


def _open_https(opened: Opened, source: SourceUrl, settings: OpenSettings, deadline: float) -> None:
    options = _options(source) | {"rw_timeout": str(int(settings.read_timeout_s * TICKS)), "max_redirects": "0"}
    proxy: CheckedProxy | None = None
    if source.rules.networks:
        proxy = CheckedProxy(source)
        opened.let_go.append(proxy.close)
        options |= {"http_proxy": proxy.url, "protocol_whitelist": f"{_PROTOCOLS[source.kind]},httpproxy"}
    try:
        address = checked_address(source, settings.open_timeout_s, proxy.url if proxy is not None else None)
        served = proxy.served if proxy is not None else 0
        opened.container = _attempt(source, address, options, settings, deadline)
    except VideoError:
        if proxy is not None and proxy.refusal is not None:
            raise proxy.refusal from None
        raise
    if proxy is not None and proxy.served == served:
        raise SourceRefused(
            Reason.NETWORK_REFUSED,
            source,
            "its address was not checked at the connection: the environment's no_proxy names it",
            "take it out of no_proxy",
        )


def _attempt(source: SourceUrl, address: str, options: dict[str, str], settings: OpenSettings, deadline: float) -> Any:
    left = deadline - time.monotonic()
    try:
        return av.open(address, options=options, timeout=(max(left, 0.05), settings.read_timeout_s))
    except av.error.FFmpegError as error:
        if time.monotonic() >= deadline - 0.02 and isinstance(error, av.error.InvalidDataError):
            error = TimeoutError()  # libav names an interrupted wait so
        raise OpenFailed(*explain(source, error, opened=False)) from None

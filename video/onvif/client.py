"""Asking a camera over ONVIF: who it is, which profiles it has, and where their streams are.

``onvif-zeep-async`` brings the service descriptions and the WS-UsernameToken; its own transport is not used: it follows
redirects to anywhere, checks no certificate and bounds no answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from video.connect.source import SourceRules, SourceUrl, checked_peer, parse_source
from video.errors import OpenFailed, Reason, SourceRefused, VideoError
from video.onvif.profiles import OnvifCamera, OnvifProfile
from video.onvif.transport import CheckedTransport, Login, login_refused, service_address

_PATH: Final = "/onvif/device_service"
"""Where the device service is by the standard (Core Specification, 5.1.1)."""
_MOST_PROFILES: Final = 32


def read_camera(
    address: str, login: Login | None, rules: SourceRules | None = None, *, timeout_s: float = 20.0
) -> OnvifCamera:
    """What the camera at ``address`` says of itself: a host, ``host:port``, or its service's whole URL.

    Not for use inside a running event loop. Raises SourceRefused or OpenFailed with the reason; what they say never
    holds the login.
    """
    return asyncio.run(_read_camera(service_url(address), login, rules or SourceRules(), timeout_s))


def service_url(address: str) -> str:
    """The device service's URL. Raises SourceRefused where ``address`` is none, or holds a login."""
    text = address.strip()
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise SourceRefused(
            Reason.SOURCE_REFUSED, "address", "holds a login, which others could read", "give the user by --user"
        )
    service_address(url, SourceRules())
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{_PATH}"


async def _read_camera(url: str, login: Login | None, rules: SourceRules, timeout_s: float) -> OnvifCamera:
    shown = urlsplit(url).netloc
    transport = CheckedTransport(shown, rules, login, timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            return await _ask(url, shown, transport, login, rules)
    except TimeoutError:
        raise OpenFailed(
            Reason.TIMED_OUT,
            shown,
            f"took longer than {timeout_s:.0f} s to answer",
            "try again, or look at the network",
        ) from None
    finally:
        await transport.aclose()


async def _ask(
    url: str, shown: str, transport: CheckedTransport, login: Login | None, rules: SourceRules
) -> OnvifCamera:
    device = await _service("devicemgmt", url, transport, login, None)
    skew = _skew(await _optional(shown, device.authless_GetSystemDateAndTime()))
    device = await _service("devicemgmt", url, transport, login, skew)
    who = await _answer(shown, device.GetDeviceInformation())
    media_url = _media_url(await _optional(shown, device.GetCapabilities({"Category": "Media"})), shown)
    media = await _service("media", media_url, transport, login, skew)
    found = await _answer(shown, media.GetProfiles())
    profiles = []
    for profile in list(found or [])[:_MOST_PROFILES]:
        token = _text(profile, "token")
        if not token:
            continue
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        uri = await _optional(shown, media.GetStreamUri({"StreamSetup": setup, "ProfileToken": token}))
        profiles.append(_profile(profile, token, _text(uri, "Uri"), login, rules))
    return OnvifCamera(
        address=shown,
        manufacturer=_text(who, "Manufacturer"),
        model=_text(who, "Model"),
        firmware=_text(who, "FirmwareVersion"),
        serial=_text(who, "SerialNumber"),
        skew_s=None if skew is None else round(skew.total_seconds()),
        profiles=tuple(profiles),
    )


async def _service(
    name: str, url: str, transport: CheckedTransport, login: Login | None, skew: timedelta | None
) -> Any:
    onvif = _library()
    definition = onvif.SERVICES[name]
    service = onvif.ONVIFService(
        url,
        login.user if login is not None else None,
        login.password if login is not None else None,
        str(Path(onvif.__file__).parent / "wsdl" / definition["wsdl"]),
        no_cache=True,
        dt_diff=skew,
        binding_name=f"{{{definition['ns']}}}{definition['binding']}",
    )
    await service.close()  # its own connections, which are not used
    service.transport = transport
    await service.setup()
    return service if login is not None else _Authless(service)


class _Authless:
    """A service asked without a token, for cameras that want no login."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name if name.startswith("authless_") else f"authless_{name}")


def _library() -> Any:
    """The library, imported when it is needed: it takes a second, and would set up the root logger."""
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())
    import onvif

    for name in ("onvif", "zeep", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below, they write whole messages and addresses
    return onvif


async def _answer(shown: str, asked: Awaitable[Any]) -> Any:
    """The answer, or the error as ours."""
    import zeep.exceptions
    from lxml.etree import LxmlError

    onvif = _library()
    try:
        return await asked
    except VideoError:
        raise
    except zeep.exceptions.Fault as fault:
        codes = [str(getattr(code, "localname", code)) for code in fault.subcodes or []]
        said = " ".join([str(fault.message), str(fault.code), *codes])
        if any(
            word in said.lower() for word in ("notauthorized", "not authorized", "failedauthentication", "sender not")
        ):
            raise login_refused(shown) from None
        raise OpenFailed(
            Reason.SERVER_FAILED,
            shown,
            f"refused the question ({_plain(said)})",
            "see that ONVIF is on in its settings",
        ) from None
    except (
        zeep.exceptions.Error,
        onvif.ONVIFError,
        LxmlError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        # zeep meets what is not SOAP with exceptions of many kinds
        raise OpenFailed(
            Reason.SERVER_FAILED,
            shown,
            f"its answer is not to be understood ({type(error).__name__})",
            "see that it is a camera's ONVIF service",
        ) from None


async def _optional(shown: str, asked: Awaitable[Any]) -> Any:
    """The answer, or None where the camera doesn't know the question."""
    try:
        return await _answer(shown, asked)
    except OpenFailed as error:
        if error.reason is not Reason.SERVER_FAILED:
            raise
        return None


def _skew(answer: Any) -> timedelta | None:
    at: Any = getattr(answer, "UTCDateTime", None)
    try:
        day, time = at.Date, at.Time
        told = datetime(day.Year, day.Month, day.Day, time.Hour, time.Minute, min(time.Second, 59), tzinfo=UTC)
    except (AttributeError, TypeError, ValueError):
        return None
    return told - datetime.now(UTC)


def _media_url(capabilities: Any, shown: str) -> str:
    address = _text(getattr(capabilities, "Media", None), "XAddr")
    if not address:
        raise OpenFailed(
            Reason.NO_VIDEO, shown, "has no media service", "give the camera's own address, not a recorder's"
        )
    return address


def _profile(profile: Any, token: str, uri: str, login: Login | None, rules: SourceRules) -> OnvifProfile:
    encoder = getattr(profile, "VideoEncoderConfiguration", None)
    size = getattr(encoder, "Resolution", None)
    fps = getattr(getattr(encoder, "RateControl", None), "FrameRateLimit", None)
    stream, refusal = _stream(uri, login, rules)
    return OnvifProfile(
        token=token,
        name=_text(profile, "Name"),
        codec=_text(encoder, "Encoding").upper().replace(".", "") or None,
        width=_count(getattr(size, "Width", None)),
        height=_count(getattr(size, "Height", None)),
        fps=float(fps) if isinstance(fps, int | float) and 0 < fps <= 240 else None,
        stream=stream,
        refusal=refusal,
    )


def _stream(uri: str, login: Login | None, rules: SourceRules) -> tuple[SourceUrl | None, str]:
    if not uri:
        return None, "the camera gives no address for it"
    scheme, mark, rest = uri.partition("://")
    if not mark or scheme.lower() not in ("rtsp", "rtsps"):
        return None, "its address is of a kind that is never opened"
    if login is not None and "@" not in rest.partition("/")[0]:
        rest = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{rest}"
    try:
        stream = parse_source(f"{scheme}://{rest}", rules)
        checked_peer(stream)
        return stream, ""
    except SourceRefused as error:
        return None, error.what


def _text(record: Any, name: str) -> str:
    value = getattr(record, name, None)
    return _plain(value) if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """A camera's words on one line, without what would move a terminal's cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 100_000 else 0

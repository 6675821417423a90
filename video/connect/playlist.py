"""HLS playlists: fetched and read by us first, so that FFmpeg never follows one that points elsewhere."""

from __future__ import annotations

import re
import ssl
from urllib.parse import urljoin

import httpx

from video.connect.source import SourceUrl, checked_peer, parse_source
from video.errors import OpenFailed, Reason, SourceRefused, VideoError

_MAX_BYTES = 2**20
_MAX_REDIRECTS = 3
_MAX_PLAYLISTS = 12
_URI = re.compile(r'URI\s*=\s*"([^"]*)"', re.IGNORECASE)


def checked_address(source: SourceUrl, timeout_s: float, proxy: str | None = None) -> str:
    """The address to open, redirects followed and each playlist behind it read.

    Raises SourceRefused if a redirect or a playlist leads to anything but https in the allowed networks, OpenFailed if
    it can't be fetched. ``proxy`` is the address of the proxy to go through.
    """
    verify: ssl.SSLContext | bool = source.rules.verify_tls
    if source.rules.verify_tls and source.rules.ca_file is not None:
        verify = ssl.create_default_context(cafile=str(source.rules.ca_file))
    with httpx.Client(verify=verify, timeout=timeout_s, trust_env=False, proxy=proxy) as client:
        address, text = _fetch(client, source, source.reveal())
        waiting = _pointed_at(source, address, text)
        for _ in range(_MAX_PLAYLISTS):
            if not waiting:
                break
            there, nested = _fetch(client, source, waiting.pop())
            _pointed_at(source, there, nested)
    return address


def addresses_in(text: str) -> list[str]:
    """All addresses that an HLS playlist names: segments, keys, maps, variants."""
    found = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#"):
            found += _URI.findall(line)
        elif line:
            found.append(line)
    return found


def _pointed_at(source: SourceUrl, address: str, text: str | None) -> list[str]:
    """Nested playlists; raises SourceRefused for an address that is not allowed."""
    nested = []
    for name in addresses_in(text) if text is not None else ():
        there = urljoin(address, name)
        _check(source, there, Reason.PLAYLIST_REFUSED, "its playlist points at")
        if there.partition("?")[0].endswith((".m3u8", ".m3u")):
            nested.append(there)
    return nested


def _check(source: SourceUrl, address: str, reason: Reason, what: str) -> None:
    try:
        if not address.lower().startswith("https://"):
            raise SourceRefused(reason, source, "", "")
        checked_peer(parse_source(address, source.rules))
    except SourceRefused as error:
        shown = f"{address.partition(':')[0]}:..." if not error.what else error.what
        raise SourceRefused(
            error.reason if error.what else reason,
            source,
            f"{what} {shown}",
            "only https in the allowed networks is opened",
        ) from None


def _fetch(client: httpx.Client, source: SourceUrl, address: str) -> tuple[str, str | None]:
    """Where redirects lead, and the playlist found there; None if it is something else."""
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            with client.stream("GET", address) as answer:
                if answer.is_redirect:
                    address = urljoin(address, answer.headers.get("location", ""))
                    _check(source, address, Reason.NETWORK_REFUSED, "redirects to")
                    continue
                if answer.is_error:
                    raise _refusal(source, answer.status_code)
                return address, _playlist(answer, source)
        except httpx.TimeoutException:
            raise OpenFailed(
                Reason.TIMED_OUT, source, "did not answer in time", "see that the network reaches it"
            ) from None
        except httpx.ProxyError:
            raise OpenFailed(Reason.UNREACHABLE, source, "can't be reached", "see that it is on") from None
        except httpx.ConnectError as error:
            if "certificate" in str(error).lower() or "ssl" in str(error).lower():
                raise OpenFailed(
                    Reason.TLS_FAILED,
                    source,
                    "its certificate is not trusted",
                    "give its authority's certificate (camera_tls.ca_file), or set camera_tls.verify to false",
                ) from None
            raise OpenFailed(
                Reason.UNREACHABLE, source, "refused the connection", "see that it is on and its port is right"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"broke the connection ({type(error).__name__})"
            raise OpenFailed(Reason.UNREACHABLE, source, what, "see that it is on") from None
    raise OpenFailed(Reason.SERVER_FAILED, source, "redirects again and again", "give the final address")


def _playlist(answer: httpx.Response, source: SourceUrl) -> str | None:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) >= 7 and not body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"#EXTM3U"):
            return None
        if len(body) > _MAX_BYTES:
            raise SourceRefused(
                Reason.PLAYLIST_REFUSED, source, "its playlist is larger than 1 MiB", "give another address"
            )
    return body.decode("utf-8", "replace") if body else None


def _refusal(source: SourceUrl, status: int) -> VideoError:
    if status in (401, 403):
        return OpenFailed(Reason.LOGIN_FAILED, source, "refused the login", "mend the user name and password")
    if status in (404, 410):
        return OpenFailed(Reason.NOT_FOUND, source, "has no such stream", "mend the path of the address")
    return OpenFailed(Reason.SERVER_FAILED, source, f"its server answered {status}", "look at the server")

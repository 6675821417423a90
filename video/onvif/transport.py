"""How ONVIF's messages travel: to allowed networks alone, pinned to the address that was checked, bounded in size and
time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import etree

from video.connect.source import SourceRules, SourceUrl, checked_peer, parse_source
from video.errors import OpenFailed, Reason, SourceRefused

_MAX_BYTES = 2**20
_MAX_REDIRECTS = 2


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks; the password stays out of ``repr``."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(***)"


class CheckedTransport:
    """A transport for zeep, which asks no more of it than ``post_xml``. For one camera, until ``aclose``.

    Raises SourceRefused and OpenFailed out of zeep's calls. HTTP digest is answered too, for cameras that want it
    besides ONVIF's own token.
    """

    cache = None

    def __init__(self, shown: str, rules: SourceRules, login: Login | None, timeout_s: float) -> None:
        self._shown = shown
        self._rules = rules
        self._auth = httpx.DigestAuth(login.user, login.password) if login is not None else None
        verify: Any = rules.verify_tls
        if rules.verify_tls and rules.ca_file is not None:
            import ssl

            verify = ssl.create_default_context(cafile=str(rules.ca_file))
        self._client = httpx.AsyncClient(verify=verify, timeout=timeout_s, trust_env=False)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> httpx.Response:
        """The answer to a message, whole. Called by zeep."""
        return await self.post(address, etree.tostring(envelope, encoding="utf-8", xml_declaration=True), headers)

    async def post(self, address: str, message: bytes, headers: dict[str, str]) -> httpx.Response:
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await self._once(address, message, headers)
            if not answer.is_redirect:
                return answer
            address = urljoin(address, answer.headers.get("location", ""))
        raise OpenFailed(Reason.SERVER_FAILED, self._shown, "redirects again and again", "give its final address")

    async def _once(self, address: str, message: bytes, headers: dict[str, str]) -> httpx.Response:
        url, host = self._pinned(address)
        try:
            request = self._client.build_request(
                "POST",
                url,
                content=message,
                headers={**headers, "Host": host, "Accept-Encoding": "identity"},
                extensions={"sni_hostname": urlsplit(f"//{host}").hostname},
            )
            answer = await self._client.send(request, auth=self._auth, stream=True)
            try:
                body = await self._body(answer)
            finally:
                await answer.aclose()
        except httpx.TimeoutException:
            raise OpenFailed(
                Reason.TIMED_OUT, self._shown, "did not answer in time", "see that the network reaches it"
            ) from None
        except httpx.ConnectError as error:
            is_tls = "certificate" in str(error).lower()
            raise OpenFailed(
                Reason.TLS_FAILED if is_tls else Reason.UNREACHABLE,
                self._shown,
                "its certificate is not trusted" if is_tls else "refused the connection",
                "see that it is on, its ONVIF service too, and the port is right",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            what = f"broke the connection ({type(error).__name__})"
            raise OpenFailed(Reason.UNREACHABLE, self._shown, what, "see that ONVIF is on in its settings") from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise login_refused(self._shown)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)

    async def _body(self, answer: httpx.Response) -> bytes:
        body = b""
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > _MAX_BYTES:
                raise OpenFailed(
                    Reason.TOO_LARGE, self._shown, "its answer is larger than 1 MiB", "look at the camera's firmware"
                )
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            raise OpenFailed(
                Reason.SERVER_FAILED,
                self._shown,
                "its answer holds a document type",
                "SOAP forbids that: is it a camera?",
            )
        return body

    def _pinned(self, address: str) -> tuple[str, str]:
        """``address`` with the checked numeric address in it, and the host that it names."""
        try:
            source = service_address(address, self._rules)
            peer = checked_peer(source)
        except SourceRefused as error:
            raise SourceRefused(
                error.reason, self._shown, f"names a service elsewhere: {error.what}", error.way_out
            ) from None
        parts = urlsplit(address)
        shown = f"[{peer[0]}]" if ":" in peer[0] else peer[0]
        return parts._replace(netloc=f"{shown}:{peer[1]}", fragment="").geturl(), parts.netloc.rpartition("@")[2]


def service_address(address: str, rules: SourceRules) -> SourceUrl:
    """The HTTP address of a service as something to be checked. Raises SourceRefused for anything but HTTP(S)."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise SourceRefused(
            Reason.SOURCE_REFUSED,
            parts.scheme,
            f"services of kind {parts.scheme}: are never asked",
            "use http or https",
        )
    try:
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        raise SourceRefused(Reason.SOURCE_REFUSED, parts.scheme, "its port is none", "mend the address") from None
    host = parts.hostname or ""
    return parse_source(f"https://{f'[{host}]' if ':' in host else host}:{port}/", rules)


def login_refused(shown: str) -> OpenFailed:
    """What is said where a camera does not take the login."""
    return OpenFailed(
        Reason.LOGIN_FAILED,
        shown,
        "refused the login",
        "mend user name and password; many cameras keep ONVIF users apart from the others",
    )

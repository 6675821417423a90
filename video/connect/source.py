"""Where a stream comes from: which addresses are opened at all, and the hiding of their passwords."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from video.errors import Reason, SourceRefused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HIDDEN = "***"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):")
_PLAIN_QUERY_KEYS = frozenset({"channel", "subtype", "stream", "profile", "proto", "unicast", "transportmode"})
_SECRET_IN_PATH = re.compile(r"((?:user|pass|pwd|psw|token|key)[^/=&]*=)[^/&_]+", re.IGNORECASE)
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "https": 443}


class SourceKind(StrEnum):
    RTSP = "rtsp"
    HTTPS = "https"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What a configuration allows. The schemes are fixed: rtsp, rtsps, https, and files where ``allow_files``."""

    allow_files: bool = False
    networks: tuple[Network, ...] = ()
    """Networks that a camera's name may resolve into; empty allows all."""
    verify_tls: bool = True
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""


class SourceUrl:
    """A source's address. ``str`` and ``repr`` never show a login; ``reveal()`` does, for opening alone."""

    __slots__ = ("_redacted", "_secrets", "_url", "kind", "path", "rules")

    def __init__(self, url: str, kind: SourceKind, rules: SourceRules, path: Path | None = None) -> None:
        self._url = url
        self.kind = kind
        self.rules = rules
        self.path = path
        """The file, for ``SourceKind.FILE``."""
        self._redacted, self._secrets = (str(path), ()) if path else _redacted(url)

    def reveal(self) -> str:
        """The address with its login: to be opened, never to be shown."""
        return self._url

    @property
    def is_live(self) -> bool:
        return self.kind is not SourceKind.FILE

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    def pinned(self, host: str, *, with_login: bool = True) -> str:
        """The address with ``host``, a numeric one say, in its name's place."""
        parts = urlsplit(self._url)
        login = parts.netloc.rpartition("@")[0] if with_login else ""
        shown = f"[{host}]" if ":" in host else host
        netloc = (f"{login}@" if login else "") + shown + (f":{parts.port}" if parts.port else "")
        return urlunsplit(parts._replace(netloc=netloc))

    @property
    def secure(self) -> bool:
        return self._url.startswith(("rtsps:", "https:"))

    def redact(self, text: str) -> str:
        """``text`` (a library's error, say) without this source's address and secrets."""
        text = text.replace(self._url, self._redacted)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def __str__(self) -> str:
        return self._redacted

    def __repr__(self) -> str:
        return f"SourceUrl({self._redacted!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceUrl) and self._url == other._url

    def __hash__(self) -> int:
        return hash(self._url)

    def __reduce__(self) -> tuple[type[SourceUrl], tuple[str, SourceKind, SourceRules, Path | None]]:
        return (SourceUrl, (self._url, self.kind, self.rules, self.path))


def parse_source(text: str, rules: SourceRules | None = None) -> SourceUrl:
    """The source that ``text`` names: ``rtsp(s)://``, ``https://``, or a path / ``file://`` where files are allowed.

    Raises SourceRefused for everything else, and names the way out without showing a login.
    """
    rules = rules or SourceRules()
    text = text.strip()
    scheme_match = _SCHEME.match(text)
    scheme = scheme_match[1].lower() if scheme_match else "file"
    if not text or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise SourceRefused(Reason.SOURCE_REFUSED, "source", "is empty or holds control characters", "give a URL")
    if scheme in _DEFAULT_PORTS:
        return _parse_network(text, scheme, rules)
    if scheme != "file":
        shown = f"{scheme}:{HIDDEN}"
        way_out = "use rtsp://, rtsps:// or https://" + (
            "; for a file whose name looks like that, write ./name" if rules.allow_files else ""
        )
        raise SourceRefused(Reason.SOURCE_REFUSED, shown, f"addresses of kind {scheme}: are never opened", way_out)
    path = Path(unquote(urlsplit(text).path) if scheme_match else text)
    if scheme_match and urlsplit(text).netloc not in ("", "localhost"):
        raise SourceRefused(Reason.SOURCE_REFUSED, text, "a file address with a host", "write file:///path")
    if not rules.allow_files:
        raise SourceRefused(
            Reason.SOURCE_REFUSED, path, "files are not allowed here", "allow files in the configuration, or give a URL"
        )
    path = path.expanduser().absolute()
    return SourceUrl(f"file:{path}", SourceKind.FILE, rules, path)


def resolve(source: SourceUrl) -> str:
    """The address to connect to, after checking that its name is known and where it points; call at each connect.

    With ``networks`` configured, an ``rtsp(s)`` address is pinned to the one that was checked.
    Raises SourceRefused (``name_unknown``, ``network_refused``).
    """
    if not source.is_live:
        return source.reveal()
    peer = checked_peer(source)
    return source.pinned(peer[0]) if source.rules.networks and source.kind is SourceKind.RTSP else source.reveal()


def checked_peer(source: SourceUrl) -> tuple[str, int]:
    """The numeric address and port behind a live source's name, looked up now.

    With ``networks`` configured, every address of the name must lie in them. Raises SourceRefused (``name_unknown``,
    ``network_refused``).
    """
    parts = urlsplit(source.reveal())
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no name"
        raise SourceRefused(
            Reason.NAME_UNKNOWN, source, f"the name {host} is not known ({why})", "mend the name or the DNS"
        ) from None
    addresses = [_plain(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses if source.rules.networks else ():
        if not any(address in network for network in source.rules.networks):
            raise SourceRefused(
                Reason.NETWORK_REFUSED,
                source,
                f"{address} lies outside the allowed networks",
                "add its network to the configuration, or mend the address",
            )
    return str(addresses[0]), port


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """``::ffff:10.0.0.1`` leads to 10.0.0.1, whatever is said of ``::/0``."""
    found = ipaddress.ip_address(address)
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def _parse_network(text: str, scheme: str, rules: SourceRules) -> SourceUrl:
    shown = _redacted(text)[0]
    address, question, query = text.partition("://")[2].partition("?")
    login, at, place = _split_login(address)
    if at and "/" in login:
        text = f"{scheme}://" + ":".join(quote(unquote(part), safe="") for part in login.split(":", 1)) + at + place
        text += question + query
    try:
        parts = urlsplit(text)
        port_is_good = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_is_good = False
        parts = urlsplit(f"{scheme}:///")
    if not parts.hostname or not port_is_good or " " in parts.netloc:
        raise SourceRefused(
            Reason.SOURCE_REFUSED, shown, "the address has no host or a bad port", f"write {scheme}://host:port/path"
        )
    text = urlunsplit(parts._replace(scheme=scheme, fragment=""))
    return SourceUrl(text, SourceKind.HTTPS if scheme == "https" else SourceKind.RTSP, rules)


def _split_login(head: str) -> tuple[str, str, str]:
    """Login, ``@`` and the rest. A password may hold an unescaped @ or /: in doubt all before the last @ is login."""
    authority = head.partition("/")[0]
    if "@" in authority or re.search(r":(?!\d+$)[^\]]*$", authority):
        return head.rpartition("@")
    return "", "", head


def _redacted(url: str) -> tuple[str, tuple[str, ...]]:
    """The address without login and secret query values, and the secrets themselves, longest first."""
    scheme, _, rest = url.partition("://")
    head, question, query = rest.partition("?")
    login, at, place = _split_login(head)
    secrets: list[str] = []
    for part in (login, *login.split(":", 1)):
        secrets += [part, unquote(part), quote(unquote(part), safe="")]
    fields = []
    for field in query.split("&") if question else ():
        key, equals, value = field.partition("=")
        if equals and key.lower() not in _PLAIN_QUERY_KEYS:
            secrets += [value, unquote(value)]
            value = HIDDEN
        fields.append(key + equals + value)
    secrets += [match[0].split("=", 1)[1] for match in _SECRET_IN_PATH.finditer(place.partition("/")[2])]
    host, slash, path = place.partition("/")
    shown = f"{scheme}://" + (f"{HIDDEN}@" if at else "") + host + slash + _SECRET_IN_PATH.sub(rf"\1{HIDDEN}", path)
    return (
        shown + question + "&".join(fields),
        tuple(sorted({secret for secret in secrets if len(secret) > 2}, key=len, reverse=True)),
    )

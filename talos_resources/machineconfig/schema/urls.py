"""URLs as Go reads them: what is refused, the parts, and the rules for endpoints."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

import attrs

_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_BAD_HOST: Final = re.compile(r"[ \"#/<>?@\\^`{|}%\x00-\x20\x7f]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")


@attrs.frozen
class Url:
    """The parts of a URL, as in Go's net/url; an empty text is an absent part."""

    scheme: str = ""
    opaque: str = ""
    user: str = attrs.field(default="", repr=False)
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        text = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text += self.opaque
        else:
            if self.scheme or self.host or self.user:
                slashes = self.host or self.path or self.user
                text += "//" if slashes else ""
                text += f"{self.user}@" if self.user else ""
            text += self.host
            text += "/" if self.path and self.host and not self.path.startswith("/") else ""
            text += self.path
        text += f"?{self.query}" if self.query else ""
        return text + (f"#{self.fragment}" if self.fragment else "")

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        return _split_host(self.host)[0]

    @property
    def port(self) -> str:
        """The digits after the host; empty if there are none."""
        return _split_host(self.host)[1]


def _split_host(host: str) -> tuple[str, str]:
    if host.startswith("[") and "]" in host:
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":")
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and (not port or port.isdigit()) else (host, "")


def parse(text: str) -> Url:
    """Takes a URL apart.

    Raises:
        ValueError: Go's net/url refuses it; says why.
    """
    if any(ord(char) < 0x20 or char == "\x7f" for char in text):
        raise ValueError("a control character in a URL")
    rest, _, fragment = text.partition("#")
    match = _SCHEME.fullmatch(rest)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", rest)
    if not match and rest.startswith(":"):
        raise ValueError(f"{text!r} has no scheme before the colon")
    rest, _, query = rest.partition("?")
    if scheme and not rest.startswith("/"):
        return Url(scheme=scheme, opaque=rest, query=query, fragment=fragment)
    if not scheme and ":" in rest.split("/", 1)[0]:
        raise ValueError(f"{text!r}: the first part of a path may not hold a colon; is the scheme missing?")
    authority, path = "", rest
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    user, _, host = authority.rpartition("@")
    _check_host(host)
    if _BAD_ESCAPE.search(path):
        raise ValueError("an invalid escape in a URL's path")
    return Url(scheme=scheme, user=user, host=host, path=_escaped(path), query=query, fragment=fragment)


def _escaped(path: str) -> str:
    plain = unquote(path, errors="surrogateescape").encode("utf-8", "surrogateescape")
    valid = re.fullmatch(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]%]*", path, re.ASCII)
    return path if valid else quote(plain, safe="-._~!$&'()*+,;=:@/")


def _check_host(host: str) -> None:
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        if not closed:
            raise ValueError("missing ']' in host")
        if port and not port.startswith(":"):
            raise ValueError(f"invalid port {port!r} after host")
        _check_port(port.removeprefix(":"))
        host = name.partition("%25")[0]
    elif ":" in host:
        host, _, port = host.rpartition(":")
        _check_port(port)
    if bad := _BAD_HOST.search(host):
        raise ValueError(f"invalid character {bad[0]!r} in host name")


def _check_port(port: str) -> None:
    if port and not (port.isascii() and port.isdigit()):
        raise ValueError(f"invalid port {port!r} after host")


def canonical(text: str) -> str:
    """A URL as Go writes it back after reading it.

    Raises:
        ValueError: Go refuses it.
    """
    return str(parse(text))


def merge(left: str, right: str) -> str:
    """A patch of a URL: the parts that the right one has replace those of the left one."""
    old, new = parse(left), parse(right)
    parts = {field.name: getattr(new, field.name) for field in attrs.fields(Url)}
    return str(attrs.evolve(old, **{name: value for name, value in parts.items() if value}))


def endpoint_fault(text: str) -> str | None:
    """Why a URL cannot be an endpoint (blank host, bad port, bare IPv6 address); None if it can."""
    try:
        url = parse(text)
    except ValueError as error:
        return str(error)
    if not url.hostname:
        return "hostname must not be blank"
    if url.host.count(":") >= 2 and not url.host.startswith("["):
        return "an IPv6 address needs brackets"
    if url.port and not 1 <= int(url.port[:6]) <= 0xFFFF:
        return "port number must be between 1 and 65535"
    return None

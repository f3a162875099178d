"""URLs as Go reads them: what is refused, the parts, and the rules for endpoints."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import attrs

_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_ASCII_ESCAPE: Final = re.compile(r"%[0-7][0-9a-fA-F]")
# Go lets quotes and angle brackets into a host; only what RFC 3986 has other uses for is refused.
_BAD_HOST: Final = re.compile(r"[ #/?@\\^`{|}\x00-\x20\x7f]")
_USER: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", re.ASCII)
_USER_SAFE: Final = "-._~$&+,;="
_PATH_SAFE: Final = "-._~$&+,;=:@/"
_FRAGMENT_SAFE: Final = "-._~$&+,/:;=?@!()*"
_HOST_SAFE: Final = "-._~!$&'()*+,;=:[]<>\""
_VALID_PATH: Final = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]%]*", re.ASCII)
_VALID_FRAGMENT: Final = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]%]*", re.ASCII)


_WEB: Final = ("http", "https")


@attrs.frozen
class Url:
    """The parts of a URL, as in Go's net/url; an empty text is an absent part.

    Attributes:
        user: name and password with the `@` behind them, escaped as Go escapes them.
        host: with its port, escapes decoded.
        path: as it is written, or escaped where it has to be.
        has_query: there is a question mark, though nothing may follow it.
        without_host: a path follows the scheme with one slash (`https:/a`).
    """

    scheme: str = ""
    opaque: str = ""
    user: str = attrs.field(default="", repr=False)
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""
    has_query: bool = False
    without_host: bool = False

    def __str__(self) -> str:
        text = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text += self.opaque
        else:
            if (self.scheme or self.host or self.user) and not self.without_host:
                text += "//" if self.host or self.path or self.user else ""
                text += self.user
            text += quote(self.host, safe=_HOST_SAFE, errors="surrogateescape")
            text += "/" if self.path and self.host and not self.path.startswith("/") else ""
            text += self.path
        text += f"?{self.query}" if self.query or self.has_query else ""
        return text + (f"#{self.fragment}" if self.fragment else "")

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        return _split_host(self.host)[0].encode(errors="surrogateescape").decode(errors="replace")

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
    rest, _, fragment = text.partition("#")
    if any(ord(char) < 0x20 or char == "\x7f" for char in rest):
        raise ValueError("a control character in a URL")
    if _BAD_ESCAPE.search(fragment):
        raise ValueError("an invalid escape in a URL's fragment")
    match = _SCHEME.fullmatch(rest)
    scheme, rest = (match[1].lower(), match[2]) if match else ("", rest)
    if not match and rest.startswith(":"):
        raise ValueError("a URL has no scheme before its colon")
    rest, mark, query = rest.partition("?")
    around = Url(scheme=scheme, query=query, fragment=_escaped_fragment(fragment), has_query=bool(mark))
    if scheme and not rest.startswith("/"):
        return attrs.evolve(around, opaque=rest)
    if not scheme and ":" in rest.split("/", 1)[0]:
        raise ValueError(f"{shown(text)}: the first part of a path may not hold a colon; is the scheme missing?")
    authority, path, without_host = "", rest, False
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    else:
        without_host = bool(scheme)
    user, at, host = authority.rpartition("@")
    if _BAD_ESCAPE.search(path):
        raise ValueError("an invalid escape in a URL's path")
    return attrs.evolve(around, user=_user(user) + at, host=_host(host, web=scheme in _WEB), path=_escaped(path), without_host=without_host)


def shown(text: str) -> str:
    """A text for a message, without what may be a password."""
    return repr(text.rpartition("@")[2][:80])


def _user(text: str) -> str:
    """Name and password; it may be a secret, so that no message repeats it."""
    if _USER.fullmatch(text) is None or _BAD_ESCAPE.search(text):
        raise ValueError("invalid user information in a URL")
    name, colon, password = text.partition(":")
    return colon.join(quote(unquote_to_bytes(part), safe=_USER_SAFE) for part in ((name, password) if colon else (name,)))


def _escaped(path: str) -> str:
    return path if _VALID_PATH.fullmatch(path) else quote(unquote_to_bytes(path), safe=_PATH_SAFE)


def _escaped_fragment(text: str) -> str:
    return text if _VALID_FRAGMENT.fullmatch(text) else quote(unquote_to_bytes(text), safe=_FRAGMENT_SAFE)


def _host(text: str, *, web: bool) -> str:
    """The host with its escapes decoded; `web` holds it to the rules of http and https."""
    zone = ""
    if "[" in text:
        inner, closed, port = text[1:].rpartition("]")
        if not closed:
            raise ValueError("missing ']' in host")
        name, zoned, zone = inner.partition("%25")
        if not text.startswith("[") or not _is_ipv6(name) or (zoned and not zone):
            raise ValueError(f"{inner[:50]!r} in brackets is no IPv6 address")
    else:
        at = text.find(":") if web else text.rfind(":")
        name, port = (text[:at], text[at:]) if at >= 0 else (text, "")
    # Only IPv6 addresses have several colons, and those stand in brackets.
    if port and not re.fullmatch("(:[0-9]*)?", port):
        raise ValueError(f"invalid port {port[1:20]!r} after host")
    if _BAD_ESCAPE.search(text) or _ASCII_ESCAPE.search(name.replace("%25", "")):
        raise ValueError("an invalid escape in a URL's host name")
    if bad := _BAD_HOST.search(name + zone):
        raise ValueError(f"invalid character {bad[0]!r} in host name")
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


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
    if url.host.count(":") > 2 and not url.host.startswith("["):
        return "an IPv6 address needs brackets"
    if url.port and not 1 <= int(url.port[:6]) <= 0xFFFF:
        return "port number must be between 1 and 65535"
    return None

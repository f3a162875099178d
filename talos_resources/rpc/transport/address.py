"""Endpoints as people write them, and what they mean."""

from __future__ import annotations

import socket
from typing import Final

from talos_resources.model.errors import ConfigError

UNIX: Final = "unix:"
_HTTPS_PORT: Final = 443
_HELP: Final = "write HOST, HOST:PORT, [IPV6]:PORT or https://HOST:PORT"


def parse_endpoint(text: str, *, default_port: int | None) -> str:
    """The address to dial, `HOST:PORT` with IPv6 addresses in brackets; `unix:PATH` stays.

    Args:
        text: `HOST`, `HOST:PORT`, an IPv6 address in brackets or, without a port, without; with a scheme before it
            (`https://` has the port 443 unless it says another; of others, `grpc://` for example, only host and port count).
        default_port: where it names none; None if it must.

    Raises:
        ConfigError: it cannot be meant.

    Source: the endpoints of talosctl, Talos machinery v1.13.3.
    """
    if text.startswith(UNIX):
        path = text.removeprefix(UNIX)
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path or path.startswith("//") or "\0" in path:
            raise ConfigError(f"{text!r} names no socket; write unix:PATH")
        return f"{UNIX}{path}"
    rest = text
    if "://" in text:
        scheme, _, rest = text.partition("://")
        rest = rest.partition("/")[0].rpartition("@")[2]
        if scheme.lower() == "https":
            default_port = _HTTPS_PORT
    host, port = _parts(rest)
    if host is None or not _is_host(host):
        raise ConfigError(f"{without_login(text)} is no endpoint: {_fault(rest)}; {_HELP}")
    if port is None and default_port is None:
        raise ConfigError(f"{without_login(text)} is no address: it has no port; write HOST:PORT or unix:PATH")
    if port is not None and (not port.isascii() or not port.isdecimal() or len(port) > 5 or not 1 <= int(port) <= 65535):
        raise ConfigError(f"{without_login(text)} is no endpoint: a port is a number from 1 to 65535; {_HELP}")
    return f"{f'[{host}]' if ':' in host else host}:{default_port if port is None else int(port)}"


def split(address: str) -> tuple[str, int]:
    """Host, without brackets, and port of what `parse_endpoint` gave."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_ip(host: str) -> bool:
    """Whether it is an address rather than a name; a zone may follow."""
    return _is_of(socket.AF_INET, host) or _is_of(socket.AF_INET6, host.partition("%")[0])


def is_loopback(host: str) -> bool:
    """Whether only this machine has this address."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(text: str) -> tuple[str | None, str | None]:
    """Host and port; the host is None where the brackets do not fit."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":") or ":" not in host:
            return None, None
        return host, rest[1:] if rest else None
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_host(host: str) -> bool:
    if ":" in host:
        return is_ip(host) and host.isascii() and host.isprintable() and " " not in host and not host.endswith("%")
    return bool(host) and host.isascii() and host.isprintable() and not set(host) & set(" /\\[]@?#%\"'<>^`{|}")


def _fault(text: str) -> str:
    if not text or text.startswith(":"):
        return "it has no host"
    if "[" in text or "]" in text:
        return "its brackets do not hold an IPv6 address"
    if text.count(":") > 1:
        return "it is no IPv6 address"
    return "its host has characters that no host name has"


def without_login(text: str) -> str:
    """The text as a message may show it: without a password."""
    _, at, host = text.rpartition("@")
    scheme, separator, _ = text.partition("://")
    return repr(f"{scheme + separator if separator and scheme.isalnum() else ''}…@{host}" if at else text)


def _is_of(family: socket.AddressFamily, host: str) -> bool:
    try:
        socket.inet_pton(family, host)
    except (OSError, ValueError):
        return False
    return True

"""The way through a proxy: SOCKS5 or HTTP CONNECT, itself reached by TLS or not.

Own code rather than python-socks, which takes the socket of a proxy for its own; here the same few messages go over
any link, TLS in TLS included, with our deadlines.

Source: RFC 1928 and 1929 (SOCKS5), RFC 9110 section 9.3.6 (CONNECT); which proxy is used when, as Go's
golang.org/x/net/http/httpproxy and Talos v1.14's `proxy-url` have it.
"""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.transport.address import is_ip, is_loopback, parse_endpoint, split
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.link import Link
from talos_resources.state.timeout import Deadline

DIRECT: Final = "direct"

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LONGEST_ANSWER: Final = 1 << 16
_SOCKS_FAULTS: Final = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "the network is unreachable from there",
    4: "the host is unreachable from there",
    5: "connection refused: nothing listens there",
    6: "timed out",
    7: "it does not do this",
    8: "it does not know addresses of this kind",
}


@attrs.frozen
class Proxy:
    """A proxy.

    Attributes:
        kind: `socks5`, `http` or `https`.
        address: `HOST:PORT`.
        user: None to say nothing of who we are.
        password: of the user.
    """

    kind: str
    address: str
    user: str | None = attrs.field(default=None, repr=False)
    password: str = attrs.field(default="", repr=False)

    @classmethod
    def parse(cls, url: str, *, source: str) -> Proxy:
        """A proxy's URL.

        Args:
            url: `socks5://`, `http://` or `https://`, `[USER[:PASSWORD]@]HOST[:PORT]`; without a scheme, HTTP.
            source: where it stands, for messages, which never repeat a password.

        Raises:
            ConfigError: it is none.
        """
        text = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(text)
            user, password = parts.username, parts.password
        except ValueError:
            raise ConfigError(f"{source} is no URL; {_HELP}") from None
        kind = "socks5" if parts.scheme == "socks5h" else parts.scheme
        if kind not in _PORTS:
            raise ConfigError(f"{source} has the scheme {parts.scheme!r}; {_HELP}")
        try:
            address = parse_endpoint(parts.netloc.rpartition("@")[2], default_port=_PORTS[kind])
        except ConfigError:
            raise ConfigError(f"{source} names no host and port; {_HELP}") from None
        return cls(kind, address, None if user is None else unquote(user), unquote(password or ""))

    def __str__(self) -> str:
        return f"{self.kind}://{self.address}"


def shown_url(url: str) -> str:
    """A proxy's URL as people may see it, `socks5://user:***@host:1080`; also what is no URL."""
    login, at, rest = url.rpartition("@")
    scheme, slashes, login = login.rpartition("://") if "://" in login else ("", "", login)
    user, colon, _ = login.partition(":")
    return f"{scheme}{slashes}{user}{':***' if colon else ''}{at}{rest}"


_HELP: Final = "a proxy is socks5://HOST:PORT, http://HOST:PORT, https://HOST:PORT or direct"


def choose_proxy(url: str, address: str, *, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy to an address; None for none.

    Args:
        url: that of the talosconfig; `direct` for none, empty to go by the environment (`HTTPS_PROXY` and `NO_PROXY`,
            also in lower case; never for this machine itself).
        address: `HOST:PORT`.
        environment: variables.

    Raises:
        ConfigError: it is no proxy's URL.
    """
    wanted = url.strip()
    if wanted == DIRECT:
        return None
    if wanted:
        return Proxy.parse(wanted, source="proxy-url")
    found = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
    if not found:
        return None
    host, port = split(address)
    if is_loopback(host) or _is_exempt(host, port, environment.get("NO_PROXY") or environment.get("no_proxy") or ""):
        return None
    return Proxy.parse(found, source="$HTTPS_PROXY")


def _is_exempt(host: str, port: int, rules: str) -> bool:
    """Whether `NO_PROXY` names a host: as its address, its network, its name or a domain that it is in."""
    import ipaddress

    for rule in map(str.strip, rules.lower().split(",")):
        if not rule:
            continue
        if rule == "*":
            return True
        try:
            if is_ip(host) and ipaddress.ip_address(host.partition("%")[0]) in ipaddress.ip_network(rule.strip("[]"), strict=False):
                return True
        except ValueError:
            pass
        name, colon, wanted_port = rule.rpartition(":")
        if colon and wanted_port.isdecimal() and (":" not in name or name.startswith("[")):
            if int(wanted_port) != port:
                continue
        else:
            name = rule
        domain = name.strip("[]").removeprefix("*")
        if host.lower() == domain or host.lower().endswith(domain if domain.startswith(".") else f".{domain}"):
            return True
    return False


def pass_through(link: Link, proxy: Proxy, address: str, deadline: Deadline) -> None:
    """Has a proxy connect the link to an address.

    Raises:
        TransportError: it does not.
        OSError: the connection to the proxy broke; also TimeoutError.
    """
    reader = _Reader(link, deadline)
    if proxy.kind == "socks5":
        _pass_socks5(reader, proxy, address)
    else:
        _pass_connect(reader, proxy, address)
    link.push_back(reader.rest())


class _Reader:
    """What a proxy says, as many bytes as are wanted."""

    def __init__(self, link: Link, deadline: Deadline) -> None:
        self._link = link
        self._deadline = deadline
        self._data = b""

    def say(self, data: bytes) -> None:
        self._link.send(data, self._deadline)

    def exactly(self, count: int) -> bytes:
        while len(self._data) < count:
            self._more()
        found, self._data = self._data[:count], self._data[count:]
        return found

    def until(self, mark: bytes) -> bytes:
        while (end := self._data.find(mark)) < 0:
            if len(self._data) > _LONGEST_ANSWER:
                raise TransportError("the proxy's answer has no end", refused=True)
            self._more()
        found, self._data = self._data[:end], self._data[end + len(mark) :]
        return found

    def rest(self) -> bytes:
        return self._data

    def _more(self) -> None:
        data = self._link.receive(self._deadline)
        if not data:
            raise TransportError("the proxy hung up", refused=True)
        self._data += data


def _pass_socks5(proxy_says: _Reader, proxy: Proxy, address: str) -> None:
    methods = b"\x00" if proxy.user is None else b"\x00\x02"
    proxy_says.say(bytes((5, len(methods))) + methods)
    version, method = proxy_says.exactly(2)
    if version != 5:
        raise TransportError("the proxy does not speak SOCKS5", refused=True)
    if method == 2 and proxy.user is not None:
        user, password = proxy.user.encode()[:255], proxy.password.encode()[:255]
        proxy_says.say(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if proxy_says.exactly(2)[1] != 0:
            raise TransportError("the proxy does not accept the user and the password", refused=True)
    elif method != 0:
        raise TransportError("the proxy wants a login that is not given, or none that is known", refused=True)
    host, port = split(address)
    proxy_says.say(b"\x05\x01\x00" + _socks_host(host) + port.to_bytes(2))
    version, fault, _, kind = proxy_says.exactly(4)
    if version != 5 or fault:
        raise TransportError(f"the proxy says: {_SOCKS_FAULTS.get(fault, 'it failed')}", refused=True)
    # Where it connects from, which nobody wants to know.
    proxy_says.exactly({1: 4, 4: 16}.get(kind, 0) or proxy_says.exactly(1)[0])
    proxy_says.exactly(2)


def _socks_host(host: str) -> bytes:
    """An address, or a name that the proxy resolves."""
    for kind, family in ((1, socket.AF_INET), (4, socket.AF_INET6)):
        try:
            return bytes((kind,)) + socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            continue
    name = host.encode("ascii")
    if len(name) > 255:
        raise TransportError("the host's name is too long for a proxy", refused=True)
    return bytes((3, len(name))) + name


def _pass_connect(proxy_says: _Reader, proxy: Proxy, address: str) -> None:
    lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}"]
    if proxy.user is not None:
        login = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    proxy_says.say("\r\n".join([*lines, "", ""]).encode("ascii"))
    first = proxy_says.until(b"\r\n\r\n").partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    if not first[0].startswith("HTTP/1.") or len(first) < 2 or not first[1].isdecimal():
        raise TransportError("the proxy does not speak HTTP", refused=True)
    if not first[1].startswith("2"):
        said = first[2][:80] if len(first) > 2 and first[2].isprintable() else ""
        raise TransportError(f"the proxy says: {first[1]} {said}".rstrip(), refused=True)

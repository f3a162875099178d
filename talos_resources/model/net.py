"""Network values as Talos resources hold them.

Addresses are the standard library's. A prefix keeps its host bits (`10.244.3.1/24`), which
`ipaddress.ip_network` refuses, so it has a class of its own; so has an address with a port.
"""

from __future__ import annotations

import ipaddress
from functools import total_ordering
from typing import Final, Self

import attrs

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_PRIVATE: Final = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
)


def parse_address(text: str) -> IPAddress:
    """Reads an IPv4 or IPv6 address; an IPv6 zone (`fe80::1%eth0`) is kept.

    Raises:
        ValueError: the text is no address.
    """
    return ipaddress.ip_address(text)


def format_address(address: IPAddress) -> str:
    """The text as Go prints it: IPv4-mapped IPv6 addresses show their IPv4 part in dots."""
    if address.version == 6 and (mapped := address.ipv4_mapped) is not None:
        zone = f"%{address.scope_id}" if address.scope_id else ""
        return f"::ffff:{mapped}{zone}"
    return str(address)


def address_key(address: IPAddress) -> tuple[int, int, str]:
    """A sort key: IPv4 before IPv6, then by number, then by zone."""
    return address.version, int(address), getattr(address, "scope_id", None) or ""


def is_private(address: IPAddress) -> bool:
    """Whether an address means something within its site only, carrier-grade NAT included.

    (`ipaddress` counts documentation networks as private too, and not those of carriers.)
    """
    return any(address in network for network in _PRIVATE)


@total_ordering
@attrs.frozen(order=False, weakref_slot=False)
class IPPrefix:
    """An address with a prefix length; host bits are kept as they were written.

    `length` is None for a prefix whose length does not fit its address family: Talos can carry such a
    value and prints it as `invalid Prefix`.
    """

    address: IPAddress
    length: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `ADDRESS/LENGTH`.

        Raises:
            ValueError: no address, no length, a zone, or a length beyond the family's.
        """
        host, slash, digits = text.partition("/")
        address = ipaddress.ip_address(host)
        if not slash or not (digits.isascii() and digits.isdigit()) or (digits != "0" and digits.startswith("0")):
            msg = f"{text!r} is not an address with a prefix length, such as 10.0.0.0/8"
            raise ValueError(msg)
        if "%" in host:
            msg = f"{text!r} has a zone, which a prefix cannot have"
            raise ValueError(msg)
        if int(digits) > address.max_prefixlen:
            msg = f"{text!r} has a prefix longer than {address.max_prefixlen} bits"
            raise ValueError(msg)
        return cls(address, int(digits))

    @property
    def network(self) -> IPNetwork:
        """The network, host bits cleared.

        Raises:
            ValueError: the prefix is invalid.
        """
        if self.length is None:
            msg = "an invalid prefix has no network"
            raise ValueError(msg)
        return ipaddress.ip_network((self.address.packed, self.length), strict=False)

    def __str__(self) -> str:
        return "invalid Prefix" if self.length is None else f"{format_address(self.address)}/{self.length}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, IPPrefix):
            return NotImplemented
        return (*address_key(self.address), self.length or -1) < (*address_key(other.address), other.length or -1)


@total_ordering
@attrs.frozen(order=False, weakref_slot=False)
class AddrPort:
    """An address and a port, `172.20.0.3:51820` or `[fd00::9]:51820`."""

    address: IPAddress
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `ADDRESS:PORT`, IPv6 addresses in brackets.

        Raises:
            ValueError: the text is not an IP address with a port of 0 to 65535.
        """
        host, colon, digits = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not host or (":" in host) != bracketed:
            msg = f"{text!r} is not an IP address and port, such as 172.20.0.3:51820 or [fd00::9]:51820"
            raise ValueError(msg)
        if not (digits.isascii() and digits.isdigit()) or int(digits) > 65535:
            msg = f"{text!r} has a port that is not a number from 0 to 65535"
            raise ValueError(msg)
        return cls(ipaddress.ip_address(host[1:-1] if bracketed else host), int(digits))

    def __str__(self) -> str:
        host = format_address(self.address)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, AddrPort):
            return NotImplemented
        return (*address_key(self.address), self.port) < (*address_key(other.address), other.port)

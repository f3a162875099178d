"""Whose address it is."""

from __future__ import annotations

import ipaddress

from talos_resources.model.net import IPAddress


def owner_of(address: IPAddress) -> int:
    """The same number for all addresses that whoever has one of them has: of IPv6 a /64, of IPv4 just one.

    An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`), as some proxies do, is that IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return (1 << 64) + (int(address) >> 64)
        address = address.ipv4_mapped
    return int(address)


def client_of(peer: str) -> int | None:
    """Whose share of a server a peer takes, None if it has no address."""
    try:
        return owner_of(ipaddress.ip_address(peer))
    except ValueError:
        return None

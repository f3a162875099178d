"""What nodes seal for each other.

Source: discovery API v0.1.8, package sidero.discovery.client.
"""

from __future__ import annotations

import ipaddress

import attrs

from talos_resources.discovery.wire import field, unknown
from talos_resources.model.net import IPAddress


@attrs.frozen(kw_only=True)
class IPPrefix:
    """An address with a number of bits; see `packed` and `unpacked` for addresses."""

    ip: bytes = field(1, "bytes")
    bits: int = field(2, "uint32")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class Endpoint:
    """Where a node can be reached."""

    ip: bytes = field(1, "bytes")
    port: int = field(2, "uint32")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class KubeSpan:
    """What a node says about itself for the mesh."""

    public_key: str = field(1, "text")
    address: bytes = field(2, "bytes")
    additional_addresses: tuple[IPPrefix, ...] = field(3, cls=IPPrefix, repeated=True)
    exclude_advertised_addresses: tuple[IPPrefix, ...] = field(4, cls=IPPrefix, repeated=True)
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class ControlPlane:
    """What only control-plane nodes say."""

    api_server_port: int = field(1, "uint32")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class Affiliate:
    """What a node says about itself."""

    node_id: str = field(1, "text")
    addresses: tuple[bytes, ...] = field(2, "bytes", repeated=True)
    hostname: str = field(3, "text")
    nodename: str = field(4, "text")
    machine_type: str = field(5, "text")
    operating_system: str = field(6, "text")
    kubespan: KubeSpan | None = field(7, cls=KubeSpan)
    control_plane: ControlPlane | None = field(8, cls=ControlPlane)
    unknown: bytes = unknown()


def packed(address: IPAddress | None) -> bytes:
    """An address as it is sent: 4 or 16 bytes, an IPv6 zone as text behind them; nothing for None."""
    if address is None:
        return b""
    zone = getattr(address, "scope_id", None) or ""
    return address.packed + zone.encode()


def unpacked(data: bytes) -> IPAddress | None:
    """The address that was sent, None for none.

    Raises:
        ValueError: the bytes are no address.
    """
    if not data:
        return None
    if len(data) <= 16:
        return ipaddress.ip_address(data)
    return ipaddress.IPv6Address(f"{ipaddress.IPv6Address(data[:16])}%{data[16:].decode()}")

"""Affiliate resources ↔ what nodes seal for each other. Source: Talos v1.12.3 and v1.14.0-rc.1; talos.json of golden/discovery."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from talos_resources.discovery import payload
from talos_resources.discovery.wire import text_bytes
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliate, MachineType

M = TypeVar("M")
T = TypeVar("T")

_NO_BITS: Final = 0xFFFF_FFFF
"""The length of a prefix that is none: -1."""
_MACHINE_TYPES: Final = {"": MachineType.WORKER, "join": MachineType.WORKER, **{kind.value: kind for kind in MachineType}}


def to_payload(affiliate: Affiliate) -> tuple[payload.Affiliate, tuple[payload.Endpoint, ...]]:
    """What a node announces of itself, and its endpoints.

    Without a public key nothing about the mesh is said. Endpoints without an address are left out.
    """
    kubespan = affiliate.kubespan if affiliate.kubespan is not None and affiliate.kubespan.public_key else None
    announced = payload.Affiliate(
        node_id=affiliate.node_id,
        addresses=tuple(map(payload.packed, affiliate.addresses)),
        hostname=affiliate.hostname,
        nodename=affiliate.nodename,
        machine_type=affiliate.machine_type.value,
        operating_system=affiliate.operating_system,
        kubespan=None if kubespan is None else _announced(kubespan),
        control_plane=None if affiliate.control_plane is None else payload.ControlPlane(api_server_port=affiliate.control_plane.port),
    )
    endpoints = () if kubespan is None else kubespan.endpoints
    return announced, tuple(payload.Endpoint(ip=payload.packed(one.address), port=one.port) for one in endpoints if one is not None)


def from_payload(announced: payload.Affiliate, endpoints: Iterable[payload.Endpoint]) -> Affiliate:
    """The resource of what was received; addresses, prefixes and endpoints that are none are dropped one by one."""
    kubespan, control_plane = announced.kubespan, announced.control_plane
    return Affiliate(
        node_id=_text(announced.node_id),
        addresses=_good(payload.unpacked, announced.addresses),
        hostname=_text(announced.hostname),
        nodename=_text(announced.nodename),
        operating_system=_text(announced.operating_system),
        machine_type=_MACHINE_TYPES.get(announced.machine_type, MachineType.UNKNOWN),
        kubespan=None if kubespan is None else _received(kubespan, endpoints),
        control_plane=None if control_plane is None else ControlPlane(port=control_plane.api_server_port),
    )


def _announced(kubespan: KubeSpanAffiliate) -> payload.KubeSpan:
    return payload.KubeSpan(
        public_key=kubespan.public_key,
        address=payload.packed(kubespan.address),
        additional_addresses=_prefixes(kubespan.additional_addresses),
        exclude_advertised_addresses=_prefixes(kubespan.exclude_advertised_networks),
    )


def _prefixes(prefixes: Iterable[IPPrefix | None]) -> tuple[payload.IPPrefix, ...]:
    return tuple(map(_sent, prefixes))


def _sent(prefix: IPPrefix | None) -> payload.IPPrefix:
    """A prefix; Talos sends those that are empty or invalid too."""
    if prefix is None:
        return payload.IPPrefix(ip=b"", bits=_NO_BITS)
    return payload.IPPrefix(ip=payload.packed(prefix.address), bits=_NO_BITS if prefix.length is None else prefix.length)


def _received(kubespan: payload.KubeSpan, endpoints: Iterable[payload.Endpoint]) -> KubeSpanAffiliate:
    return KubeSpanAffiliate(
        public_key=_text(kubespan.public_key),
        address=next(iter(_good(payload.unpacked, (kubespan.address,))), None),
        additional_addresses=_good(_prefix, kubespan.additional_addresses),
        endpoints=_good(_endpoint, endpoints),
        exclude_advertised_networks=_good(_prefix, kubespan.exclude_advertised_addresses),
    )


def _prefix(message: payload.IPPrefix) -> IPPrefix | None:
    address = payload.unpacked(message.ip)
    if address is None:
        return None
    bare = ipaddress.ip_address(address.packed)  # a prefix has no zone
    return IPPrefix(bare, message.bits if message.bits <= bare.max_prefixlen else None)


def _endpoint(message: payload.Endpoint) -> AddrPort | None:
    address = payload.unpacked(message.ip)
    return None if address is None else AddrPort(address, message.port & 0xFFFF)


def _good(read: Callable[[M], T], messages: Iterable[M]) -> tuple[T, ...]:
    found = []
    for message in messages:
        try:
            found.append(read(message))
        except ValueError:
            continue
    return tuple(found)


def _text(text: str) -> str:
    """Text that was sent may be no UTF-8; resources hold nothing else."""
    return text_bytes(text).decode("utf-8", "replace")

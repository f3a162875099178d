"""The configuration patch that switches KubeSpan on, with its settings checked.

Source: Talos guide, KubeSpan (enabling for an existing cluster, configuration).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final

import attrs

from talos_resources.machineconfig import defaults
from talos_resources.model.errors import ConfigError
from talos_resources.releases import CURRENT, Contract, Feature

WIREGUARD_OVERHEAD: Final = 80
SMALLEST_MTU: Final = 1280
LARGEST_MTU: Final = 65535
_MTU: Final = re.compile(r"(auto:)?([0-9]{1,6})", re.ASCII)


@attrs.frozen(kw_only=True)
class KubeSpanSettings:
    """What is to be set; None leaves a setting as it is.

    Attributes:
        enabled: the feature itself; discovery is switched on with it.
        mtu: of the WireGuard link, in bytes.
        filters: endpoints to advertise: networks or addresses, `!` in front excludes.
        extra_endpoints: `IP:PORT` addresses to announce besides those that the node finds.
        advertise_kubernetes_networks: route pod networks through KubeSpan too.
        allow_down_peer_bypass: reach peers that are down without encryption.
        harvest_extra_endpoints: share the addresses at which peers are seen.
    """

    enabled: bool = True
    mtu: int | None = None
    filters: tuple[str, ...] = ()
    extra_endpoints: tuple[str, ...] = ()
    advertise_kubernetes_networks: bool | None = None
    allow_down_peer_bypass: bool | None = None
    harvest_extra_endpoints: bool | None = None


def parse_mtu(text: str) -> int:
    """Read `1420`, or `auto:1500` for what fits a link of 1500 bytes.

    Raises:
        ConfigError: it is no number, or nothing that KubeSpan can work with.
    """
    match = _MTU.fullmatch(text)
    if match is None:
        raise ConfigError(f'invalid MTU "{text}"; write a number, or auto:1500 for what fits a link of 1500 bytes')
    link = int(match[2])
    mtu = link - WIREGUARD_OVERHEAD if match[1] else link
    if mtu < SMALLEST_MTU:
        why = f" ({link} - {WIREGUARD_OVERHEAD})" if match[1] else ""
        raise ConfigError(f"an MTU of {mtu}{why} is too small: KubeSpan carries IPv6, which needs at least {SMALLEST_MTU}")
    if mtu > LARGEST_MTU:
        raise ConfigError(f"an MTU of {mtu} is more than a packet can have ({LARGEST_MTU})")
    return mtu


def check_filters(filters: Iterable[str]) -> None:
    """Refuse endpoint filters that Talos would refuse.

    Raises:
        ConfigError: one is neither a network nor an address.
    """
    for text in filters:
        try:
            ipaddress.ip_network(text.removeprefix("!"), strict=False)
        except ValueError:
            raise ConfigError(
                f'invalid endpoint filter "{text}"; write a network such as 10.0.0.0/8, with ! in front to exclude it'
            ) from None


def check_endpoints(endpoints: Iterable[str]) -> None:
    """Refuse extra endpoints that are no address with a port.

    Raises:
        ConfigError: one is none; host names do not work.
    """
    for text in endpoints:
        host, _, port = text.rpartition(":")
        try:
            version = ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).version
            valid = port.isascii() and port.isdecimal() and 0 < int(port) < 65536 and host.startswith("[") == (version == 6)
        except ValueError:
            valid = False
        if not valid:
            raise ConfigError(f'invalid endpoint "{text}"; write an address and a port, as in 203.0.113.7:51820 or [2001:db8::1]:51820')


def kubespan_patch(settings: KubeSpanSettings, *, contract: Contract = CURRENT, discovery: bool = False) -> str:
    """The patch as YAML, strategic, for a new or an existing cluster.

    Args:
        settings: what is to be set.
        contract: the Talos version whose form it has: a document for KubeSpan since v1.13, one for discovery since v1.14.
        discovery: add the default discovery service, for a configuration of v1.14 that has none.

    Raises:
        ConfigError: a filter or an endpoint that Talos would refuse.
    """
    from talos_resources.codec.goyaml.emit import dump

    check_filters(settings.filters)
    check_endpoints(settings.extra_endpoints)
    optional = {
        "advertiseKubernetesNetworks": settings.advertise_kubernetes_networks,
        "allowDownPeerBypass": settings.allow_down_peer_bypass,
        "harvestExtraEndpoints": settings.harvest_extra_endpoints,
        "mtu": settings.mtu,
        "filters": {"endpoints": list(settings.filters)} if settings.filters else None,
    }
    kubespan = {"enabled": settings.enabled, **{key: value for key, value in optional.items() if value is not None}}
    parts: list[dict[str, Any]] = []
    main: dict[str, Any] = {}
    if not contract.has(Feature.KUBESPAN_DOCUMENT):
        main["machine"] = {"network": {"kubespan": kubespan}}
    if settings.enabled and not contract.has(Feature.DOCUMENTS):
        main["cluster"] = {"discovery": {"enabled": True}}
    if main:
        parts.append(main)
    if contract.has(Feature.KUBESPAN_DOCUMENT):
        parts.append(_document("KubeSpanConfig", **kubespan))
    if discovery and settings.enabled and contract.has(Feature.DOCUMENTS):
        parts.append(_document("DiscoveryServiceConfig", name="default", endpoint=defaults.DISCOVERY_ENDPOINT))
    if settings.extra_endpoints:
        parts.append(_document("KubeSpanEndpointsConfig", extraAnnouncedEndpoints=list(settings.extra_endpoints)))
    return "---\n".join(dump(part) for part in parts)


def _document(kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def notes(settings: KubeSpanSettings, *, existing: Iterable[str] = ()) -> tuple[str, ...]:
    """What the guide warns of in these settings, one line each.

    Args:
        settings: what is to be set.
        existing: the filters that the configuration has already.
    """
    found = []
    if settings.advertise_kubernetes_networks:
        found.append("do not advertise Kubernetes networks with Cilium or Calico: they hand out pod addresses that KubeSpan does not see")
    if settings.allow_down_peer_bypass:
        found.append("allowDownPeerBypass sends traffic unencrypted to peers that are not connected")
    if settings.filters:
        found.append("a patch adds these filters to those that the configuration has already")
    if settings.filters and only_excludes((*existing, *settings.filters)):
        found.append("filters that only exclude advertise no endpoint at all; add --filter 0.0.0.0/0 --filter ::/0 before them")
    return tuple(found)


def only_excludes(filters: Iterable[str]) -> bool:
    """Whether no filter lets anything through: an endpoint is advertised only if one names it."""
    return all(text.startswith("!") for text in filters)

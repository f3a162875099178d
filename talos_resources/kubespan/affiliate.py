"""What a node says about itself. Source: Talos v1.14.0-rc.1, local affiliate."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import attrs

from talos_resources.kubespan.constants import LISTEN_PORT
from talos_resources.kubespan.ula import Purpose, is_ula
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import AddrPort, IPAddress, IPNetwork, IPPrefix
from talos_resources.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliate, MachineType
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.identity import KubeSpanIdentity


@attrs.frozen(kw_only=True)
class LocalNode:
    """What a node knows of itself before it announces anything.

    Attributes:
        node_id: its identity in the cluster.
        hostname: fully qualified.
        nodename: the name of its Kubernetes node.
        machine_type: only control planes announce an API server.
        operating_system: name and version.
        routed: its addresses that others may route to, without Kubernetes' own.
        current: all its addresses without Kubernetes' own, in order.
        pods: the networks of its pods.
        public: addresses at which the discovery service saw it.
        api_server_port: of its own Kubernetes API server; None while that is not configured.
    """

    node_id: str
    hostname: str
    nodename: str
    machine_type: MachineType
    operating_system: str
    routed: tuple[IPPrefix, ...]
    current: tuple[IPPrefix, ...]
    pods: tuple[IPPrefix, ...] = ()
    public: tuple[IPPrefix, ...] = ()
    api_server_port: int | None = None


def local_affiliate(node: LocalNode, identity: KubeSpanIdentity | None, config: KubeSpanConfig | None) -> Affiliate:
    """The affiliate that a node announces.

    Args:
        node: the node itself.
        identity: its KubeSpan identity; None while there is none.
        config: its KubeSpan settings; whether they are enabled is not looked at (there is an identity only then).

    Raises:
        ConfigError: an endpoint filter that is no network.
    """
    control_plane = None
    if node.api_server_port is not None and node.machine_type in (MachineType.INIT, MachineType.CONTROL_PLANE):
        control_plane = ControlPlane(port=node.api_server_port)
    kubespan = None
    if identity is not None and config is not None:
        own = identity.address.address if identity.address is not None else None
        kubespan = KubeSpanAffiliate(
            public_key=identity.public_key,
            address=own,
            additional_addresses=node.pods if config.advertise_kubernetes_networks else (),
            endpoints=announced_endpoints(node, own, config),
            exclude_advertised_networks=config.exclude_advertised_networks or (),
        )
    return Affiliate(
        node_id=node.node_id,
        addresses=_addresses(node.routed),
        hostname=node.hostname,
        nodename=node.nodename,
        operating_system=node.operating_system,
        machine_type=node.machine_type,
        kubespan=kubespan,
        control_plane=control_plane,
    )


def announced_endpoints(node: LocalNode, own: IPAddress | None, config: KubeSpanConfig) -> tuple[AddrPort | None, ...]:
    """Where a node says that WireGuard may reach it, in the order in which others will try.

    Raises:
        ConfigError: an endpoint filter that is no network.
    """
    found = [address for address in _addresses(node.current) if address != own and not is_ula(address, Purpose.SIDEROLINK)]
    candidates = tuple(dict.fromkeys((*found, *_addresses(node.public))))
    if config.endpoint_filters is not None:
        candidates = filter_endpoints(candidates, config.endpoint_filters)
    endpoints = (AddrPort(address, LISTEN_PORT) for address in candidates)
    return tuple(dict.fromkeys((*endpoints, *config.extra_endpoints)))


def filter_endpoints(candidates: Sequence[IPAddress], filters: Iterable[str]) -> tuple[IPAddress, ...]:
    """The candidates that the filters let through, in the order of the filters.

    A filter adds every candidate that it matches, one with `!` takes what it matches away again. So
    filters that only exclude leave nothing.

    Raises:
        ConfigError: a filter that is neither a network nor an address.
    """
    chosen: dict[IPAddress, None] = {}
    for text in filters:
        network = parse_filter(text)
        if text.startswith("!"):
            chosen = {address: None for address in chosen if address not in network}
        else:
            chosen.update((address, None) for address in candidates if address in network)
    return tuple(chosen)


def parse_filter(text: str) -> IPNetwork:
    """The network of an endpoint filter, without its `!`.

    Raises:
        ConfigError: it is neither a network nor an address.
    """
    bare = text.removeprefix("!")
    try:
        if "/" in bare:
            return IPPrefix.parse(bare).network
        return ipaddress.ip_network(ipaddress.ip_address(bare).packed)
    except ValueError:
        msg = f'KubeSpan endpoint filter is not valid: "{bare}"; write a network such as 10.0.0.0/8, with ! in front to exclude it'
        raise ConfigError(msg, value=text) from None


def _addresses(prefixes: Iterable[IPPrefix]) -> tuple[IPAddress, ...]:
    return tuple(dict.fromkeys(prefix.address for prefix in prefixes))

"""What the host is like, told as the resources that KubeSpan's controllers read.

Source: Talos v1.14: ids and owners of the resources, how a node's name follows from the host's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import attrs

from talos_resources.agent.addresses import Filters, first_hardware, node_addresses, pod_networks
from talos_resources.agent.kernel import HostAddress, HostLink
from talos_resources.agent.publish import Publisher, spec_of
from talos_resources.kubespan import host
from talos_resources.kubespan.network_statuses import ADDRESS_FILTERS, SORT_ALGORITHMS
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPPrefix
from talos_resources.resources import MachineType

_ADDRESSES_OWNER: Final = "network.NodeAddressController"


@attrs.frozen(kw_only=True)
class Identity:
    """What the host is called and what it is, from the configuration and from the host itself.

    Attributes:
        hostname: the host's full name.
        nodename: the name of its Kubernetes node.
        machine_type: of the configuration.
        api_server_port: of its own Kubernetes API server; None if it runs none.
    """

    hostname: str
    nodename: str
    machine_type: MachineType
    api_server_port: int | None


def nodename_of(hostname: str, *, full: bool = False) -> str:
    """The name of the Kubernetes node of a host: small letters, digits, dashes and dots; `Node_T2.example.org` is `node-t2`.

    Args:
        hostname: the host's name, with its domain if it has one.
        full: keep the domain, as the kubelet's registerWithFQDN asks for.

    Raises:
        ConfigError: nothing is left of it.
    """
    name = hostname if full else hostname.partition(".")[0]
    usable = re.sub(r"[^a-z0-9.-]", "", re.sub(r"[A-Z]", lambda found: found[0].lower(), name).replace("_", "-")).strip("-.")
    if not usable:
        raise ConfigError(f"the host's name {hostname!r} makes no name of a Kubernetes node; give one with --nodename", value=hostname)
    return usable


class FactTeller:
    """Tells what the host is like, and what of it is new."""

    def __init__(self, to: Publisher, filters: Filters, *, nodename: str) -> None:
        """Takes where to tell it, what belongs to Kubernetes, and the node's name."""
        self._to = to
        self._filters = filters
        self._nodename = nodename
        self._lists: dict[str, tuple[IPPrefix, ...]] = {}

    def tell_identity(self, who: Identity) -> None:
        """Tells what does not change while the agent runs."""
        first, _, domain = who.hostname.partition(".")
        put, networks = self._to.put, (*self._filters.pods, *self._filters.services)
        put(host.HOSTNAMES.kind, host.HOSTNAME, host.HOSTNAMES.spec(host.Hostname(first, domain)), owner="network.HostnameSpecController")
        put(host.NODENAMES.kind, host.NODENAME, host.NODENAMES.spec(who.nodename), owner="k8s.NodenameController")
        put(host.MACHINE_TYPES.kind, host.MACHINE_TYPE, host.MACHINE_TYPES.spec(who.machine_type), owner="config.MachineTypeController")
        for name, include, exclude in (("no-k8s", (), networks), ("only-k8s", networks, ())):
            plain = {"includeSubnets": [str(one) for one in include], "excludeSubnets": [str(one) for one in exclude]}
            put(ADDRESS_FILTERS, name, spec_of(ADDRESS_FILTERS, plain), owner="k8s.AddressFilterController")
        algorithm = spec_of(SORT_ALGORITHMS, {"algorithm": self._filters.algorithm})
        put(SORT_ALGORITHMS, "default", algorithm, owner="network.NodeAddressSortAlgorithmController")
        if who.api_server_port is not None:
            port = host.API_SERVERS.spec(who.api_server_port)
            put(host.API_SERVERS.kind, host.API_SERVER, port, owner="k8s.ControlPlaneAPIServerFinalController")

    def tell_addresses(self, links: Sequence[HostLink], addresses: Sequence[HostAddress]) -> None:
        """Tells the addresses of now."""
        hardware = first_hardware(links)
        if hardware is not None:
            first = host.HARDWARE_ADDRESSES.spec(host.HardwareAddress(hardware.name, str(hardware.hardware)))
            owner = "network.HardwareAddrController"
            self._to.put(host.HARDWARE_ADDRESSES.kind, host.FIRST_HARDWARE_ADDRESS, first, owner=owner)
        self._lists = node_addresses(links, addresses, self._filters, self._lists)
        specs = {name: self._list(listed) for name, listed in self._lists.items()}
        self._to.replace(host.NODE_ADDRESSES.kind, specs, owner=_ADDRESSES_OWNER)
        pods = pod_networks(self._lists["current"], self._filters)
        node = {self._nodename: host.NODE_STATUSES.spec(host.KubernetesNode(self._nodename, pods))} if pods else {}
        self._to.replace(host.NODE_STATUSES.kind, node, owner="k8s.NodeStatusController")

    def _list(self, listed: Sequence[IPPrefix]) -> Any:
        plain = {"addresses": [str(one) for one in listed], "sortAlgorithm": self._filters.algorithm}
        return spec_of(host.NODE_ADDRESSES.kind, plain)

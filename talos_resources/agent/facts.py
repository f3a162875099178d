"""What the host is like, told as the resources that KubeSpan's controllers read."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.agent.network import run
from talos_resources.kubespan import host
from talos_resources.kubespan.rendered import Form
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.resources import MachineType
from talos_resources.state.contract import State

_CLUSTER_LINKS: Final = ("cilium", "lxc", "veth", "cni", "flannel", "cali", "kube-", "docker", "kubespan", "lo")
"""Links with names that begin so are Kubernetes' own, or the mesh's."""


@attrs.frozen(kw_only=True)
class Facts:
    """What there is to tell.

    Attributes:
        hardware: link and address of the first link that has one; None if there is none.
        addresses: of the host, IPv4 first, as `ip` lists them; not those of Kubernetes and of the mesh.
        kubernetes: those within the networks of pods and services, on any link but the mesh's.
        hostname: of the host.
    """

    hardware: host.HardwareAddress | None
    addresses: tuple[IPPrefix, ...]
    kubernetes: tuple[IPPrefix, ...]
    hostname: str


def read_facts(link: str, kubernetes: Sequence[IPPrefix]) -> Facts:
    """Asks the host.

    Args:
        link: the mesh's own, which does not count.
        kubernetes: the networks of pods and services.

    Raises:
        OSError: `ip` is not there, or fails.
    """
    return facts_of(json.loads(run("ip", "-j", "address", "show") or "[]"), link=link, kubernetes=kubernetes, hostname=socket.gethostname())


def facts_of(links: Sequence[Mapping[str, Any]], *, link: str, kubernetes: Sequence[IPPrefix], hostname: str) -> Facts:
    """The facts in what `ip -j address show` prints."""
    clusters = [prefix.network for prefix in kubernetes]

    def is_cluster(prefix: IPPrefix) -> bool:
        return any(prefix.address in network for network in clusters)

    own = [found for found in links if found.get("ifname") != link and not str(found.get("ifname", "")).startswith(_CLUSTER_LINKS)]
    hardware = next(
        (
            host.HardwareAddress(str(found["ifname"]), str(found["address"]))
            for found in own
            if found.get("link_type") == "ether" and found.get("address")
        ),
        None,
    )
    every = [prefix for found in links if found.get("ifname") != link for prefix in _global(found)]
    return Facts(
        hardware=hardware,
        addresses=_distinct(prefix for found in own for prefix in _global(found) if not is_cluster(prefix)),
        kubernetes=_distinct(filter(is_cluster, every)),
        hostname=hostname,
    )


def _distinct(prefixes: Iterable[IPPrefix]) -> tuple[IPPrefix, ...]:
    return tuple(sorted(dict.fromkeys(prefixes), key=lambda prefix: prefix.address.version))


def _global(link: Mapping[str, Any]) -> Iterator[IPPrefix]:
    for entry in link.get("addr_info", ()):
        if entry.get("scope") == "global" and not entry.get("deprecated") and not entry.get("tentative"):
            yield IPPrefix(ipaddress.ip_address(entry["local"]), int(entry["prefixlen"]))


def tell(state: State, facts: Facts, *, nodename: str, machine_type: MachineType, api_server_port: int | None) -> None:
    """Writes the facts into the node's state; what is as it was is not touched."""
    if facts.hardware is not None:
        _tell(state, host.HARDWARE_ADDRESSES, host.FIRST_HARDWARE_ADDRESS, facts.hardware)
    _tell(state, host.HOSTNAMES, host.HOSTNAME, host.Hostname(*_split(facts.hostname)))
    _tell(state, host.NODENAMES, host.NODENAME, nodename)
    _tell(state, host.MACHINE_TYPES, host.MACHINE_TYPE, machine_type)
    for name in (host.ROUTED_WITHOUT_KUBERNETES, host.CURRENT_WITHOUT_KUBERNETES):
        _tell(state, host.NODE_ADDRESSES, name, facts.addresses)
    _tell(state, host.NODE_ADDRESSES, host.CURRENT_OF_KUBERNETES, facts.kubernetes)
    if api_server_port is not None:
        _tell(state, host.API_SERVERS, host.API_SERVER, api_server_port)


def _split(name: str) -> tuple[str, str]:
    first, _, domain = name.partition(".")
    return first, domain


def _tell(state: State, form: Form[Any], id: str, value: Any) -> None:
    put(state, form.kind, id, form.spec(value))


def put(state: State, kind: type[Any] | Kind[Any], id: str, spec: Any) -> None:
    """Creates a resource, or updates it if its spec is another one."""
    try:
        old = state.get(kind, id)
    except NotFoundError:
        state.create(Resource.new(spec, id=id, kind=kind_of(kind)))
        return
    if old.spec != spec:
        state.update(old.with_spec(spec))

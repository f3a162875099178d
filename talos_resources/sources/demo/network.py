"""The network of a demo machine: links, addresses, routes, what KubeSpan adds, and who it is in it."""

from __future__ import annotations

from typing import Final

import attrs

from talos_resources.kubespan.constants import LINK_NAME, MARK_ENCRYPTED, MARK_INTO_MESH, MARK_MASK, ROUTING_TABLE
from talos_resources.kubespan.network import POLICY_RULE_PRIORITY
from talos_resources.model.net import IPAddress, IPPrefix, parse_address
from talos_resources.model.values import HardwareAddr
from talos_resources.resources import (
    AddressStatus,
    HardwareAddress,
    HostnameStatus,
    LinkStatus,
    NetworkStatus,
    NfTablesChain,
    NodeAddress,
    ResolverStatus,
    RouteStatus,
    RoutingRuleStatus,
    TimeServerStatus,
)
from talos_resources.resources.network.address_flags import AddressFlags
from talos_resources.resources.network.duplex import Duplex
from talos_resources.resources.network.family import Family
from talos_resources.resources.network.link_status import LinkFlags, OperationalState
from talos_resources.resources.network.link_type import LinkType
from talos_resources.resources.network.name_server_spec import NameServerSpec
from talos_resources.resources.network.port import Port
from talos_resources.resources.network.route_protocol import RouteProtocol
from talos_resources.resources.network.route_type import RouteType
from talos_resources.resources.network.routing_rule_action import RoutingRuleAction
from talos_resources.resources.network.routing_table import RoutingTable
from talos_resources.resources.network.scope import Scope
from talos_resources.resources.network.wireguard_spec import WireguardPeer, WireguardSpec
from talos_resources.sources.demo import data
from talos_resources.sources.demo.machine import ETHERNET, GATEWAY, MESH_MTU, MTU, NAMESERVERS, TIME_SERVERS, Machine
from talos_resources.sources.demo.stored import Made, stored

_LOOPBACK: Final = "lo"
_LOOPBACK_MTU: Final = 65_536
_INDEXES: Final = {_LOOPBACK: 1, ETHERNET: 2, LINK_NAME: 3}
_DHCP_METRIC: Final = 1024
_KERNEL_METRIC: Final = 256
_MESH_TABLE: Final = RoutingTable.of(ROUTING_TABLE)


_RUNS: Final = LinkFlags.UP | LinkFlags.RUNNING | LinkFlags.LOWER_UP


def links(machine: Machine) -> Made:
    """The loopback, the Ethernet link, and KubeSpan's."""
    loopback = LinkStatus(
        index=_INDEXES[_LOOPBACK],
        type=LinkType.LOOPBACK,
        flags=_RUNS | LinkFlags.LOOPBACK,
        hardware_addr=HardwareAddr(6),
        broadcast_addr=HardwareAddr(6),
        mtu=_LOOPBACK_MTU,
        queue_disc="noqueue",
    )
    mesh = LinkStatus(
        index=_INDEXES[LINK_NAME],
        type=LinkType.NOHDR,
        flags=_RUNS | LinkFlags.POINTTOPOINT | LinkFlags.NOARP,
        mtu=MESH_MTU,
        queue_disc="noqueue",
        kind="wireguard",
        wireguard=_wireguard(machine),
    )
    for name, link in ((_LOOPBACK, loopback), (ETHERNET, _ethernet(machine)), (LINK_NAME, mesh)):
        status = attrs.evolve(link, link_state=True, port=Port.OTHER, duplex=Duplex.UNKNOWN)
        yield stored(status, name, created=machine.booted, owner="network.LinkStatusController")


def _ethernet(machine: Machine) -> LinkStatus:
    mac = HardwareAddr.parse(machine.node.mac)
    return LinkStatus(
        index=_INDEXES[ETHERNET],
        type=LinkType.ETHER,
        flags=_RUNS | LinkFlags.BROADCAST | LinkFlags.MULTICAST,
        hardware_addr=mac,
        permanent_addr=mac,
        broadcast_addr=HardwareAddr(b"\xff" * 6),
        mtu=MTU,
        queue_disc="pfifo_fast",
        operational_state=OperationalState.UP,
        bus_path="0000:00:02.0",
        pci_id="1AF4:1000",
        driver="virtio_net",
        driver_version="1.0.0",
        product="Virtio network device",
        vendor="Red Hat, Inc.",
        product_id="0x1000",
        vendor_id="0x1af4",
    )


def _wireguard(machine: Machine) -> WireguardSpec:
    """The mesh's device as a link shows it, without private keys."""
    others = sorted((node for node in data.NODES if node is not machine.node), key=lambda node: node.public_key)
    return WireguardSpec(
        public_key=machine.node.public_key,
        listen_port=data.MESH_PORT,
        firewall_mark=MARK_ENCRYPTED,
        peers=tuple(
            WireguardPeer(
                public_key=node.public_key,
                endpoint=f"{node.address}:{data.MESH_PORT}",
                allowed_ips=(IPPrefix.parse(f"{node.address}/32"), IPPrefix.parse(f"{node.mesh_address}/128")),
            )
            for node in others
        ),
    )


def addresses(machine: Machine) -> Made:
    """The addresses of all links, with what YAML shows of them: what is read from a dump is what was dumped."""
    kept = AddressFlags.PERMANENT
    found = (
        (_LOOPBACK, IPPrefix.parse("127.0.0.1/8"), Scope.HOST),
        (_LOOPBACK, IPPrefix.parse("::1/128"), Scope.HOST),
        (ETHERNET, machine.prefix, Scope.GLOBAL),
        (ETHERNET, machine.link_local, Scope.LINK),
        (LINK_NAME, machine.mesh, Scope.GLOBAL),
    )
    for link, address, scope in found:
        status = AddressStatus(
            address=address,
            link_index=_INDEXES[link],
            link_name=link,
            family=_family(address.address.version),
            scope=scope,
            flags=kept,
        )
        yield stored(status, f"{link}/{address}", created=machine.booted, owner="network.AddressStatusController")


def routes(machine: Machine) -> Made:
    """The way out, the own networks, and the mesh's own table."""
    network = IPPrefix.parse("172.20.0.0/24")
    mesh = IPPrefix.parse(data.MESH_SUBNET)
    for route in (
        _out(Family.INET4, ETHERNET, gateway=GATEWAY, src=machine.address, priority=_DHCP_METRIC, protocol=RouteProtocol.BOOT),
        _out(Family.INET4, ETHERNET, dst=network, src=machine.address, priority=_DHCP_METRIC, scope=Scope.LINK),
        _out(Family.INET6, ETHERNET, dst=IPPrefix.parse("fe80::/64")),
        _out(Family.INET6, LINK_NAME, dst=mesh),
        *(
            _out(family, LINK_NAME, table=_MESH_TABLE, priority=1, protocol=RouteProtocol.STATIC, mtu=MESH_MTU)
            for family in (Family.INET4, Family.INET6)
        ),
    ):
        yield stored(route, _route_id(route), created=machine.booted, owner="network.RouteStatusController")


def _out(
    family: Family,
    link: str,
    *,
    dst: IPPrefix | None = None,
    src: IPAddress | None = None,
    gateway: IPAddress | None = None,
    table: RoutingTable = RoutingTable.MAIN,
    priority: int = _KERNEL_METRIC,
    scope: Scope = Scope.GLOBAL,
    protocol: RouteProtocol = RouteProtocol.KERNEL,
    mtu: int = 0,
) -> RouteStatus:
    """A route that leaves by a link."""
    return RouteStatus(
        family=family,
        dst=dst,
        src=src,
        gateway=gateway,
        out_link_index=_INDEXES[link],
        out_link_name=link,
        table=table,
        priority=priority,
        scope=scope,
        type=RouteType.UNICAST,
        protocol=protocol,
        mtu=mtu,
    )


def _route_id(route: RouteStatus) -> str:
    """As Talos makes it: the table unless it is the main one, for IPv6 the link, then what tells routes apart."""
    table = "" if route.table is RoutingTable.MAIN else f"{route.table}/"
    link = f"{route.out_link_name}/" if route.family is Family.INET6 else ""
    return f"{table}{link}{route.family}/{route.gateway or ''}/{route.dst or ''}/{route.priority}"


def rules(machine: Machine) -> Made:
    """KubeSpan's rules: marked packets look into the mesh's table."""
    for family in (Family.INET4, Family.INET6):
        rule = RoutingRuleStatus(
            family=family,
            table=_MESH_TABLE,
            priority=POLICY_RULE_PRIORITY,
            action=RoutingRuleAction.UNICAST,
            fw_mark=MARK_INTO_MESH,
            fw_mask=MARK_MASK,
        )
        yield stored(rule, f"{family}/{POLICY_RULE_PRIORITY}", created=machine.booted, owner="network.RoutingRuleStatusController")


def chains(machine: Machine) -> Made:
    """KubeSpan's packet chains: what is bound for peers goes into the mesh."""
    from talos_resources.codec.plain import spec_from_plain
    from talos_resources.kubespan import manager
    from talos_resources.kubespan.network_specs import CHAINS

    others = [node for node in data.NODES if node is not machine.node]
    networks = [IPPrefix.parse(text) for node in others for text in (f"{node.address}/32", f"{node.mesh_address}/128")]
    for chain in manager.chains(manager.filtered(networks), mtu=MESH_MTU):
        spec = spec_from_plain(NfTablesChain, CHAINS.plain(chain))
        yield stored(spec, chain.name, created=machine.booted, owner="kubespan.ManagerController")


def node_addresses(machine: Machine) -> Made:
    """The addresses by which the node is known: all of them, and those outside of the mesh; none is one of Kubernetes."""
    own, mesh = machine.prefix, IPPrefix(machine.mesh.address, 128)
    found: dict[str, tuple[IPPrefix, ...]] = {"default": (own,)}
    for suffix in ("", "-no-k8s"):
        found |= {f"current{suffix}": (own, mesh), f"accumulative{suffix}": (own, mesh), f"routed{suffix}": (own,)}
    for name, prefixes in found.items():
        yield stored(NodeAddress(addresses=prefixes), name, created=machine.booted, owner="network.NodeAddressController")


def hardware_addresses(machine: Machine) -> Made:
    """The first hardware address, from which the mesh address follows."""
    first = HardwareAddress(name=ETHERNET, hardware_addr=HardwareAddr.parse(machine.node.mac))
    yield stored(first, "first", created=machine.booted, owner="network.HardwareAddrController")


def hostname(machine: Machine) -> Made:
    """The host name."""
    yield stored(HostnameStatus(hostname=machine.node.name), "hostname", created=machine.booted, owner="network.HostnameSpecController")


def resolvers(machine: Machine) -> Made:
    """Who resolves names."""
    servers = tuple(map(parse_address, NAMESERVERS))
    status = ResolverStatus(dns_servers=servers, name_servers=tuple(NameServerSpec(addr=address) for address in servers))
    yield stored(status, "resolvers", created=machine.booted, owner="network.ResolverSpecController")


def time_servers(machine: Machine) -> Made:
    """Who tells the time."""
    yield stored(
        TimeServerStatus(time_servers=TIME_SERVERS), "timeservers", created=machine.booted, owner="network.TimeServerSpecController"
    )


def status(machine: Machine) -> Made:
    """Whether the network is there."""
    ready = NetworkStatus(address_ready=True, connectivity_ready=True, hostname_ready=True, etc_files_ready=True)
    yield stored(ready, "status", created=machine.booted, owner="network.StatusController", version=3, updated=machine.ready)


def _family(version: int) -> Family:
    return Family.INET4 if version == 4 else Family.INET6

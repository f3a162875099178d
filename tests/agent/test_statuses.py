"""What the kernel has, as Talos shows it: every field as a node of v1.14 prints it, and as its message has it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from talos_resources.agent import tools
from talos_resources.agent.addresses import Filters
from talos_resources.agent.facts import FactTeller, Identity
from talos_resources.agent.kernel import read_links, read_routes
from talos_resources.agent.plan import HostNetwork
from talos_resources.agent.publish import Publisher
from talos_resources.agent.statuses import publish_statuses
from talos_resources.backends.memory import MemoryState
from talos_resources.codec.specs import spec_from_wire
from talos_resources.codec.text import spec_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.kubespan.host import API_SERVERS, HOST_KINDS
from talos_resources.kubespan.network_statuses import ADDRESS_FILTERS, SORT_ALGORITHMS
from talos_resources.model.kind import typed_kind
from talos_resources.model.net import IPPrefix
from talos_resources.model.sent import Unread
from talos_resources.resources import MachineType
from talos_resources.resources.network.address_status import AddressStatus
from talos_resources.resources.network.link_status import LinkStatus
from talos_resources.resources.network.route_status import RouteStatus

ETHER: dict[str, Any] = {
    "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], "mtu": 1500, "qdisc": "noqueue", "operstate": "UP", "link_type": "[1]",
    "address": "d2:e6:88:eb:15:d8", "broadcast": "ff:ff:ff:ff:ff:ff",
}  # fmt: skip
LINKS: list[dict[str, Any]] = [
    {**ETHER, "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "link_type": "[772]", "address": "00:00:00:00:00:00",
     "broadcast": "00:00:00:00:00:00", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "254"}]},
    {**ETHER, "ifindex": 2, "ifname": "eth0", "ifalias": "uplink", "altnames": ["enp0s3"]},
    {**ETHER, "ifindex": 3, "ifname": "eth1", "permaddr": "02:fc:00:00:00:01"},
    {**ETHER, "ifindex": 4, "ifname": "eth0.5", "link": "eth0",
     "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 5}}},
    {**ETHER, "ifindex": 5, "ifname": "br0", "linkinfo": {"info_kind": "bridge", "info_data": {"stp_state": 1, "vlan_filtering": 0}}},
    {**ETHER, "ifindex": 6, "ifname": "va", "link": "vb", "linkinfo": {"info_kind": "veth"}},
    {**ETHER, "ifindex": 7, "ifname": "vrf1", "linkinfo": {"info_kind": "vrf", "info_data": {"table": 10}}},
    {**ETHER, "ifindex": 8, "ifname": "tunl0", "flags": ["NOARP"], "link_type": "[768]", "address": "0.0.0.0", "broadcast": "0.0.0.0",
     "linkinfo": {"info_kind": "ipip", "info_data": {}}},
    {**ETHER, "ifindex": 9, "ifname": "odd", "link_type": "[4711]", "linkinfo": {"info_kind": "odd"}},
]  # fmt: skip
ROUTES = [
    {"type": "1", "dst": "10.50.0.0/16", "table": "254", "protocol": "3", "scope": "0", "flags": [],
     "nexthops": [{"gateway": "10.9.0.2", "dev": "eth0", "weight": 1}, {"via": {"host": "fe80::1"}, "dev": "eth1", "weight": 5}]},
    {"type": "1", "dst": "10.60.0.0/16", "gateway": "10.9.0.7", "dev": "eth0", "table": "180", "protocol": "4", "scope": "253", "metric": 7,
     "flags": ["onlink"], "metrics": [{"mtu": 1400}]},
]  # fmt: skip


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> MemoryState:
    """A host whose `ip` prints the links and routes above."""

    def printed(command: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        found: Any = LINKS if "address" in command else ROUTES if "-4" in command else []
        return subprocess.CompletedProcess(command, 0, json.dumps(found), "")

    monkeypatch.setattr(tools.subprocess, "run", printed)  # type: ignore[attr-defined]  # the program, not the module's own
    links, addresses = read_links()
    held = MemoryState()
    publish_statuses(Publisher(held), HostNetwork(links=links, addresses=addresses, routes=read_routes()), None, "kubespan", None)
    return held


def test_links_have_what_their_kind_has(state: MemoryState) -> None:
    links = {found.id: found.spec for found in state.list(LinkStatus)}
    assert (links["eth0"].alias, links["eth0"].alt_names) == ("uplink", ("enp0s3",))
    assert links["eth0.5"].link_index == 2
    assert "vlan:\n    vlanID: 5\n    vlanProtocol: 802.1q\n" in spec_to_yaml(links["eth0.5"])
    assert "bridgeMaster:\n    stp:\n        enabled: true\n" in spec_to_yaml(links["br0"])
    assert "veth:\n    peerName: vb\n" in spec_to_yaml(links["va"])
    assert 'vrfMaster:\n    table: "10"\n' in spec_to_yaml(links["vrf1"])
    assert "type: LinkType(4711)\n" in spec_to_yaml(links["odd"])


def test_the_permanent_address_is_that_of_a_device(state: MemoryState) -> None:
    """`ip` prints it only where the present address is another; what is no device has none."""
    links = {found.id: found.spec for found in state.list(LinkStatus)}
    assert str(links["eth0"].permanent_addr) == ETHER["address"]
    assert str(links["eth1"].permanent_addr) == "02:fc:00:00:00:01"
    assert not any(links[name].permanent_addr for name in ("lo", "va", "br0", "eth0.5", "tunl0"))


def test_addresses_of_tunnels_are_bytes(state: MemoryState) -> None:
    assert "hardwareAddr: '00:00:00:00'\n" in spec_to_yaml(state.get(LinkStatus, "tunl0").spec)


def test_an_address_says_the_near_end_in_its_message_only(state: MemoryState) -> None:
    found = state.get(AddressStatus, "lo/127.0.0.1/8")
    assert "local" not in spec_to_yaml(found.spec)
    assert str(found.spec.local) == "127.0.0.1"
    assert resource_from_wire(resource_to_wire(found)) == found


def test_routes_of_several_ways_tell_all_of_them(state: MemoryState) -> None:
    several = state.get(RouteStatus, "inet4//10.50.0.0/16/0").spec
    assert spec_to_yaml(several).partition("nextHops:\n")[2] == (
        "    - gateway: 10.9.0.2\n      outLinkName: eth0\n      weight: 1\n"
        "    - gateway: fe80::1\n      outLinkName: eth1\n      weight: 5\n"
    )
    one = state.get(RouteStatus, "180/inet4/10.9.0.7/10.60.0.0/16/7").spec
    assert (one.out_link_index, one.out_link_name, one.mtu, int(one.flags)) == (2, "eth0", 1400, 4)


def test_everything_an_agent_tells_is_as_its_class_writes_it(state: MemoryState) -> None:
    """Clients in Go read the message, talosctl shows the YAML: both are there, in full, and say the same."""
    who = Identity(hostname="a.b", nodename="a", machine_type=MachineType.CONTROL_PLANE, api_server_port=6443)
    teller = FactTeller(Publisher(state), Filters(pods=(IPPrefix.parse("10.244.0.0/16"),), services=()), nodename="a")
    teller.tell_identity(who)
    links, addresses = read_links()
    teller.tell_addresses(links, addresses)
    for held in (*HOST_KINDS, ADDRESS_FILTERS, SORT_ALGORITHMS):
        kind = typed_kind(held.type)
        assert kind is not None
        for resource in state.list(held):
            sent = resource_from_wire(resource_to_wire(resource))
            assert isinstance(sent, Unread)
            message, text = sent.parts
            assert spec_to_yaml(spec_from_wire(kind.spec, message)) == text
    assert len(state.list(SORT_ALGORITHMS)) == len(state.list(API_SERVERS.kind)) == 1

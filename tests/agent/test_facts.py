"""What a host tells of itself: addresses by Talos's rules, hardware address, names."""

from __future__ import annotations

import attrs
import pytest

from talos_resources.agent.addresses import Filters, first_hardware, node_addresses, pod_networks
from talos_resources.agent.describe import filters_of, identity_of
from talos_resources.agent.facts import nodename_of
from talos_resources.agent.kernel import HostAddress, HostLink
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPPrefix
from talos_resources.model.values import HardwareAddr

FILTERS = Filters(pods=(IPPrefix.parse("10.244.0.0/16"),), services=(IPPrefix.parse("10.96.0.0/12"),))


def link(name: str, index: int, *, kind: str = "", state: int = 6, carries: bool = True, type: int = 1) -> HostLink:
    return HostLink(
        index=index, name=name, type=type, parent=0, flags=1 | (65536 if carries else 0), hardware=HardwareAddr([2, 0, 0, 0, 0, index]),
        permanent=HardwareAddr(), broadcast=HardwareAddr(), mtu=1500, queue="", master=0, state=state, kind=kind, slave_kind="",
    )  # fmt: skip


def address(text: str, index: int = 2, name: str = "eth0", *, scope: int = 0, flags: int = 128) -> HostAddress:
    prefix = IPPrefix.parse(text)
    return HostAddress(link=name, index=index, address=prefix, local=None, broadcast=None, anycast=None, scope=scope, flags=flags, metric=0)


def lists(*addresses: HostAddress, links: tuple[HostLink, ...] = (link("eth0", 2),), filters: Filters = FILTERS) -> dict[str, list[str]]:
    return {name: list(map(str, found)) for name, found in node_addresses(links, addresses, filters, {}).items()}


def test_link_local_addresses_are_nobodys() -> None:
    found = lists(
        address("192.168.1.5/24"),
        address("169.254.20.10/32", 3, "nodelocaldns"),
        address("169.254.7.7/16"),
        address("fe80::1/64"),
        address("224.0.0.1/32"),
        address("127.0.0.53/8"),
        links=(link("eth0", 2), link("nodelocaldns", 3, kind="dummy", state=0)),
    )
    for name in ("current", "routed", "accumulative", "routed-no-k8s", "current-no-k8s", "default"):
        assert found[name] == ["192.168.1.5/24"]


def test_scopes_of_the_link_and_of_the_host_do_not_count() -> None:
    assert lists(address("192.168.1.5/24", scope=253), address("192.168.1.6/24", scope=254))["current"] == []
    assert lists(address("192.168.1.5/24", scope=200))["current"] == ["192.168.1.5/24"]


def test_the_own_ula_is_listed_and_that_of_siderolink_is_not_routed() -> None:
    own, sidero = "fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94/64", "fdae:41e4:649b:9303:60be:7e36:c270:3238/128"
    links = (link("eth0", 2), link("kubespan", 3, kind="wireguard", state=0), link("siderolink", 4, kind="wireguard", state=0))
    found = lists(address(own, 3, "kubespan"), address("10.5.0.2/24"), address(sidero, 4, "siderolink"), links=links)
    assert found["routed-no-k8s"] == ["10.5.0.2/24", own]
    assert found["current-no-k8s"] == ["10.5.0.2/24", own, sidero]


def test_addresses_are_sorted_as_talos_sorts() -> None:
    given = [address(text) for text in ("10.0.0.9/8", "10.0.0.10/32", "2001:db8::2/64", "10.0.0.9/32", "2001:db8::1/64", "10.0.0.9/8")]
    assert lists(*given)["current"] == ["10.0.0.9/8", "10.0.0.9/32", "10.0.0.10/32", "2001:db8::1/64", "2001:db8::2/64"]
    # Algorithm v2: a network within another one first.
    longest = lists(*given, filters=attrs.evolve(FILTERS, longest_first=True))["current"]
    assert longest == ["10.0.0.9/32", "10.0.0.10/32", "10.0.0.9/8", "2001:db8::1/64", "2001:db8::2/64"]


def test_deprecated_addresses_are_listed() -> None:
    assert lists(address("2001:db8::1/64", flags=32))["routed"] == ["2001:db8::1/64"]


def test_links_that_are_down_count_in_what_ever_was_there_only() -> None:
    links = (link("eth0", 2, carries=False), link("eth1", 3, state=2))
    found = lists(address("192.168.1.5/24"), address("192.168.2.5/24", 3, "eth1"), links=links)
    assert found["current"] == []
    assert found["accumulative"] == ["192.168.1.5/24", "192.168.2.5/24"]


def test_addresses_of_kubernetes_and_of_other_programs_are_told_apart() -> None:
    links = (
        link("eth0", 2),
        link("cni0", 3, kind="bridge"),
        link("docker0", 4, kind="bridge"),
        link("kube-ipvs0", 5, kind="dummy", state=2),
    )
    given = (
        address("192.168.1.5/24"),
        address("10.244.1.1/24", 3, "cni0"),
        address("172.17.0.1/16", 4, "docker0"),
        address("10.96.0.1/32", 5, "kube-ipvs0"),
    )
    found = lists(*given, links=links)
    assert found["current"] == ["10.244.1.1/24", "192.168.1.5/24"]
    assert found["current-no-k8s"] == ["192.168.1.5/24"]
    assert found["current-only-k8s"] == ["10.244.1.1/24"]
    assert found["accumulative-only-k8s"] == ["10.96.0.1/32", "10.244.1.1/24"]
    current = [IPPrefix.parse(text) for text in found["current"]]
    assert list(map(str, pod_networks(current, FILTERS))) == ["10.244.1.0/24"]


def test_what_was_there_is_remembered() -> None:
    links = (link("eth0", 2),)
    first = node_addresses(links, [address("10.0.0.5/8"), address("10.0.0.7/8")], FILTERS, {})
    assert first["default"] == (IPPrefix.parse("10.0.0.5/8"),)
    # A smaller one does not take its place; it stays as long as it is there.
    second = node_addresses(links, [address("10.0.0.1/8"), address("10.0.0.5/8")], FILTERS, first)
    assert second["default"] == first["default"]
    third = node_addresses(links, [address("10.0.0.1/8")], FILTERS, second)
    assert third["default"] == (IPPrefix.parse("10.0.0.1/8"),)
    assert [str(one.address) for one in third["accumulative"]] == ["10.0.0.1", "10.0.0.5", "10.0.0.7"]


def test_the_identity_is_made_of_the_first_physical_link() -> None:
    links = (link("lo", 1, type=772), link("docker0", 2, kind="bridge"), link("eth1", 3), link("eth0", 4), link("bond0", 5, kind="bond"))
    found = first_hardware(links)
    assert found is not None
    assert found.name == "eth0"
    only = first_hardware((link("docker0", 2, kind="bridge"), link("eth0", 3, kind="veth")))
    assert only is not None
    assert only.name == "eth0"
    assert first_hardware(()) is None


@pytest.mark.parametrize(
    ("hostname", "full", "nodename"),
    [
        ("Node_T2.Example.org", False, "node-t2"),
        ("Node_T2.Example.org", True, "node-t2.example.org"),
        ("worker-1", False, "worker-1"),
        ("-_Büro 7_-", False, "bro7"),
        ("İstanbul", False, "stanbul"),
    ],
)
def test_the_name_of_the_node(hostname: str, full: bool, nodename: str) -> None:
    assert nodename_of(hostname, full=full) == nodename


def test_a_host_whose_name_makes_none_is_told() -> None:
    with pytest.raises(ConfigError, match="'___' makes no name of a Kubernetes node; give one with --nodename"):
        nodename_of("___")


MAIN = "version: v1alpha1\nmachine:\n  type: controlplane\n"


def config(main: str, *documents: str) -> MachineConfig:
    return MachineConfig.load("---\n".join((main, *documents)).encode(), source="c")


def test_the_networks_of_kubernetes_are_those_of_the_configuration() -> None:
    assert filters_of(config(MAIN)) == FILTERS
    own = "podSubnets: ['10.1.0.0/16', 'fd01::/64']\n{0}serviceSubnets: ['10.2.0.0/16']\n"
    for found in (
        filters_of(config(MAIN + "cluster:\n  network:\n    " + own.format("    "))),
        filters_of(config(MAIN, "apiVersion: v1alpha1\nkind: KubeNetworkConfig\ndnsDomain: c\n" + own.format(""))),
    ):
        assert [str(prefix) for prefix in (*found.pods, *found.services)] == ["10.1.0.0/16", "fd01::/64", "10.2.0.0/16"]
    with pytest.raises(ConfigError, match=r"networks of Kubernetes in the machine configuration: .*10\.1\.0\.0"):
        filters_of(config(MAIN + "cluster: {network: {podSubnets: ['10.1.0.0']}}\n"))


def test_the_api_server_is_that_of_the_configuration() -> None:
    def port(main: str, *documents: str) -> int | None:
        return identity_of(config(main, *documents), "n").api_server_port

    assert port(MAIN) == 6443
    assert port(MAIN + "cluster: {controlPlane: {endpoint: 'https://c:6443', localAPIServerPort: 7443}}\n") == 7443
    assert port(MAIN, "apiVersion: v1alpha1\nkind: KubeAPIServerConfig\nimage: i:v1.35.0\napiPort: 8443\n") == 8443
    assert port(MAIN.replace("controlplane", "worker")) is None

"""What is done about a host that is not as it shall be: every step by itself, without a host."""

from __future__ import annotations

import attrs
import pytest

from talos_resources.agent.kernel import HostLink, HostRoute, HostRule
from talos_resources.agent.plan import HostNetwork, Step, closing_steps, link_steps, opening_steps, route_steps, rule_steps
from talos_resources.kubespan.keys import generate_private_key
from talos_resources.kubespan.network import POLICY_RULES, Address, DefaultRoute, Link
from talos_resources.kubespan.wireguard import DeviceConfig, PeerConfig, deviations
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.values import HardwareAddr

SUBNET = IPPrefix.parse("fd83:b1f7:fcb5:2802::/64")
OWN = Address(address=IPPrefix.parse("fd83:b1f7:fcb5:2802::5/64"), own=IPPrefix.parse("fd83:b1f7:fcb5:2802::5/128"))
ROUTES = (DefaultRoute(version=4), DefaultRoute(version=6))


def route(version: int, **more: object) -> HostRoute:
    usual: dict[str, object] = {
        "destination": None, "source": None, "gateway": None, "link": "kubespan", "table": 180, "metric": 1, "scope": 0, "type": 1,
        "protocol": 4, "flags": 0, "mtu": 1420,
    }  # fmt: skip
    return HostRoute(version=version, **{**usual, **more})  # type: ignore[arg-type]


def rule(version: int, **more: object) -> HostRule:
    usual: dict[str, object] = {
        "priority": 32500, "source": None, "destination": None, "mark": 0x40, "mask": 0x60, "table": 180, "action": 1, "in_link": "",
        "out_link": "",
    }  # fmt: skip
    return HostRule(version=version, **{**usual, **more})  # type: ignore[arg-type]


CLOSED = (
    route(4, link="", type=7, metric=4278198272, mtu=0),
    route(6, link="lo", type=7, metric=4278198272, mtu=0),
    route(6, link="lo", type=7, metric=4278198272, mtu=0, table=254, destination=SUBNET),
)
RIGHT = HostNetwork(routes=(*CLOSED, route(4), route(6)), rules=(rule(4), rule(6)))


def commands(steps: object) -> list[str]:
    return [" ".join(step.command) for step in steps if isinstance(step, Step)]  # type: ignore[attr-defined]


def test_where_all_is_right_nothing_is_done() -> None:
    assert commands(closing_steps((OWN,), RIGHT)) == []
    assert commands(route_steps(ROUTES, RIGHT)) == []
    assert commands(rule_steps(POLICY_RULES, RIGHT)) == []


def test_what_is_unknown_is_not_taken_for_absent() -> None:
    unknown = HostNetwork()
    assert commands(closing_steps((OWN,), unknown)) == commands(route_steps(ROUTES, unknown)) == []
    assert commands(rule_steps(POLICY_RULES, unknown)) == []


def test_a_host_is_closed_before_anything_is_opened() -> None:
    assert commands(closing_steps((OWN,), HostNetwork(routes=()))) == [
        "ip -4 route replace unreachable default table 180 metric 4278198272 proto static",
        "ip -6 route replace unreachable default table 180 metric 4278198272 proto static",
        "ip -6 route replace unreachable fd83:b1f7:fcb5:2802::/64 table 254 metric 4278198272 proto static",
    ]
    others = route(6, table=254, type=7, metric=4278198272, destination=IPPrefix.parse("2001:db8::/32"))
    assert len(commands(opening_steps(HostNetwork(routes=(*CLOSED, others))))) == 3  # what is not ours stays


def test_routes_are_as_their_spec_says() -> None:
    wanted = "ip -4 route replace default dev kubespan table 180 proto static scope global metric 1 mtu 1420"
    for wrong in (route(4, protocol=3), route(4, scope=253), route(4, mtu=0), route(4, link="eth0")):
        assert commands(route_steps(ROUTES, HostNetwork(routes=(wrong, route(6))))) == [wanted]
    foreign = (route(4, metric=0, link="eth0"), route(4, destination=IPPrefix.parse("10.0.0.0/8"), metric=5))
    assert commands(route_steps(ROUTES, HostNetwork(routes=(route(4), route(6), *foreign)))) == [
        "ip -4 route delete default table 180 metric 0",
        "ip -4 route delete 10.0.0.0/8 table 180 metric 5",
    ]


@pytest.mark.parametrize(
    "other",
    [
        rule(4, priority=99),
        rule(4, mark=0x20),
        rule(4, source=IPPrefix.parse("10.0.0.0/8")),
        rule(4, in_link="eth0"),
        rule(4, action=7),
    ],
)
def test_there_is_one_rule_of_each_version_and_no_other_one(other: HostRule) -> None:
    removal = f"ip -4 rule delete priority {other.priority} table 180"
    assert commands(rule_steps(POLICY_RULES, HostNetwork(rules=(rule(4), rule(6), other)))) == [removal]
    add = "ip -4 rule add fwmark 0x40/0x60 table 180 priority 32500"
    assert commands(rule_steps(POLICY_RULES, HostNetwork(rules=(rule(6), other)))) == [add, removal]
    assert commands(rule_steps((), HostNetwork(rules=(rule(6), rule(6, table=254))))) == ["ip -6 rule delete priority 32500 table 180"]


def test_a_link_is_put_up_with_its_mtu() -> None:
    wanted = Link(device=DeviceConfig(private_key="", peers=()))
    there = HostLink(
        index=7, name="kubespan", type=65534, parent=0, flags=1, hardware=HardwareAddr(), permanent=HardwareAddr(), broadcast=HardwareAddr(),
        mtu=1420, queue="", master=0, state=0, kind="tun", slave_kind="",
    )  # fmt: skip
    assert commands(link_steps(wanted, HostNetwork(links=(there,)))) == []
    assert commands(link_steps(wanted, HostNetwork(links=(attrs.evolve(there, flags=0),)))) == ["ip link set kubespan up"]
    assert commands(link_steps(wanted, HostNetwork(links=(attrs.evolve(there, mtu=1500),)))) == ["ip link set kubespan mtu 1420"]
    assert len(commands(link_steps(wanted, HostNetwork(links=())))) == 2


def test_a_device_differs_in_what_was_set_and_not_in_where_peers_are() -> None:
    peer = PeerConfig(
        public_key="k", preshared_key="s", endpoint=AddrPort.parse("10.0.0.1:51820"), allowed_ips=(IPPrefix.parse("10.0.0.1/32"),)
    )
    wanted = DeviceConfig(private_key=generate_private_key(), peers=(peer,))
    roamed = attrs.evolve(wanted, peers=(attrs.evolve(peer, endpoint=AddrPort.parse("10.0.0.9:1")),))
    assert deviations(wanted, wanted) == deviations(wanted, roamed) == []
    assert deviations(wanted, attrs.evolve(wanted, firewall_mark=0)) == ["firewall mark"]
    assert deviations(wanted, attrs.evolve(wanted, private_key="", listen_port=1, peers=())) == ["private key", "port", "peers"]
    for other in (
        attrs.evolve(peer, allowed_ips=()),
        attrs.evolve(peer, preshared_key=""),
        attrs.evolve(peer, keepalive_s=0),
        attrs.evolve(peer, endpoint=None),
    ):
        assert deviations(wanted, attrs.evolve(wanted, peers=(other,))) == ["settings of peers"]

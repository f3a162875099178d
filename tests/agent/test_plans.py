"""What the agent makes of its plans and of the host, without a host."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from talos_resources.agent.agent import kubernetes_networks
from talos_resources.agent.facts import facts_of
from talos_resources.agent.network import ruleset
from talos_resources.kubespan import manager
from talos_resources.kubespan.network import Chain
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPPrefix
from talos_resources.resources import KubeSpanConfig, KubeSpanPeerSpec

CLUSTER = (IPPrefix.parse("10.244.0.0/16"), IPPrefix.parse("10.96.0.0/12"))


def chains(*networks: str) -> tuple[Chain, ...]:
    """The chains of a manager whose one peer has these networks."""
    spec = KubeSpanPeerSpec(label="peer", allowed_ips=tuple(IPPrefix.parse(network) for network in networks))
    config = KubeSpanConfig(enabled=True, force_routing=True, mtu=1420)
    from talos_resources.model.timestamp import Timestamp

    return manager.plan(config, {"key": spec}, {}, {}, now=Timestamp(1), changed=True).chains


def test_the_chains_are_replaced_at_once() -> None:
    text = ruleset(chains("10.0.0.2/32", "fd00::/64"))
    assert text.startswith("table inet talos_kubespan\ndelete table inet talos_kubespan\ntable inet talos_kubespan {\n")
    assert "type route hook output priority filter; policy accept;" in text
    assert "meta mark & 0x00000060 == 0x00000020 accept" in text
    assert "ip daddr { 10.0.0.2/32 } meta mark set meta mark & 0xffffff9f ^ 0x00000040 accept" in text
    assert "ip6 daddr { fd00::/64 } tcp flags & (syn | rst) == syn tcp option maxseg size > 1360 tcp option maxseg size set 1360" in text


def test_nobody_in_the_mesh_is_no_rule_for_destinations() -> None:
    assert "daddr" not in ruleset(chains())


@pytest.mark.wireguard
@pytest.mark.parametrize("networks", [("10.0.0.0/8", "10.1.0.0/16", "fd00::1/128"), ()])
def test_nft_takes_the_chains(networks: tuple[str, ...]) -> None:
    assert shutil.which("nft")
    done = subprocess.run(
        ["nft", "-c", "-f", "-"], input=ruleset(chains(*networks)), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def link(name: str, *addresses: tuple[str, int], **more: Any) -> dict[str, Any]:
    info = [{"local": address, "prefixlen": length, "scope": "global"} for address, length in addresses]
    return {"ifname": name, "link_type": "ether", "address": "ea:71:1b:b2:cc:ee", "addr_info": info, **more}


def test_the_host_is_told_without_the_mesh_and_kubernetes() -> None:
    links = [
        {"ifname": "lo", "link_type": "loopback", "address": "00:00:00:00:00:00", "addr_info": []},
        link("eth0", ("fd77::5", 64), ("10.0.0.5", 24)),
        link("cilium_host", ("10.244.0.1", 32)),
        link("br-pods", ("10.244.7.1", 24), ("192.168.7.1", 24)),
        link("docker0", ("172.17.0.1", 16)),
        link("mesh0", ("fd00::1", 64)),
    ]
    links[1]["addr_info"].append({"local": "fe80::1", "prefixlen": 64, "scope": "link"})
    links[1]["addr_info"].append({"local": "fd77::9", "prefixlen": 64, "scope": "global", "deprecated": True})
    facts = facts_of(links, link="mesh0", kubernetes=CLUSTER, hostname="host.example.org")
    assert [str(address) for address in facts.addresses] == ["10.0.0.5/24", "192.168.7.1/24", "fd77::5/64"]
    assert [str(address) for address in facts.kubernetes] == ["10.244.0.1/32", "10.244.7.1/24"]
    assert facts.hardware is not None
    assert (facts.hardware.link, facts.hardware.address) == ("eth0", "ea:71:1b:b2:cc:ee")


def test_a_host_without_links() -> None:
    facts = facts_of([], link="kubespan", kubernetes=CLUSTER, hostname="x")
    assert (facts.hardware, facts.addresses, facts.kubernetes) == (None, (), ())


def test_the_networks_of_kubernetes_are_those_of_the_configuration() -> None:
    assert kubernetes_networks({"cluster": {}}) == CLUSTER
    own = {"cluster": {"network": {"podSubnets": ["10.1.0.0/16", "fd01::/64"], "serviceSubnets": ["10.2.0.0/16"]}}}
    assert [str(prefix) for prefix in kubernetes_networks(own)] == ["10.1.0.0/16", "fd01::/64", "10.2.0.0/16"]
    with pytest.raises(ConfigError, match=r"cluster\.network: .*10\.1\.0\.0"):
        kubernetes_networks({"cluster": {"network": {"podSubnets": ["10.1.0.0"]}}})

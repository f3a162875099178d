"""The packet chains as `nft` takes and tells them."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from talos_resources.agent.nftables import listing, ruleset
from talos_resources.kubespan import manager
from talos_resources.kubespan.network import Chain, ChainRule
from talos_resources.model.net import IPPrefix
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanConfig, KubeSpanPeerSpec


def chains(*networks: str) -> tuple[Chain, ...]:
    """The chains of a manager whose one peer has these networks."""
    spec = KubeSpanPeerSpec(label="peer", allowed_ips=tuple(IPPrefix.parse(network) for network in networks))
    config = KubeSpanConfig(enabled=True, force_routing=True, mtu=1420)
    return manager.plan(config, {"key": spec}, {}, {}, now=Timestamp(1), changed=True).chains


def test_the_chains_are_replaced_at_once() -> None:
    text = ruleset(chains("10.0.0.2/32", "2001:db8::/64"), "kubespan")
    assert text.startswith("table inet talos_kubespan\ndelete table inet talos_kubespan\ntable inet talos_kubespan {\n")
    assert "type route hook output priority filter; policy accept;" in text
    assert "meta mark & 0x00000060 == 0x00000020 accept" in text
    assert "ip daddr { 10.0.0.2/32 } meta mark set meta mark & 0xffffff9f ^ 0x00000040 accept" in text


def test_segments_leave_room_for_tcp_timestamps() -> None:
    text = ruleset(chains("10.0.0.2/32", "2001:db8::/64"), "kubespan")
    assert "ip daddr { 10.0.0.2/32 } tcp flags & (syn | rst) == syn tcp option maxseg size > 1368 tcp option maxseg size set 1368" in text
    assert (
        "ip6 daddr { 2001:db8::/64 } tcp flags & (syn | rst) == syn tcp option maxseg size > 1348 tcp option maxseg size set 1348" in text
    )


def test_what_is_meant_for_the_mesh_leaves_by_its_link_or_not_at_all() -> None:
    [line] = [line.strip() for line in ruleset(chains(), "mesh0").splitlines() if "drop" in line]
    assert line == 'meta mark & 0x00000060 == 0x00000040 oifname != { "mesh0", "lo" } drop'


def test_neighbours_are_found_outside_of_the_tunnel() -> None:
    """Answers to a peer on the same link are sent to its ordinary address, which is in the sets."""
    lines = [line.strip() for line in ruleset(chains("2001:db8::2/128"), "kubespan").splitlines()]
    first = lines.index("chain kubespan_outgoing {") + 2
    assert lines[first].startswith("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, ")
    assert lines[first].endswith(" accept")
    assert sum("icmpv6" in line for line in lines) == 1


def test_nobody_in_the_mesh_is_no_rule_for_destinations() -> None:
    assert "daddr" not in ruleset(chains(), "kubespan")


@pytest.mark.wireguard
@pytest.mark.parametrize(
    "networks", [("10.0.0.0/8", "10.1.0.0/16", "fd00::1/128"), ("172.20.0.3/32", "172.20.0.4/31", "172.20.0.6/32"), ()]
)
def test_what_nft_tells_is_what_it_was_given(networks: tuple[str, ...]) -> None:
    """In a network namespace of its own: the kernel merges and rewrites, and it is still read as the same."""
    assert shutil.which("nft")
    given = chains(*networks)
    both = ["unshare", "--net", "sh", "-c", "nft -f - && nft -j list table inet talos_kubespan"]
    done = subprocess.run(both, input=ruleset(given, "kubespan"), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    read = listing(json.loads(done.stdout)["nftables"]).chains
    # Rules for nobody are not made.
    made = tuple(
        Chain(name=chain.name, type=chain.type, hook=chain.hook, rules=tuple(rule for rule in chain.rules if rule.destinations != ()))
        for chain in given
    )
    assert read == made


def test_who_touches_a_chain_is_seen() -> None:
    chain = {"chain": {"name": "c", "type": "filter", "hook": "output", "prio": 0, "policy": "accept", "handle": 1}}
    rule = {"rule": {"chain": "c", "handle": 2, "expr": [{"accept": None}]}}
    drop = {"rule": {"chain": "c", "handle": 2, "expr": [{"drop": None}]}}
    same = listing([chain, rule]).fingerprint
    again = {"chain": {**chain["chain"], "handle": 7}}
    assert listing([again, {"rule": {**rule["rule"], "handle": 8}}]).fingerprint == same  # handles are only numbers
    for other in ([chain], [chain, drop], [chain, rule, rule], [{"chain": {**chain["chain"], "policy": "drop"}}, rule], []):
        assert listing(other).fingerprint != same


def test_a_rule_that_cannot_be_read_says_nothing() -> None:
    chain = {"chain": {"name": "c", "type": "filter", "hook": "output", "prio": 0, "policy": "accept"}}
    rule = {"rule": {"chain": "c", "expr": [{"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"accept": None}]}}
    [read] = listing([chain, rule]).chains
    assert read.rules == (ChainRule(),)

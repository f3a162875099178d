"""Plans in which a path, a size or an announcement is at fault, and plans of which little was read."""

from __future__ import annotations

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import NEVER, Known, clouds, fault, flat, names, rack


@fault
def f37_collision_of_ports() -> Known:
    """Two at one home: the router's old mapping leads to the other."""
    boxes = [*clouds(2), flat("w-a", 1, ip="192.168.1.30"), flat("w-b", 1, ip="192.168.1.31")]
    return Known(Plan(boxes=boxes).split(["w-b"], ["cp-2"], 1500), ("stale-nat-mapping", "path-blocked", "not-recovered"), ("w-b", "cp-2"))


@fault
def f39_endpoint_of_loopback() -> Known:
    boxes = [*clouds(1), flat("w-a", 1), flat("w-b", 2)]
    boxes[-1].tells = ("127.0.0.1:51820", "[fe80::1]:51820")
    return Known(Plan(boxes=boxes), ("unroutable-endpoint", "both-behind-nat"), ("w-b",))


@fault
def f45_ipv6_over_pppoe() -> Known:
    boxes = clouds(2)
    for n, box in enumerate(boxes):
        box.ip, box.link_mtu = f"2a02:8{n}:1::10", 1492
        box.bits = 64
    return Known(Plan(boxes=boxes), ("mtu-too-large",))


@fault
def f45_one_node_behind_a_small_link() -> Known:
    boxes = clouds(3)
    boxes[-1].link_mtu = 1400
    return Known(Plan(boxes=boxes), ("mtu-too-large",), ("w-3",))


@fault
def f47_upgrade_by_three_minors() -> Known:
    boxes = rack(4)
    boxes[-1].version, boxes[-2].version = "v1.8.2", "v1.8.2"
    return Known(Plan(boxes=boxes), ("versions-differ",), ("w-3", "w-4"))


@fault
def f49_site_lets_no_udp_out() -> Known:
    here, there = clouds(2), [Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="office", wan="62.1.2.3") for n in (1, 2, 3)]
    return Known(
        Plan(boxes=[*here, *there]).split(names(here), names(there), NEVER), ("udp-blocked", "mesh-split"), ("office-1", "office-2")
    )


@fault
def f49_one_node_lets_no_udp_out() -> Known:
    boxes = [*clouds(2), flat("w-office", 5)]
    return Known(Plan(boxes=boxes).split(names(boxes[:-1]), ["w-office"], NEVER), ("udp-blocked", "node-isolated"), ("w-office",))


@fault
def f50_rack_switch() -> Known:
    boxes = rack(6)
    return Known(Plan(boxes=boxes).split(["w-5", "w-6"], names(boxes[:-2]), 1300), ("mesh-split",), ("w-5", "w-6"))


@fault
def f51_discovery_gone_for_one_site() -> Known:
    boxes = [*clouds(3), Box(name="far-1", ip="10.4.0.2", site="far", wan="5.5.1.1")]
    pairs = {("far-1", a.name) for a in boxes} | {(a.name, "far-1") for a in boxes}
    boxes[
        -1
    ].log = (
        'hello  {"component": "controller-runtime", "controller": "cluster.DiscoveryServiceController", "error": "dial tcp: i/o timeout"}\n'
    )
    return Known(Plan(boxes=boxes, unheard=pairs), ("discovery-unreachable",), ("far-1",))


@fault
def f53_worker_off_not_removed() -> Known:
    boxes = rack(7)
    boxes[-1].missing = True
    return Known(Plan(boxes=boxes).split(["w-7"], names(boxes), 700), ("node-silent",), ("w-7",))


@fault
def f57_a_bundle_of_yesterday() -> Known:
    boxes = clouds(3)
    boxes[-1].read = -86_000
    return Known(Plan(boxes=boxes), ("report-old",), ("w-3",))


@fault
def f59_neighbours_in_a_wireless_lan() -> Known:
    boxes = [*clouds(1), *(Box(name=f"home-{n}", ip=f"192.168.7.{30 + n}", site="h", wan="87.1.1.1") for n in (1, 2))]
    return Known(Plan(boxes=boxes).split(["home-1"], ["home-2"], NEVER), ("lan-isolation",), ("home-1", "home-2"))


@fault
def f59_three_neighbours() -> Known:
    boxes = [*clouds(1), *(Box(name=f"home-{n}", ip=f"192.168.7.{30 + n}", site="h", wan="87.1.1.1") for n in (1, 2, 3))]
    homes = names(boxes[-3:])
    return Known(Plan(boxes=boxes).split(homes, homes, NEVER), ("lan-isolation",), ("home-1", "home-2", "home-3"))


@fault
def f61_cloud_firewall_lets_nothing_in() -> Known:
    boxes = [*clouds(1), flat("home-1", 1)]
    return Known(Plan(boxes=boxes).split(["home-1"], ["w-1"], NEVER, back=False), ("inbound-blocked",), ("w-1", "home-1"))


@fault
def f63_dynamic_address() -> Known:
    boxes = [*clouds(1), flat("w-a", 1, forward=True), flat("w-b", 2)]
    boxes[-2].tells = ("192.168.1.30:51820", "87.123.200.77:51820")
    return Known(Plan(boxes=boxes), ("stale-endpoint",), ("w-a",))


@fault
def f65_own_discovery_service_on_one() -> Known:
    boxes = rack(2)
    boxes[-1].discovery = {"serviceEndpoint": "discovery.corp.example:443"}
    return Known(Plan(boxes=boxes), ("discovery-service-differs",), ("w-2",))


@fault
def f65_two_sites_swap_one_direction() -> Known:
    boxes = clouds(3)
    return Known(Plan(boxes=boxes).split(["cp-1"], ["w-1", "w-2", "w-3"], 2000, back=False), ("path-blocked", "one-way-link"), ("cp-1",))


@fault
def f66_default_route_of_ipv6() -> Known:
    boxes = clouds(2)
    boxes[0].networks = ("::/0",)
    return Known(Plan(boxes=boxes), ("default-route-announced",), ("cp-1",))


@fault
def f67_nine_tenths_of_discovery() -> Known:
    boxes = rack(5)
    return Known(Plan(boxes=boxes, unheard={("cp-1", "w-5")}).split(["cp-1"], ["w-5"], 2500), ("unknown-peer",), ("cp-1", "w-5"))


@fault
def f68_disabled_on_two() -> Known:
    boxes = rack(4)
    for box in boxes[-2:]:
        box.config = {"enabled": False}
    return Known(Plan(boxes=boxes), ("kubespan-disabled",), ("w-3", "w-4"))


@fault
def f69_two_names() -> Known:
    boxes = rack(3)
    plan = Plan(boxes=boxes)
    boxes[-1].key, boxes[-2].key = "first", "second"
    boxes[-1].name = boxes[-2].name = "talos-abc"
    return Known(plan, ("duplicate-label",), ("talos-abc",))


@fault
def p01_one_bundle_of_a_plane() -> Known:
    boxes = clouds(2)
    for box in boxes[1:]:
        box.missing = True
    return Known(
        Plan(boxes=boxes).split(["cp-1"], ["w-1"], 900), ("endpoint-unreachable", "path-blocked", "node-silent", "link-down"), ("w-1",)
    )


@fault
def p02_planes_only() -> Known:
    boxes = clouds(3)
    for box in boxes[3:]:
        box.missing = True
    plan = Plan(boxes=boxes).split(["w-1"], [*names(boxes[:3]), "w-2", "w-3"], 900)
    return Known(plan, ("node-silent", "endpoint-unreachable", "node-isolated"), ("w-1",))


@fault
def p07_without_specs_and_affiliates() -> Known:
    boxes = rack(3)
    plan = Plan(boxes=boxes).split(["w-3"], names(boxes), 900)
    plan.drop["*"] = ("KubeSpanPeerSpecs.kubespan.talos.dev", "Affiliates.cluster.talos.dev", "Members.cluster.talos.dev")
    return Known(plan, ("node-isolated", "mesh-split"), ("w-3",))


@fault
def p08_statuses_of_three() -> Known:
    boxes = clouds(2)
    return Known(
        Plan(boxes=boxes).split(["w-1"], ["w-2"], 700),
        ("path-blocked", "endpoint-unreachable", "link-down"),
        ("w-1", "w-2"),
        paste=("cp-1", "w-1", "w-2"),
    )

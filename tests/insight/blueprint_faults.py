"""Plans in which a node, a setting or a place is at fault."""

from __future__ import annotations

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import Known, clouds, fault, flat, names, rack


@fault
def f02_cone_nat_twice() -> Known:
    return Known(
        Plan(boxes=[*clouds(0), flat("w-a", 1, ports="other"), flat("w-b", 2, ports="other")]), ("both-behind-nat",), ("w-a", "w-b")
    )


@fault
def f02_cgnat() -> Known:
    one, two = flat("w-lte", 3, ip="100.72.13.5", wan="37.201.5.6", ports="each"), flat("w-home", 4)
    one.tells = ("100.72.13.5:51820", "37.201.5.6:51820")
    return Known(Plan(boxes=[*clouds(1), one, two]), ("both-behind-nat",), ("w-lte", "w-home"))


@fault
def f06_three_homes_behind_nat() -> Known:
    return Known(Plan(boxes=[*clouds(0), *(flat(f"w-{n}", n) for n in (1, 2, 3))]), ("both-behind-nat",), ("w-1", "w-2", "w-3"))


@fault
def f06_cloned_disk() -> Known:
    boxes = rack(3)
    boxes[-1].key = "w-2"
    plan = Plan(boxes=boxes, unheard={("w-2", "w-3"), ("w-3", "w-2")})
    return Known(plan, ("duplicate-key",), ("w-2", "w-3"))


@fault
def f09_clock_an_hour_behind() -> Known:
    boxes = rack(2)
    boxes[-1].skew, boxes[-1].synced = -3600, False
    return Known(Plan(boxes=boxes), ("clock-skew",), ("w-2",))


@fault
def f09_clock_not_synced_five_minutes() -> Known:
    boxes = clouds(4)
    boxes[4].skew, boxes[4].synced = 310, False
    return Known(Plan(boxes=boxes), ("clock-skew",), ("w-2",))


@fault
def f11a_clock_of_a_plane_behind() -> Known:
    boxes = rack(2)
    boxes[0].skew = -2 * 3600
    return Known(Plan(boxes=boxes), ("clock-skew",), ("cp-1",))


@fault
def f13_two_filters_leave_only_the_lan() -> Known:
    """The home's router forwards, but the filter hides its address."""
    boxes = [*clouds(1), flat("w-a", 1, forward=True), flat("w-b", 2)]
    boxes[-2].tells, boxes[-2].config = ("192.168.1.30:51820",), {"filters": None, "endpointFilters": ["0.0.0.0/0", "!87.0.0.0/8"]}
    return Known(Plan(boxes=boxes), ("filtered-endpoint", "both-behind-nat"), ("w-a", "w-b"))


@fault
def f19_same_lan_prefix_announced_twice() -> Known:
    boxes = clouds(3)
    boxes[3].networks = boxes[5].networks = ("192.168.1.0/24",)
    return Known(Plan(boxes=boxes), ("overlapping-networks",), ("w-1", "w-3"))


@fault
def f19_half_overlap() -> Known:
    boxes = clouds(3)
    boxes[3].networks, boxes[4].networks = ("10.20.0.0/16",), ("10.20.128.0/20",)
    return Known(Plan(boxes=boxes), ("overlapping-networks",), ("w-1", "w-2"))


@fault
def f19_one_node_announces_the_lan_of_all() -> Known:
    boxes = rack(3)
    boxes[0].networks = ("10.0.0.0/24",)
    return Known(Plan(boxes=boxes), ("overlapping-networks", "tunnel-in-tunnel"), ("cp-1",))


@fault
def f24_all_registries_off() -> Known:
    boxes = rack(2)
    for box in boxes:
        box.discovery = {"registryServiceEnabled": False, "discoveryEnabled": False}
    pairs = {(a.name, b.name) for a in boxes for b in boxes if a is not b}
    return Known(Plan(boxes=boxes, unheard=pairs), ("discovery-disabled",), ("cp-1",))


@fault
def f24_registry_off_on_one() -> Known:
    boxes = clouds(2)
    boxes[-1].discovery = {"registryServiceEnabled": False}
    pairs = {("w-2", a.name) for a in boxes} | {(a.name, "w-2") for a in boxes}
    return Known(Plan(boxes=boxes, unheard=pairs), ("discovery-disabled",), ("w-2",))


@fault
def f24_kubernetes_registry_beside() -> Known:
    boxes = rack(2)
    for box in boxes:
        box.discovery = {"registryKubernetesEnabled": True}
    return Known(Plan(boxes=boxes), ("kubernetes-registry",))


@fault
def f29_three_sites_fall_apart() -> Known:
    sites = [rack(1, planes=1, base=f"10.{n}.0.", site="routed") for n in (1, 2, 3)]
    for n, site in enumerate(sites, 1):
        for box in site:
            box.name = f"{box.name}-s{n}"
    plan = Plan(boxes=[box for site in sites for box in site])
    for n, site in enumerate(sites):
        plan.split(names(site), [box.name for other in sites[n + 1 :] for box in other], 1800)
    return Known(plan, ("mesh-split",), ("cp-1-s1",))


@fault
def f29_one_site_of_twelve() -> Known:
    here, there = rack(6), [Box(name=f"edge-{n}", ip=f"10.8.0.{n}", site="a") for n in (1, 2, 3)]
    return Known(Plan(boxes=[*here, *there]).split(names(here), names(there), 500), ("mesh-split",), ("edge-1",))


@fault
def f31_secret_of_two_nodes() -> Known:
    boxes = rack(3)
    boxes[-1].secret = boxes[-2].secret = "two"
    return Known(Plan(boxes=boxes), ("secret-differs",), ("w-2", "w-3"))


@fault
def f31_preshared_key_while_discovery_is_the_same() -> Known:
    """Packets arrive and are refused, secrets are redacted."""
    boxes = clouds(2)
    plan = Plan(boxes=boxes, refused={pair for other in boxes[:-1] for pair in ((other.name, "w-2"), ("w-2", other.name))})
    plan.drop["*"] = ("KubeSpanConfigs.kubespan.talos.dev", "DiscoveryConfigs.cluster.talos.dev")
    return Known(plan, ("secret-differs",), ("w-2",))


@fault
def f35_two_planes_off() -> Known:
    boxes = rack(3)
    plan = Plan(boxes=boxes)
    for box in boxes[1:3]:
        box.missing = True
        plan.split([box.name], names(boxes), 800)
    return Known(plan, ("node-silent",), ("cp-2", "cp-3", "quorum"))


@fault
def f35_one_plane_off() -> Known:
    boxes = clouds(2)
    boxes[2].missing = True
    return Known(Plan(boxes=boxes).split(["cp-3"], names(boxes), 600), ("node-silent",), ("cp-3", "quorum"))

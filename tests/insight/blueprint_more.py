"""More plans: identities, places, what is announced, what data lack."""

from __future__ import annotations

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import NEVER, Known, clouds, fault, flat, names, rack


@fault
def g01_cloned_card() -> Known:
    boxes = rack(3)
    boxes[-1].mac_of = "w-2"
    return Known(Plan(boxes=boxes), ("duplicate-address",), ("w-2", "w-3"))


@fault
def g02_installed_anew() -> Known:
    boxes = rack(3)
    former = Box(name="w-3", ip="10.0.0.23", key="former", missing=True)
    boxes[-1].born = 540
    plan = Twins(boxes=[*boxes, former], former=former, since=700)
    return Known(plan, ("stale-affiliate",), ("w-3",))


@fault
def g03_replaced_under_the_same_name() -> Known:
    boxes = clouds(3)
    former = Box(name="w-3", ip="99.1.2.3", bits=32, site="gone", key="former", missing=True)
    boxes[-1].born = 300
    plan = Twins(boxes=[*boxes, former], former=former, since=900)
    return Known(plan, ("stale-affiliate", "duplicate-label"), ("w-3",))


class Twins(Plan):
    """A former self that is off: its name is that of another box."""

    def __init__(self, *, boxes: list[Box], former: Box, since: float) -> None:
        super().__init__(boxes=boxes)
        self.former, self.since = former, since

    def status(self, one: Box, other: Box) -> dict[str, object]:
        if other is self.former:
            other = Box(name="former", ip=other.ip, site=other.site, key=other.key)
            self.cut[one.name, "former"] = self.cut["former", one.name] = self.since
            return super().status(one, other) | {"label": self.former.name}
        return super().status(one, other)


@fault
def g04_discovery_gone_for_all() -> Known:
    boxes = rack(3)
    pairs = {(a.name, b.name) for a in boxes for b in boxes if a is not b}
    return Known(Plan(boxes=boxes, unheard=pairs), ("discovery-unreachable",), ("cp-1", "w-3"))


@fault
def g05_no_device() -> Known:
    boxes = clouds(3)
    boxes[-1].config = {"device": False}
    return Known(Plan(boxes=boxes).split(["w-3"], names(boxes), 5000), ("spec-without-status",), ("w-3",))


@fault
def g06_one_forward_for_two() -> Known:
    """Both announce the router's endpoint, which leads to the first."""
    boxes = [*clouds(1), *(Box(name=f"home-{n}", ip=f"192.168.7.{30 + n}", site="h", wan="87.1.1.1") for n in (1, 2)), flat("w-x", 3)]
    boxes[-3].forward = True
    return Known(Plan(boxes=boxes), ("shared-endpoint", "both-behind-nat"), ("home-2", "w-x"))


@fault
def g07_hairpin_in_an_office() -> Known:
    boxes = [*clouds(1), *(Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="o", wan="62.1.2.3") for n in (1, 2, 3))]
    for box in boxes[-3:]:
        box.tells, box.config = ("62.1.2.3:51820",), {"endpointFilters": ["0.0.0.0/0", "!10.0.0.0/8"]}
    return Known(Plan(boxes=boxes), ("shared-endpoint", "filtered-endpoint"), ("office-1", "office-2", "office-3"))


@fault
def g08_extra_endpoint_from_before_the_move() -> Known:
    boxes = [*clouds(1), flat("w-a", 1), flat("w-b", 2)]
    boxes[-2].tells = ("192.168.1.30:51820", "203.0.114.4:51820")
    return Known(Plan(boxes=boxes), ("stale-endpoint", "both-behind-nat"), ("w-a",))


@fault
def g09_two_sites_with_the_same_addresses() -> Known:
    boxes = clouds(0)
    for n in (1, 2):
        boxes.append(Box(name=f"edge-{n}", ip="192.168.1.10", site=f"e{n}", wan=f"87.1.{n}.1", forward=True))
    plan = Plan(boxes=boxes)
    plan.of("edge-1").missing = True
    return Known(plan, ("duplicate-address",), ("edge-1", "edge-2"))


@fault
def g10_tunnel_inside_a_tunnel() -> Known:
    boxes = clouds(3)
    boxes[3].networks = ("122.46.0.0/16",)
    boxes[4].networks = ("10.77.0.0/16",)
    return Known(Plan(boxes=boxes), ("tunnel-in-tunnel", "overlapping-networks"), ("w-1", "w-2"))


@fault
def g11_mtu_1500_in_1500() -> Known:
    boxes = rack(3)
    for box in boxes:
        box.mtu = 1500
    return Known(Plan(boxes=boxes), ("mtu-too-large",))


@fault
def g12_one_wireguard_that_refuses() -> Known:
    """Another secret on one of six; its discovery still goes through an old encryption key: packets arrive and are refused."""
    boxes = rack(3)
    plan = Plan(boxes=boxes, refused={pair for other in boxes[:-1] for pair in ((other.name, "w-3"), ("w-3", other.name))})
    return Known(plan, ("secret-differs",), ("w-3",))


@fault
def g13_isolated_seen_by_itself_alone() -> Known:
    boxes = clouds(3)
    for box in boxes[:-1]:
        box.missing = True
    return Known(Plan(boxes=boxes).split(["w-3"], names(boxes), 900), ("node-isolated", "link-down", "endpoint-unreachable"), ("w-3",))


@fault
def g14_down_to_two_of_six_by_one_view() -> Known:
    boxes = rack(3)
    return Known(
        Plan(boxes=boxes).split(["cp-1"], ["w-1", "w-2"], 900),
        ("link-down", "endpoint-unreachable", "path-blocked"),
        ("w-1", "w-2"),
        paste=("cp-1",),
    )


@fault
def g15_site_of_nat_cut_with_homes() -> Known:
    """An office behind NAT loses everybody outside; its two nodes still see each other."""
    boxes = [*clouds(2), *(Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="o", wan="62.1.2.3") for n in (1, 2))]
    return Known(Plan(boxes=boxes).split(names(boxes[:-2]), names(boxes[-2:]), 1000), ("mesh-split",), ("office-1", "office-2"))


@fault
def g16_bypass_hides_a_cut() -> Known:
    boxes = clouds(3)
    for box in boxes:
        box.config = {"forceRouting": False}
    return Known(
        Plan(boxes=boxes).split(["cp-2"], ["w-3"], 9000), ("path-blocked", "down-peer-bypass", "endpoint-unreachable"), ("cp-2", "w-3")
    )


@fault
def g17_virtual_address_on_three() -> Known:
    boxes = rack(2)
    for box in boxes[:3]:
        box.also = ("10.0.0.5",)
    return Known(Plan(boxes=boxes), ("duplicate-address",), ("10.0.0.5",))


@fault
def g18_minority_with_a_plane_off() -> Known:
    boxes = rack(4)
    return Known(
        Plan(boxes=boxes).split(["cp-3", "w-4"], [n for n in names(boxes) if n not in {"cp-3", "w-4"}], 700),
        ("mesh-split",),
        ("cp-3", "w-4"),
    )


@fault
def g19_secret_and_cluster_of_another() -> Known:
    boxes = rack(2)
    boxes[-1].secret, boxes[-1].cluster = "x", "x"
    return Known(Plan(boxes=boxes), ("different-clusters",), ("w-2",))


@fault
def g20_staging_in_prod() -> Known:
    boxes = clouds(4)
    for box in boxes[-3:]:
        box.title = "staging"
    return Known(Plan(boxes=boxes), ("mixed-clusters",), ("staging",))


@fault
def g21_firewall_in_front_of_a_site() -> Known:
    """Two in a data centre let nothing in; two homes must call them."""
    dc = [Box(name=f"dc-{n}", ip=f"88.9.9.{n}", bits=28, site="dc") for n in (1, 2)]
    boxes = [*clouds(1), *dc, flat("home-1", 1)]
    return Known(Plan(boxes=boxes).split(["home-1"], ["dc-1", "dc-2"], NEVER, back=False), ("inbound-blocked",), ("dc-1", "dc-2"))


@fault
def g22_one_way_for_all_of_a_node() -> Known:
    """Whatever is sent to it is dropped; what it sends arrives."""
    boxes = clouds(3)
    return Known(
        Plan(boxes=boxes).split([n for n in names(boxes) if n != "w-1"], ["w-1"], 1500, back=False),
        ("node-isolated", "inbound-blocked", "path-blocked"),
        ("w-1",),
    )

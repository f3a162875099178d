"""Plans in which nothing is wrong, however odd they look."""

from __future__ import annotations

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import Known, clouds, fine, flat, names, rack


@fine
def h04_busy() -> Plan:
    return Plan(boxes=rack(9))


@fine
def h04_idle_clouds() -> Plan:
    return Plan(boxes=clouds(4), busy=False)


@fine
def h06_home_behind_a_symmetric_nat() -> Plan:
    return Plan(boxes=[*clouds(2), flat("w-home", 1, ports="each")])


@fine
def h06_home_with_another_port() -> Plan:
    return Plan(boxes=[*clouds(2), flat("w-home", 1, ports="other")])


@fine
def h08_two_in_one_home() -> Plan:
    boxes = [*clouds(2), *(Box(name=f"home-{n}", ip=f"192.168.7.{30 + n}", site="h", wan="87.1.1.1", ports="each") for n in (1, 2))]
    return Plan(boxes=boxes)


@fine
def h09a_handshakes_late_but_allowed() -> Plan:
    boxes = rack(4)
    for box in boxes:
        box.read = 25
    return Plan(boxes=boxes, busy=False)


@fine
def h11_harvesting() -> Plan:
    boxes = [*clouds(1), flat("w-a", 1, ports="other", forward=True), flat("w-b", 2)]
    for box in boxes:
        box.config = {"harvestExtraEndpoints": True}
    return Plan(boxes=boxes)


@fine
def h14_a_worker_that_left() -> Plan:
    boxes = rack(4)
    boxes[-1].missing = True
    pairs = {(a.name, "w-4") for a in boxes}
    return Plan(boxes=boxes, unheard=pairs)


@fine
def h16_two_uplinks() -> Plan:
    """A site with two WANs: outside peers see it at either, and it announces the one that discovery saw."""
    boxes = [*clouds(3), flat("w-dual", 1)]
    plan = _Uplinks(boxes=boxes)
    plan.other_wan = "91.9.9.9"
    return plan


class _Uplinks(Plan):
    other_wan: str = ""

    def seen(self, one: Box, other: Box, way: str) -> str:
        usual = super().seen(one, other, way)
        return usual.replace(one.wan, self.other_wan) if one.wan and other.name in {"cp-2", "w-1"} else usual


@fine
def h16_all_through_the_other_uplink() -> Plan:
    """Traffic leaves by one provider, discovery by another; its forward at the announced one works."""
    boxes = [*clouds(3), flat("w-dual", 1, forward=True), flat("w-two", 2)]
    return _AllOther(boxes=boxes)


class _AllOther(Plan):
    def seen(self, one: Box, other: Box, way: str) -> str:
        usual = super().seen(one, other, way)
        return usual.replace(one.wan, "91.9.9.9") if one.name == "w-dual" else usual


@fine
def h19_one_second_apart() -> Plan:
    boxes = clouds(3)
    for n, box in enumerate(boxes):
        box.skew = (n % 3) - 1.0
    return Plan(boxes=boxes)


@fine
def h19_twenty_seconds_apart() -> Plan:
    boxes = clouds(3)
    boxes[-1].skew = 20.0
    return Plan(boxes=boxes)


@fine
def h20_read_over_ten_minutes() -> Plan:
    boxes = rack(17)
    for n, box in enumerate(boxes):
        box.read = 33.0 * n
    return Plan(boxes=boxes)


@fine
def h21_just_joined_behind_nat() -> Plan:
    boxes = [*clouds(2), flat("w-new", 1, born=25)]
    return Plan(boxes=boxes)


@fine
def h21_rolling_now() -> Plan:
    """A node rebooted into the next version a minute ago."""
    boxes = rack(4)
    boxes[0].version = boxes[1].version = "v1.13.0"
    boxes[1].born = 70
    return Plan(boxes=boxes)


@fine
def h22_ipv6_only() -> Plan:
    boxes = clouds(2)
    for n, box in enumerate(boxes):
        box.ip, box.bits = f"2a02:8{n}:1::10", 64
    return Plan(boxes=boxes)


@fine
def h22_dual_stack_with_v4_home() -> Plan:
    boxes = clouds(2)
    for n, box in enumerate(boxes):
        box.also = (f"2a02:8{n}:1::10",)
    boxes.append(flat("w-home", 1, also=("2003:f1:2:3::9",)))
    boxes.append(flat("w-six", 2, also=("2003:f1:9:3::9",)))
    return Plan(boxes=boxes)


@fine
def h24_mixed_links_mtu_set_small() -> Plan:
    boxes = clouds(3)
    for box in boxes:
        box.mtu = 1320
    boxes[-1].link_mtu, boxes[0].link_mtu = 1400, 9000
    return Plan(boxes=boxes)


@fine
def h25_pods_announced() -> Plan:
    boxes = rack(3)
    for n, box in enumerate(boxes):
        box.networks, box.config = (f"10.244.{n}.0/24",), {"advertiseKubernetesNetworks": True}
    return Plan(boxes=boxes)


@fine
def h26_redacted_bundle() -> Plan:
    plan = Plan(boxes=clouds(3))
    hidden = ("KubeSpanConfigs", "KubeSpanIdentities")
    plan.drop["*"] = (*(f"{kind}.kubespan.talos.dev" for kind in hidden), "DiscoveryConfigs.cluster.talos.dev")
    return plan


@fine
def h26_one_healthy_bundle() -> Plan:
    boxes = clouds(3)
    for box in boxes[1:]:
        box.missing = True
    return Plan(boxes=boxes)


@fine
def h28_two_lans_with_one_prefix() -> Plan:
    """Two homes use 192.168.1.0/24, each with a forward."""
    return Plan(boxes=[*clouds(1), flat("w-a", 1, ip="192.168.1.30", forward=True), flat("w-b", 2, ip="192.168.1.31", forward=True)])


@fine
def h29_talos_1_14() -> Plan:
    boxes = rack(3)
    for box in boxes:
        box.version, box.discovery = "v1.14.0", {"discoveryEnabled": False}
    return Plan(boxes=boxes)


@fine
def h30_nat_to_routed_private() -> Plan:
    """Two sites with private networks that are routed to each other."""
    there = rack(2, planes=0, base="10.60.0.")
    for n, box in enumerate(there):
        box.name = f"far-{n}"
    return Plan(boxes=[*rack(2), *there])


@fine
def h31_cluster_of_two() -> Plan:
    return Plan(boxes=rack(1, planes=1))


@fine
def h32_rebooted_all_minutes_ago() -> Plan:
    boxes = rack(3)
    for n, box in enumerate(boxes):
        box.born = 100 + 60 * n
    return Plan(boxes=boxes)


@fine
def h33_paste_of_one() -> Known:
    return Known(Plan(boxes=clouds(3)), paste=("cp-1",))


@fine
def h34_paste_of_all() -> Known:
    boxes = [*clouds(3), flat("w-home", 1)]
    return Known(Plan(boxes=boxes), paste=tuple(names(boxes)))


@fine
def h35_planes_read_workers_not() -> Plan:
    boxes = clouds(5)
    for box in boxes[3:]:
        box.missing = True
    return Plan(boxes=boxes)


@fine
def h36_bypass_and_homes() -> Plan:
    boxes = [*clouds(2), flat("w-home", 1, ports="each")]
    for box in boxes:
        box.config = {"forceRouting": False}
    return Plan(boxes=boxes)


@fine
def h37_no_kubespan_at_all() -> Plan:
    boxes = rack(3)
    for box in boxes:
        box.config = {"enabled": False}
    return Plan(boxes=boxes)

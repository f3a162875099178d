"""More plans in which nothing is wrong."""

from __future__ import annotations

from tests.insight.blueprint import NOW, Box, Plan, when
from tests.insight.blueprint_kinds import Known, clouds, fine, flat, rack


@fine
def i01_virtual_address_on_one() -> Plan:
    boxes = rack(3)
    boxes[0].also = ("10.0.0.5",)
    return Plan(boxes=boxes)


@fine
def i02_rebooted_three_minutes_ago() -> Plan:
    boxes = rack(4)
    boxes[-1].rebooted = 200
    return Plan(boxes=boxes)


@fine
def i03_rebooted_just_now() -> Plan:
    boxes = clouds(4)
    boxes[-1].rebooted = 40
    return Plan(boxes=boxes)


@fine
def i04_pppoe_with_both_families() -> Plan:
    """IPv4 is announced first and used: 1492 - 60 fits."""
    boxes = clouds(3)
    for n, box in enumerate(boxes):
        box.also, box.link_mtu = (f"2a02:8{n}:1::10",), 1492
    return Plan(boxes=boxes)


@fine
def i05_jumbo_tunnel() -> Plan:
    boxes = rack(3)
    for box in boxes:
        box.mtu, box.link_mtu = 8920, 9000
    return Plan(boxes=boxes)


@fine
def i06_going_down_now() -> Plan:
    """Shut down 100 s ago; the others have not noticed yet, and nothing was read of it."""
    boxes = rack(4)
    boxes[-1].missing = True
    return _GoingDown(boxes=boxes)


class _GoingDown(Plan):
    def status(self, one: Box, other: Box) -> dict[str, object]:
        made = super().status(one, other)
        if other.name == "w-4":
            made["lastHandshakeTime"] = when(NOW - 190 - len(one.name + one.ip))
        return made


@fine
def i07_one_enabled_discovery_key_unread() -> Plan:
    plan = Plan(boxes=rack(3))
    for n, kind in enumerate(("LinkStatuses", "NodeAddresses", "NfTablesChains", "RouteStatuses", "HardwareAddresses")):
        plan.drop[plan.boxes[n % 5].name] = (f"{kind}.net.talos.dev",)
    plan.drop["w-3"] = ("Affiliates.cluster.talos.dev", "Members.cluster.talos.dev", "KubeSpanPeerSpecs.kubespan.talos.dev")
    return plan


@fine
def i08_statuses_missing_on_one() -> Plan:
    plan = Plan(boxes=clouds(3))
    plan.drop["w-2"] = ("KubeSpanPeerStatuses.kubespan.talos.dev",)
    return plan


@fine
def i09_not_synced_at_boot() -> Plan:
    boxes = rack(2)
    for box in boxes:
        box.born, box.synced = 45, False
    return Plan(boxes=boxes)


@fine
def i10_read_eight_minutes_late() -> Plan:
    boxes = clouds(4)
    boxes[-1].read = 400
    boxes[0].read = -380
    return Plan(boxes=boxes)


@fine
def i11_busy_one_read_later() -> Plan:
    boxes = clouds(4)
    for n, box in enumerate(boxes):
        box.read = 60 * n
    return Plan(boxes=boxes)


@fine
def i12_homes_with_forwards_and_one_without() -> Plan:
    return Plan(boxes=[*clouds(1), flat("a", 1, forward=True), flat("b", 2, forward=True), flat("c", 3, ports="each")])


@fine
def i13_paste_of_three_of_five() -> Known:
    return Known(Plan(boxes=rack(2)), paste=("cp-1", "cp-2", "w-1"))


@fine
def i14_one_node_with_kubespan_off_elsewhere() -> Plan:
    boxes = rack(0, planes=1)
    boxes[0].config = {"enabled": False}
    return Plan(boxes=boxes)

"""Plans of which only a part was read: one site, the two neighbours, others than the node in question, no settings."""

from __future__ import annotations

from tests.insight.blueprint import NOW, Box, Doc, Plan, when
from tests.insight.blueprint_kinds import NEVER, Known, clouds, fault, fine, names, rack

SETTINGS = ("KubeSpanConfigs.kubespan.talos.dev", "KubeSpanIdentities.kubespan.talos.dev", "DiscoveryConfigs.cluster.talos.dev")
DAY_S = 86400.0


class Refusing(Plan):
    """A box whose packets arrive and are refused since a while, after links that were up."""

    def __init__(self, *, boxes: list[Box], odd: str, since: float) -> None:
        super().__init__(boxes=boxes, drop={"*": SETTINGS})
        self.odd, self.since = odd, since
        self.split([odd], names(boxes), since)

    def status(self, one: Box, other: Box) -> Doc:
        held = super().status(one, other)
        if self.odd in {one.name, other.name}:
            # What both begin is counted at both ends: nothing gets lost, and no handshake comes of it.
            held["receiveBytes"] += 148 * int(self.since / 5.4)
        return held


@fault
def m01_secret_changed_lately_and_no_settings() -> Known:
    boxes = rack(3)
    return Known(Refusing(boxes=boxes, odd="w-3", since=700), ("secret-differs",), ("w-3",), at_most=1)


@fault
def m02_office_without_udp_alone() -> Known:
    """Only the office was read: its nodes hear of all and never had a link outside."""
    office = [Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="o", wan="62.1.2.3") for n in (1, 2)]
    others = clouds(1)
    for box in others:
        box.missing = True
    plan = Plan(boxes=[*others, *office]).split(names(others), names(office), NEVER)
    return Known(plan, ("udp-blocked",), ("office-1", "office-2"), at_most=1)


@fault
def m03_two_homes_and_nobody_else() -> Known:
    """All are behind NAT of their own: that no packet gets across says nothing of the port."""
    boxes = [
        Box(name=f"home{s}-{n}", ip=f"192.168.{s}.{n + 10}", site=f"h{s}", wan=f"87.123.{s}.9", plane=s == 1)
        for s in (1, 2)
        for n in (1, 2, 3)
    ]
    plan = Plan(boxes=boxes).split(names(boxes[:3]), names(boxes[3:]), NEVER)
    return Known(plan, ("both-behind-nat",), ("home1-1", "home2-3"), at_most=1)


@fault
def m04_two_neighbours_alone() -> Known:
    """Clients of a wireless network that keeps them apart; of the others, which both reach, nothing was read."""
    boxes = clouds(0)
    for box in boxes:
        box.missing = True
    home = [Box(name=f"w-{n}", ip=f"192.168.4.{n + 10}", site="h", wan="87.123.4.9", ports="each") for n in (1, 2)]
    plan = Plan(boxes=[*boxes, *home]).split(["w-1"], ["w-2"], NEVER)
    return Known(plan, ("lan-isolation",), ("w-1", "w-2"), at_most=1)


class Drifting(Plan):
    """A clock that is days off, read half a minute after the others: two of five sessions were renewed in between."""

    def status(self, one: Box, other: Box) -> Doc:
        held = super().status(one, other)
        if one.skew:
            late = 121 if other.name in {"cp-1", "w-1"} else 0
            held["lastHandshakeTime"] = when(NOW - 150 + late + one.skew)
            held["receiveBytes"] += 9000
        elif any(box.skew for box in self.boxes if box is other):
            held["lastHandshakeTime"] = when(NOW - 150)
        return held


@fault
def m05_clock_days_ahead_read_a_little_later() -> Known:
    boxes = rack(3)
    boxes[-1].skew, boxes[-1].read = 3 * DAY_S, 35
    return Known(Drifting(boxes=boxes), ("clock-skew",), ("w-3", "3 d"), at_most=1)


class Apart(Plan):
    """A node that discovery lists like all others, with nothing for the mesh."""

    def knows(self, one: Box, other: Box) -> bool:
        return one is not other if other.config.get("enabled") is False else super().knows(one, other)


@fault
def m06_off_at_a_node_that_was_not_read() -> Known:
    boxes = rack(3)
    boxes[-1].config, boxes[-1].missing = {"enabled": False}, True
    return Known(Apart(boxes=boxes), ("kubespan-disabled",), ("w-3", "takes no part in the mesh"), at_most=1)


@fault
def m07_discovery_off_and_no_settings() -> Known:
    """It has a tunnel and not even an entry of its own: it takes part, and hears of nobody."""
    boxes = rack(3)
    pairs = {pair for other in boxes[:-1] for pair in (("w-3", other.name), (other.name, "w-3"))}
    plan = Plan(
        boxes=boxes, unheard=pairs, drop={"*": SETTINGS, "w-3": (*SETTINGS, "Affiliates.cluster.talos.dev", "Members.cluster.talos.dev")}
    )
    return Known(plan, ("discovery-unreachable", "discovery-disabled"), ("w-3",), at_most=1)


class Booted(Plan):
    """A box that was booted 7 min ago and read last: its sessions began together, and were renewed together before that."""

    def status(self, one: Box, other: Box) -> Doc:
        held = super().status(one, other)
        if one.rebooted:
            held |= {"lastHandshakeTime": when(NOW + 60), "receiveBytes": 52_000, "transmitBytes": 48_000}
        elif other.rebooted:
            held["lastHandshakeTime"] = when(NOW - 65)
        return held


@fine
def m08_booted_and_read_last() -> Plan:
    boxes = rack(4)
    boxes[-1].rebooted, boxes[-1].read = 420, 105
    return Booted(boxes=boxes)


@fine
def m09_bypass_and_no_statuses() -> Plan:
    """Only peers that are up belong in the packet filter's sets; who they are was not read."""
    boxes = rack(2)
    for box in boxes:
        box.config = {"forceRouting": False}
    return Plan(boxes=boxes, drop={"cp-2": ("KubeSpanPeerStatuses.kubespan.talos.dev",)})

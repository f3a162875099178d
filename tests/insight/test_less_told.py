"""What other data tell where those that a cause was first known by are redacted or missing."""

from __future__ import annotations

from tests.insight.blueprint import Box, Doc, Plan, when
from tests.insight.blueprint_documents import affiliate
from tests.insight.blueprint_kinds import NEVER, Known, clouds, flat, names, rack

from .test_variations import SETTINGS, told


def rules(plan: Plan, *names: str) -> list[str]:
    """The rules of what is found; the first must name some nodes."""
    found = told(Known(plan))
    assert not found or all(name in found[0][1] for name in names), found
    return [rule for rule, _ in found]


class Keyless(Plan):
    """The last machine has no key: nobody has it as a peer, nor it anybody; its link stays."""

    def knows(self, one: Box, other: Box) -> bool:
        return super().knows(one, other) and self.boxes[-1] not in (one, other)


def keyless() -> Keyless:
    plan = Keyless(boxes=rack(3))
    odd, kind = plan.boxes[-1], "Affiliates.cluster.talos.dev"
    entries = {box.name: affiliate(plan, box) for box in plan.boxes}
    del entries[odd.name]["kubespan"]
    for box in plan.boxes:
        box.files[kind] = [_held(kind, each["nodeId"], each) for each in entries.values()]
    for each in ("KubeSpanIdentities", "KubeSpanPeerSpecs", "KubeSpanPeerStatuses"):
        odd.files[f"{each}.kubespan.talos.dev"] = []
    odd.files["NfTablesChains.net.talos.dev"] = []
    return plan


def _held(kind: str, id_: str, spec: Doc) -> Doc:
    made = when(1_795_000_000)
    namespace = "network" if kind.endswith(".net.talos.dev") else "cluster"
    return {"metadata": {"namespace": namespace, "type": kind, "id": id_, "version": 1, "created": made, "updated": made}, "spec": spec}


def test_no_identity_shows_by_the_link_that_stays() -> None:
    plan = keyless()
    assert rules(plan, "w-3") == ["no-identity"]
    plan.drop["*"] = SETTINGS
    assert rules(plan, "w-3") == ["no-identity"]


def test_without_its_link_kubespan_is_off() -> None:
    plan = keyless()
    plan.drop["*"] = SETTINGS
    plan.of("w-3").config = {"device": False}
    assert rules(plan, "w-3") == ["kubespan-disabled"]


def test_a_clock_that_is_behind_since_a_reboot_shows_without_time_statuses() -> None:
    """It has had no handshake for as long by its clock as the others have had none with it by theirs."""
    boxes = [*clouds(1), flat("w-home", 1)]
    boxes[-1].rebooted, boxes[-1].skew = 2400, -86_400.0
    plan = Replayed(boxes=boxes)
    plan.drop["*"] = ("TimeStatuses.v1alpha1.talos.dev",)
    assert rules(plan, "w-home") == ["clock-skew"]


def test_an_old_report_of_another_outage_is_no_clock() -> None:
    boxes = [*clouds(1), flat("w-home", 1)]
    boxes[-1].rebooted, boxes[-1].skew = 300, -86_400.0
    plan = Replayed(boxes=boxes)
    plan.drop["*"] = ("TimeStatuses.v1alpha1.talos.dev",)
    assert "clock-skew" not in rules(plan, "w-home")


class Replayed(Plan):
    """The last machine was booted, and its handshakes have been refused since 2700 s."""

    def status(self, one: Box, other: Box) -> Doc:
        odd = self.boxes[-1]
        if odd not in (one, other):
            return super().status(one, other)
        self.split([odd.name], [box.name for box in self.boxes if box is not odd], 2700)
        made = super().status(one, other)
        return made | ({"lastHandshakeTime": "0001-01-01T00:00:00Z", "receiveBytes": 0, "state": "down"} if one is odd else {})


def test_several_with_another_secret_that_reach_each_other() -> None:
    plan = Plan(boxes=rack(4))
    odd = ["w-3", "w-4"]
    plan.refused = {pair for one in odd for other in names(plan.boxes) if other not in odd for pair in ((one, other), (other, one))}
    plan.drop["*"] = SETTINGS
    assert rules(plan, *odd) == ["secret-differs"]


def test_a_split_is_no_secret() -> None:
    plan = Plan(boxes=rack(4)).split(["w-3", "w-4"], ["cp-1", "cp-2", "cp-3", "w-1", "w-2"], NEVER)
    plan.drop["*"] = SETTINGS
    assert rules(plan) == ["mesh-split"]


def test_announced_pod_networks_show_without_settings() -> None:
    plan = Plan(boxes=rack(2))
    for number, box in enumerate(plan.boxes):
        box.networks = (f"10.244.{number}.0/24",)
        kind = "LinkStatuses.net.talos.dev"
        box.files[kind] = [_held(kind, "cilium_host", {"type": "ether", "kind": "veth", "mtu": 1500, "operationalState": "up"})]
    plan.drop["*"] = SETTINGS
    assert rules(plan) == ["advertised-networks"]


def test_a_missing_rule_shows_without_settings() -> None:
    plan = Plan(boxes=rack(2, version="v1.14.0"))
    kind = "RoutingRuleStatuses.net.talos.dev"
    main = {"family": "inet4", "table": "main", "priority": 32766, "action": "unicast"}
    mesh = {"family": "inet4", "table": "180", "priority": 32500, "action": "unicast", "fwMark": 64, "fwMask": 96}
    for box in plan.boxes:
        listed = {"inet4/32766": main} | ({} if box.name == "w-2" else {"inet4/32500": mesh})
        box.files[kind] = [_held(kind, id_, {**rule, "src": "", "dst": ""}) for id_, rule in listed.items()]
    assert rules(plan, "w-2") == ["routing-missing"]
    plan.drop["*"] = SETTINGS
    assert rules(plan, "w-2") == ["routing-missing"]

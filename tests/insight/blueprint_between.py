"""Plans in which two places lose each other while others reach both, and what releases leave out of their sets."""

from __future__ import annotations

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import NEVER, Known, clouds, fault, fine, names, rack


def _sites() -> tuple[list[Box], list[Box], list[Box]]:
    there = [Box(name=f"edge-{n}", ip=f"10.8.0.{n}", site="a") for n in (1, 2, 3)]
    return rack(2), there, [Box(name=f"cloud-{n}", ip=f"91.7.{n}.2", bits=32, site="a") for n in (1, 2)]


@fault
def j01_two_sites_while_a_third_reaches_both() -> Known:
    here, there, third = _sites()
    plan = Plan(boxes=[*here, *there, *third]).split(names(here), names(there), 1500)
    return Known(plan, ("path-blocked",), ("cp-1", "w-2", "edge-1", "edge-3", "15 links"), at_most=1)


@fault
def j02_two_sites_in_one_direction() -> Known:
    here, there, third = _sites()
    plan = Plan(boxes=[*here, *there, *third]).split(names(here), names(there), 1500, back=False)
    return Known(plan, ("path-blocked",), ("edge-1", "edge-3", "while the other direction works"), at_most=1)


@fault
def j03_an_office_that_reaches_some_clouds_only() -> Known:
    """It must call all of them: what the lost ones have in common is the office."""
    office = [Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="o", wan="62.1.2.3") for n in (1, 2)]
    far, near = clouds(1), [Box(name=f"near-{n}", ip=f"150.{n}.9.3", bits=32, site=f"n{n}") for n in (1, 2)]
    plan = Plan(boxes=[*far, *near, *office]).split(names(far), names(office), 1200)
    return Known(plan, ("path-blocked",), ("office-1", "office-2", "cp-1", "w-1"), at_most=1)


@fault
def j04_the_same_since_ever() -> Known:
    office = [Box(name=f"office-{n}", ip=f"10.9.0.{n}", site="o", wan="62.1.2.3") for n in (1, 2)]
    far, near = clouds(1), [Box(name=f"near-{n}", ip=f"150.{n}.9.3", bits=32, site=f"n{n}") for n in (1, 2)]
    plan = Plan(boxes=[*far, *near, *office]).split(names(far), names(office), NEVER)
    return Known(plan, ("endpoint-unreachable", "path-blocked"), ("office-1", "office-2", "cp-1", "w-1"), at_most=1)


@fine
def j05_pods_at_addresses_like_the_mesh() -> Plan:
    """From Talos 1.13 on a set leaves out what lies at a KubeSpan address of any cluster, `fd00:10:244:2::` too."""
    boxes = rack(3)
    for n, box in enumerate(boxes):
        box.version, box.config = "v1.13.1", {"advertiseKubernetesNetworks": True}
        box.networks = (f"10.244.{n}.0/24", f"fd00:10:244:{n}::/64")
    return Plan(boxes=boxes)

"""Two things wrong at once, far from each other: both are named, the one nearer to the source first, and nothing beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.insight.blueprint import Box, Plan
from tests.insight.blueprint_kinds import Known, rack
from tests.insight.test_variations import told


class Wrong(NamedTuple):
    """One fault of one machine.

    Attributes:
        rule: by which it is named.
        do: does it to a plan and its machine.
        rank: the larger, the later it is told: errors before warnings, then what others follow from first.
    """

    rule: str
    do: Callable[[Plan, Box], None]
    rank: int


def _others(plan: Plan, box: Box) -> list[str]:
    return [other.name for other in plan.boxes if other is not box]


def _off(plan: Plan, box: Box) -> None:
    box.missing = True
    plan.split([box.name], _others(plan, box), 700)


def _isolated(plan: Plan, box: Box) -> None:
    plan.split([box.name], _others(plan, box), 700)


def _cut_from_one(plan: Plan, box: Box) -> None:
    plan.split([box.name], ["cp-1"], 1500)


def _disabled(plan: Plan, box: Box) -> None:
    box.config = {"enabled": False}


def _secret(_plan: Plan, box: Box) -> None:
    box.secret = "other"


def _cluster(_plan: Plan, box: Box) -> None:
    box.cluster = box.secret = "other"


def _service(_plan: Plan, box: Box) -> None:
    box.discovery = {"serviceEndpoint": "disco.example.net:443"}


def _mtu(_plan: Plan, box: Box) -> None:
    box.mtu = 1380


def _clock(_plan: Plan, box: Box) -> None:
    box.skew, box.synced = -1800, False


def _route(_plan: Plan, box: Box) -> None:
    box.networks = ("0.0.0.0/0",)


def _silent_discovery(plan: Plan, box: Box) -> None:
    plan.unheard |= {(box.name, other) for other in _others(plan, box)} | {(other, box.name) for other in _others(plan, box)}


WRONGS = {
    "off": Wrong("node-silent", _off, 4),
    "isolated": Wrong("node-isolated", _isolated, 4),
    "cut": Wrong("path-blocked", _cut_from_one, 5),
    "kubespan off": Wrong("kubespan-disabled", _disabled, 7),
    "secret": Wrong("secret-differs", _secret, 0),
    "cluster": Wrong("different-clusters", _cluster, 0),
    "service": Wrong("discovery-service-differs", _service, 0),
    "mtu": Wrong("mtu-differs", _mtu, 8),
    "clock": Wrong("clock-skew", _clock, 0),
    "default route": Wrong("default-route-announced", _route, 6),
    "discovery": Wrong("discovery-unreachable", _silent_discovery, 1),
}


def two(first: str, second: str) -> Known:
    plan = Plan(boxes=rack(6))
    for name, box in ((first, "w-2"), (second, "w-5")):
        WRONGS[name].do(plan, plan.of(box))
    return Known(plan)


@pytest.mark.parametrize("first", WRONGS)
def test_both_are_named(first: str) -> None:
    wrong = {}
    for second in list(WRONGS)[list(WRONGS).index(first) + 1 :]:
        found = told(two(first, second))
        by_rule = dict(found)
        expected = sorted((WRONGS[first], WRONGS[second]), key=lambda each: each.rank)
        right = len(found) == len(by_rule) == 2 and by_rule.keys() == {each.rule for each in expected}
        if expected[0].rank < expected[1].rank:
            right = right and found[0][0] == expected[0].rule
        if not right or "w-2" not in by_rule[WRONGS[first].rule] or "w-5" not in by_rule[WRONGS[second].rule]:
            wrong[second] = [rule for rule, _ in found]
    assert wrong == {}

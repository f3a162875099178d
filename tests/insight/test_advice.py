"""Advice is safe: what may cost a node or a cluster is said with the condition under which it is safe, and its cost."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache

import attrs
import pytest

from talos_resources.insight.doctor import examine
from talos_resources.model.finding import Finding
from tests.insight.truths import TRUTHS

DANGERS = {
    r"kubectl delete|talosctl .*remove-member": r"only when the machine is known to be gone",
    r"remove-member": r"etcd status|if it is a control plane",
    r"\breset\b|\bwip(e|ing)\b": r"(?s)machine configuration.*control plane",
    r"Kubernetes registry off|registry.* false": r"switch the service registry on first",
    r"allowDownPeerBypass( to false| off)": r"while all links are up|stops until they are up",
}
"""What is advised → what must be said beside it."""
MUST = {"duplicate-key", "node-silent", "kubernetes-registry", "down-peer-bypass"}
"""Rules whose advice has such a danger; so the test looks at something."""


@cache
def findings() -> tuple[Finding, ...]:
    worlds = (make(random.Random(f"{name}/0"), 0).world for name, make in TRUTHS.items())  # no secret
    return tuple(finding for world in worlds for finding in examine(world.snapshot()).findings)


def unsafe(finding: Finding) -> list[str]:
    text = "\n".join([finding.advice, *finding.steps])
    return [f"{finding.rule}: {danger}" for danger, beside in DANGERS.items() if _has(danger, finding) and not re.search(beside, text)]


def _has(danger: str, finding: Finding) -> bool:
    # A clone is reset, not removed for good: its own condition is asked of it below.
    if danger.startswith("kubectl") and finding.rule == "duplicate-key":
        return False
    return bool(re.search(danger, "\n".join([finding.advice, *finding.steps])))


def test_advice_says_when_it_is_safe() -> None:
    every = findings()
    dangerous = {finding.rule for finding in every if any(_has(danger, finding) for danger in DANGERS)}
    assert dangerous >= MUST
    assert [line for finding in every for line in unsafe(finding)] == []


TAKES_DOWN = re.compile(r"(?<!no-)\breboot|\breset\b|restart KubeSpan")


def planes_only() -> Iterator[tuple[str, Finding]]:
    """What is found where all nodes are control planes."""
    for name, make in TRUTHS.items():
        world = make(random.Random(f"{name}/0"), 0).world  # no secret
        for machine in world.machines:
            machine.control = True
        yield from ((name, finding) for finding in examine(world.snapshot()).findings)


def test_a_control_plane_is_rebooted_with_a_look_at_the_quorum() -> None:
    found = [(name, finding) for name, finding in planes_only() if TAKES_DOWN.search("\n".join([finding.advice, *finding.steps]))]
    assert {finding.rule for _, finding in found} >= {"duplicate-key", "spec-without-status", "routing-missing", "chain-mismatch"}
    without = [(name, finding.rule) for name, finding in found if "etcd status" not in "\n".join(finding.steps)]
    assert without == []
    # A worker is rebooted without.
    workers = [finding for finding in findings() if finding.rule == "spec-without-status"]
    assert workers
    assert not any("etcd" in step for finding in workers for step in finding.steps)


@pytest.mark.parametrize("word", ["delete", "wipe", "reset", "remove-member"])
def test_a_dangerous_word_without_its_condition_is_found(word: str) -> None:
    """The test above can fail: the same advice without what stands beside it."""
    bare = {
        "delete": "kubectl delete node w-1",
        "wipe": "wipe STATE",
        "reset": "talosctl reset",
        "remove-member": "talosctl etcd remove-member 1",
    }
    made = next(finding for finding in findings() if finding.rule == "mtu-differs")
    assert unsafe(attrs.evolve(made, advice=bare[word], steps=()))

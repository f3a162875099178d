"""Lines of the controllers' log as evidence: each beside the cause that it concerns, and where settings are redacted as the sign."""

from __future__ import annotations

import random
import re

import attrs
import pytest

from talos_resources.insight.causes import causes
from talos_resources.insight.doctor import examine
from talos_resources.insight.facts.log_lines import TELLINGS
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.finding import Finding, Severity
from talos_resources.sources.logs import known_lines

from .truth_kinds import cloud, lan
from .truths import TRUTHS
from .worlds import World

DIAL = 'ERROR hello failed {"controller": "cluster.DiscoveryServiceController", "error": "dial tcp 1.2.3.4:443: i/o timeout"}'
SEALED = (
    'WARN failed to decrypt affiliate data {"controller": "cluster.DiscoveryServiceController", "error": "message authentication failed"}'
)
DENIED = (
    'WARN kubernetes registry node watch error {"controller": "cluster.KubernetesPullController", '
    '"error": "nodes is forbidden: User \\"system:node:w-1\\" cannot list resource"}'
)
LINES = {
    "discovery-unreachable": DIAL,
    "clock-skew": 'ERROR error querying server {"controller": "time.SyncController", "error": "no response from NTP server"}',
    "no-identity": 'ERROR controller failed {"controller": "kubespan.IdentityController", "error": "failed to parse MAC"}',
    "spec-without-status": 'ERROR controller failed {"controller": "kubespan.ManagerController", "error": "error creating wireguard client"}',
    "overlapping-networks": 'WARN peer address overlap {"controller": "kubespan.PeerSpecController", "this_ips": ["10.0.0.0-10.0.0.1"]}',
    "kubernetes-registry": DENIED,
    "secret-differs": SEALED,
    "routing-missing": 'ERROR controller failed {"controller": "network.RouteSpecController", "error": "error adding route: invalid"}',
}
WORLDS = {
    "discovery-unreachable": "cannot-reach-discovery",
    "clock-skew": "clock-off-while-up",
    "no-identity": "no-identity",
    "spec-without-status": "no-device",
    "kubernetes-registry": "only-the-kubernetes-registry",
    "secret-differs": "secret-differs",
}


def first(snapshot: Snapshot) -> Finding:
    return next(finding for finding in examine(snapshot).findings if finding.severity is not Severity.NOTE)


def with_log(snapshot: Snapshot, log: str) -> Snapshot:
    return attrs.evolve(snapshot, views=tuple(attrs.evolve(view, log=known_lines(log)) for view in snapshot.views))


@pytest.mark.parametrize("rule", WORLDS)
def test_the_line_stands_beside_its_cause(rule: str) -> None:
    world = TRUTHS[WORLDS[rule]](random.Random(rule), 1).world  # no secret
    lines = [line for line in LINES.values() if line != SEALED or rule == "secret-differs"]
    finding = first(with_log(world.snapshot(), "\n".join(f"2026-11-29T02:57:04Z {line}" for line in lines)))
    assert finding.rule == rule
    told = [line for line in finding.evidence if "controller-runtime: " in line]
    assert told
    patterns = [telling.pattern for telling in TELLINGS if rule in telling.causes]
    assert all(any(pattern.search(line) for pattern in patterns) for line in told)
    assert any(LINES[rule] in line for line in told)


def test_every_line_is_of_a_cause_that_there_is() -> None:
    names = {cause.name for cause in causes()}
    assert [name for telling in TELLINGS for name in telling.causes if name not in names] == []
    assert all(known_lines(line) for line in LINES.values())


def test_old_lines_of_a_healthy_cluster_say_nothing() -> None:
    world = World(machines=cloud(random.Random(3), 5))  # no secret
    snapshot = with_log(world.snapshot(), "\n".join(LINES.values()))
    assert [finding.title for finding in examine(snapshot).findings] == []


def _redacted(view: NodeView) -> NodeView:
    hidden = dict.fromkeys(("KubeSpanConfigs.kubespan.talos.dev", "DiscoveryConfigs.cluster.talos.dev"), "it is redacted")
    return attrs.evolve(view, config=None, discovery=None, secret="", services=None, unreadable=hidden)


@pytest.mark.parametrize(("line", "rule"), [(SEALED, "secret-differs"), (DENIED, "kubernetes-registry"), (DIAL, "discovery-unreachable")])
def test_the_log_decides_where_settings_are_redacted(line: str, rule: str) -> None:
    machines = lan(random.Random(1), 5)  # no secret
    machines[-1].secret = "another"
    views = [_redacted(view) for view in World(machines=machines).snapshot().views]
    views[-1] = attrs.evolve(views[-1], log=known_lines(line))
    finding = first(Snapshot(views=tuple(views)))
    assert finding.rule == rule
    assert machines[-1].name in finding.title
    assert any(re.search("controller-runtime", text) for text in finding.evidence)

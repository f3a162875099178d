"""What the doctor says of snapshots."""

from __future__ import annotations

from talos_resources.insight.doctor import Diagnosis, examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.sources.snapshots import view_of
from tests.insight.scenes import scene

HEALTHY_S = 300.0


def healthy() -> Snapshot:
    return scene("mesh", duration_s=HEALTHY_S)


def names(snapshot: Snapshot) -> list[str]:
    return [finding.rule for finding in examine(snapshot).findings]


def only(snapshot: Snapshot, rule: str, *title: str) -> Diagnosis:
    """The one finding is of this rule, and its title has these words."""
    diagnosis = examine(snapshot)
    assert [finding.rule for finding in diagnosis.findings] == [rule], diagnosis.findings
    for words in title:
        assert words in diagnosis.findings[0].title
    return diagnosis


def text(diagnosis: Diagnosis) -> str:
    finding = diagnosis.findings[0]
    return "\n".join([finding.title, *finding.evidence, finding.cause, finding.advice])


def taken(cluster: SimulatedCluster) -> Snapshot:
    return Snapshot(views=tuple(view_of(node.state, node.settings.name, full=True) for node in cluster.nodes.values()))

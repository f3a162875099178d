"""What the guide warns of in machine configurations."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Cause, Hypothesis, Tier
from talos_resources.model.finding import Finding, Severity


def _check(case: Case) -> Iterator[Finding]:
    """The rules of `cilium check`: kube-proxy, inline manifests, control planes that differ, and more."""
    if not case.snapshot.configs:
        return
    # A third of what the command loads, and most questions come without a configuration.
    from talos_resources.machineconfig.cilium import check as cilium
    from talos_resources.machineconfig.cilium.subject import Subject, machine_file

    machines = tuple(machine_file(config, source=name) for name, config in case.snapshot.configs)
    assumed = any(view.cni == "Cilium" for view in case.views.values())
    yield from cilium.check(Subject(machines=machines, assume_cilium=assumed))


def _nothing(_case: Case) -> Iterator[Hypothesis]:
    yield from ()


machine_configuration = Cause(
    name="machine-configuration",
    about="what the guide warns of in machine configurations",
    severity=Severity.ERROR,
    tier=Tier.STATE,
    needs="machine configurations given with --config",
    predicts="findings with the names of `cilium check`",
    guide="Deploying Cilium CNI",
    propose=_nothing,
    direct=_check,
)

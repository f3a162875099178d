"""Tunnels of different sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from talos_resources.insight.causes.mtu import tunnel_mtu
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, verb
from talos_resources.model.finding import Severity


@cause(
    "mtu-differs",
    "the tunnels of some nodes have another MTU",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="KubeSpanConfigs or LinkStatuses of at least two nodes",
    predicts="large packets get lost in one direction",
    guide=CONFIGURATION_GUIDE,
)
def mtu_differs(case: Case) -> Iterator[Hypothesis]:
    """One finding for all of them: those that differ from most."""
    by_mtu: dict[int, list[int]] = {}
    for index, view in case.life.fresh.items():
        mtu = tunnel_mtu(view)
        if mtu is not None and case.life.takes_part(index):
            by_mtu.setdefault(mtu, []).append(index)
    yield from _files(case, by_mtu)
    if len(by_mtu) < 2:
        return
    usual = Counter({mtu: len(indexes) for mtu, indexes in by_mtu.items()}).most_common(1)[0][0]
    odd = sorted(index for mtu, indexes in by_mtu.items() if mtu != usual for index in indexes)
    yield Hypothesis(
        title=f"{case.names(odd)} {verb(len(odd), 'has', 'have')} another MTU than the other nodes' {usual}",
        evidence=lambda: limited(f"MTU {mtu}: {case.names(indexes)}" for mtu, indexes in sorted(by_mtu.items())),
        why="The larger packets of the others do not fit; TCP adapts (MSS clamping), UDP and large answers may get lost.",
        advice=f"set machine.network.kubespan.mtu to {min(by_mtu)} on all nodes, or to {usual} on {case.names(odd)} if their "
        f"network carries it",
        steps=(f"talosctl -n {case.asked(odd[0])} get links kubespan", f"talosctl -n {case.asked(odd[0])} edit mc"),
        after="`talosctl get links kubespan` shows one MTU everywhere",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def _files(case: Case, by_mtu: Mapping[int, list[int]]) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name, settings in joining(case).items():
        if settings.kubespan.enabled and len(by_mtu) == 1 and settings.kubespan.mtu not in by_mtu:
            yield differs(
                f"{name} has another MTU than the nodes' {min(by_mtu)}",
                f"{name}: KubeSpan's MTU is {settings.kubespan.mtu}",
                why="The larger packets do not fit the smaller tunnels; TCP adapts, UDP and large answers may get lost.",
                advice=f"set the same MTU in {name} as on the nodes",
            )

"""Sizes of packets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from talos_resources.insight.case import Case, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.insight.snapshot import NodeView
from talos_resources.kubespan.constants import MINIMUM_MTU
from talos_resources.machineconfig.kubespan_patch import WIREGUARD_OVERHEAD
from talos_resources.model.finding import Finding, Severity

CONFIGURATION = "KubeSpan, Configuration"


def _mtu(view: NodeView) -> int | None:
    """The MTU of the tunnel: that of the link if it shows, else what is configured."""
    if view.tunnel_mtu:
        return view.tunnel_mtu
    return view.config.mtu or None if view.config is not None and view.config.enabled else None


@rule("mtu-too-large", "the tunnel's MTU does not fit the network below", severity=Severity.ERROR, guide=CONFIGURATION)
def mtu_too_large(case: Case, this: Rule) -> Iterator[Finding]:
    """KubeSpan's MTU is that of the network below less 80."""
    for index, view in case.fresh.items():
        mtu = _mtu(view)
        if mtu is None or not view.links:
            continue
        link = min(view.links, key=lambda name: view.links[name])
        fitting = view.links[link] - WIREGUARD_OVERHEAD
        if mtu <= fitting:
            continue
        advice = f"set machine.network.kubespan.mtu to {fitting}"
        yield this.found(
            f"{case.name(index)}: KubeSpan's MTU of {mtu} does not fit {link}, whose MTU is {view.links[link]}",
            evidence=limited([f"{link}: {view.links[link]} - {WIREGUARD_OVERHEAD} = {fitting}", f"kubespan: {mtu}"]),
            cause=f"WireGuard adds {WIREGUARD_OVERHEAD} bytes: small packets pass, full ones are fragmented or lost.",
            advice=advice if fitting >= MINIMUM_MTU else f"raise the MTU of {link} to {MINIMUM_MTU + WIREGUARD_OVERHEAD} or more",
        )


@rule("mtu-differs", "the tunnels of some nodes have another MTU", severity=Severity.WARNING, guide=CONFIGURATION)
def mtu_differs(case: Case, this: Rule) -> Iterator[Finding]:
    """One finding for all of them: those that differ from most."""
    by_mtu: dict[int, list[int]] = {}
    for index, view in case.fresh.items():
        mtu = _mtu(view)
        if mtu is not None:
            by_mtu.setdefault(mtu, []).append(index)
    if len(by_mtu) < 2:
        return
    usual = Counter({mtu: len(indexes) for mtu, indexes in by_mtu.items()}).most_common(1)[0][0]
    odd = [index for mtu, indexes in by_mtu.items() if mtu != usual for index in indexes]
    yield this.found(
        f"{case.names(odd)} {'has' if len(odd) == 1 else 'have'} another MTU than the other nodes' {usual}",
        evidence=limited(f"MTU {mtu}: {case.names(indexes)}" for mtu, indexes in sorted(by_mtu.items())),
        cause="The larger packets of the others do not fit; TCP adapts (MSS clamping), UDP and large answers may get lost.",
        advice=f"set machine.network.kubespan.mtu to {min(by_mtu)} on all nodes, or to {usual} on these if their network carries it",
    )

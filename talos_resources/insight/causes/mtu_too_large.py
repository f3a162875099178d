"""A tunnel that does not fit the network below."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.mtu import OVERHEAD, family_in_use, tunnel_mtu
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited
from talos_resources.kubespan.constants import MINIMUM_MTU


@cause(
    "mtu-too-large",
    "the tunnel's MTU does not fit the network below",
    tier=Tier.STATE,
    needs="LinkStatuses: the tunnel's link and those below it",
    predicts="small packets pass, full ones are fragmented or lost",
    against="the links below carry the tunnel's MTU with 60 bytes more over IPv4, 80 over IPv6",
    guide=CONFIGURATION_GUIDE,
)
def mtu_too_large(case: Case) -> Iterator[Hypothesis]:
    """One finding for all nodes."""
    found: dict[tuple[int, str, int, int], list[int]] = {}
    for index, view in case.life.fresh.items():
        mtu = tunnel_mtu(view)
        if mtu is None or not view.links or not case.life.takes_part(index):
            continue
        link = min(view.links, key=lambda name: view.links[name])
        family = family_in_use(case, index)
        if mtu > view.links[link] - OVERHEAD[family]:
            found.setdefault((mtu, link, view.links[link], family), []).append(index)
    if not found:
        return
    (mtu, link, size, family), _ = min(found.items(), key=lambda item: item[0][2] - OVERHEAD[item[0][3]])
    every, fitting = sorted(index for indexes in found.values() for index in indexes), size - OVERHEAD[family]
    yield Hypothesis(
        title=f"{case.names(every)}: KubeSpan's MTU of {mtu} does not fit {link}, whose MTU is {size}",
        evidence=lambda: limited(
            f"{case.names(indexes)}: {name} {below} - {OVERHEAD[version]} (WireGuard over IPv{version}) = {below - OVERHEAD[version]}, "
            f"kubespan {above}"
            for (above, name, below, version), indexes in found.items()
        ),
        why=f"WireGuard adds {OVERHEAD[family]} bytes: small packets pass, full ones are fragmented or lost, though all links are up.",
        advice=f"set machine.network.kubespan.mtu to {fitting} on all nodes"
        if fitting >= MINIMUM_MTU
        else f"raise the MTU of {link} to {MINIMUM_MTU + OVERHEAD[family]} or more",
        steps=(f"talosctl -n {case.asked(every[0])} get links kubespan {link}", f"talosctl -n {case.asked(every[0])} edit mc"),
        after=f"`talosctl get links kubespan` shows an MTU of {fitting} or less, and pings of that size pass",
        certainty=Certainty.CERTAIN,
        stands=True,
    )

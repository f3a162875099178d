"""KubeSpan is on, and the node has no identity."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import IDENTITIES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import verb


@cause(
    "no-identity",
    "KubeSpan is on and the node has no identity",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs and KubeSpanIdentities of the node; or, where settings are redacted, its links",
    predicts="it announces nothing for the mesh, has no tunnel, and nobody has it as a peer",
    against="the identity is there, or only redacted; somebody knows its key",
    guide=IDENTITIES_GUIDE,
)
def no_identity(case: Case) -> Iterator[Hypothesis]:
    """Without a key there is nothing to announce."""
    read = [index for index in case.life.fresh if _lacks(case, index)]
    found = read or [index for index in case.life.fresh if _seems_to_lack(case, index)]
    if not found:
        return
    own = [pair for pair in case.pairs.faulty if not set(found).isdisjoint(pair)]
    first = case.asked(found[0])
    yield Hypothesis(
        title=f"{case.names(found)} {verb(len(found), 'has', 'have')} KubeSpan on but no KubeSpan identity",
        explains=links(own),
        evidence=lambda: (
            "KubeSpanConfigs: enabled is true; KubeSpanIdentities is empty"
            if read
            else "the kubespan link is there, which goes when KubeSpan is switched off; KubeSpanConfigs could not be read",
            f"{verb(len(found), 'it announces', 'they announce')} no key and no endpoint for the mesh",
        ),
        why="The identity is made once the cluster id and the hardware address are known, and kept on the STATE partition; "
        "its controller waits or fails.",
        advice=f"look why in the log of {case.names(found)}",
        steps=(
            f"talosctl -n {first} logs controller-runtime | grep kubespan",
            f"talosctl -n {first} get hardwareaddresses,volumestatus",
        ),
        after="`talosctl get kubespanidentities` shows it, and the others list the node within a minute",
        certainty=Certainty.CERTAIN if read else Certainty.LIKELY,
        decide="" if read else "`talosctl get kubespanconfigs`: enabled is true",
        stands=True,
    )


def _lacks(case: Case, index: int) -> bool:
    config = case.life.fresh[index].config
    return config is not None and config.enabled and _has_none(case, index)


def _seems_to_lack(case: Case, index: int) -> bool:
    """Its settings were not read, but its tunnel shows that KubeSpan is on, and what it announces that it has no key."""
    view, affiliate = case.life.fresh[index], case.affiliate_of.get(index)
    return (
        view.config is None and view.devices is not None and "kubespan" in view.devices and affiliate is not None and _has_none(case, index)
    )


def _has_none(case: Case, index: int) -> bool:
    view, affiliate = case.life.fresh[index], case.affiliate_of.get(index)
    return (
        view.public_key is None
        and not any("KubeSpanIdentities" in name for name in view.unreadable)
        and (affiliate is None or affiliate.kubespan is None)
        and not view.statuses
        and not case.nodes[index].public_key
    )

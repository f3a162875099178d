"""KubeSpan is off on some nodes."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import NAMED, S_NS
from talos_resources.insight.facts.life import SETTLING_S
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import some, verb
from talos_resources.model.finding import Severity
from talos_resources.model.net import format_address
from talos_resources.resources import Affiliate


@cause(
    "kubespan-disabled",
    "KubeSpan is off on some nodes",
    severity=Severity.WARNING,
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs of at least two nodes; or, where they are redacted, what the nodes announce",
    predicts="the node announces nothing for the mesh and has no peers, while others mesh",
    against="KubeSpan is off everywhere: that is a choice",
    guide=ENABLING_GUIDE,
)
def kubespan_disabled(case: Case) -> Iterator[Hypothesis]:
    """A mesh is of all nodes."""
    off = [index for index, view in case.life.fresh.items() if view.config is not None and not view.config.enabled]
    on = [index for index in case.life.fresh if index not in off and case.life.takes_part(index)]
    unread = [] if off else [index for index in case.life.fresh if _looks_off(case, index)]
    found = off or unread
    apart = _apart(case) if on else {}
    yield from _files(case) if on else ()
    if apart:
        yield _announced_without(apart)
    if not on or not found:
        return
    yield Hypothesis(
        title=f"KubeSpan is off on {case.names(found)}, and on elsewhere",
        evidence=lambda: [
            f"KubeSpanConfigs: enabled is false on {len(off)} of {some(len(off) + len(on), 'node')}"
            if off
            else "it announces nothing for the mesh, has no KubeSpan identity and no peers; its settings could not be read"
        ],
        why=f"The others cannot reach {verb(len(found), 'this node', 'these nodes')} through the mesh, which "
        f"{verb(len(found), 'it is', 'they are')} no part of.",
        advice=f"set machine.network.kubespan.enabled to true on {case.names(found)}, or leave it so if that is meant",
        steps=(f"talosctl -n {case.asked(found[0])} get kubespanconfigs -o yaml",),
        after="the node appears among the kubespanpeerspecs of the others within a minute",
        certainty=Certainty.CERTAIN if off else Certainty.POSSIBLE,
        decide="" if off else "read `enabled` in its machine configuration",
        stands=True,
    )


def _apart(case: Case) -> dict[str, Affiliate]:
    """Name → entry of those that were not read and announce nothing for the mesh, of the others' lists that are old enough."""
    read = {view.node_id for view in case.snapshot.views} | {view.nodename for view in case.snapshot.views}
    found: dict[str, Affiliate] = {}
    for view in case.life.fresh.values():
        for held in view.affiliates:
            entry, age = held.spec, (view.as_of - held.metadata.created) / S_NS
            name = entry.nodename or entry.hostname or entry.node_id
            if entry.kubespan is None and read.isdisjoint({entry.node_id, entry.nodename}) and not view.as_of.is_zero and age > SETTLING_S:
                found[name] = entry
    return found


def _announced_without(apart: dict[str, Affiliate]) -> Hypothesis:
    many = len(apart)
    named = sorted(apart)[:NAMED]
    names = ", ".join(named) + (f" and {many - NAMED} more" if many > NAMED else "")
    address = next((address for address in apart[named[0]].addresses if address is not None), None)
    asked = named[0] if address is None else format_address(address)
    return Hypothesis(
        title=f"{names} {verb(many, 'takes', 'take')} no part in the mesh: KubeSpan is off there, or it has no identity",
        evidence=lambda: (
            f"discovery lists {names} without a key or an endpoint for the mesh, though others announce theirs",
            f"no data of {verb(many, 'this node', 'these nodes')} are here",
        ),
        why=f"The others cannot reach {verb(many, 'it', 'them')} through the mesh.",
        advice=f"look at KubeSpanConfigs and KubeSpanIdentities of {names}; leave it so if that is meant",
        steps=(f"talosctl -n {asked} get kubespanconfigs,kubespanidentities",),
        after="the node appears among the kubespanpeerspecs of the others within a minute",
        certainty=Certainty.LIKELY,
        decide="KubeSpanConfigs of the node: enabled is false, or it is true and KubeSpanIdentities is empty",
        stands=True,
    )


def _looks_off(case: Case, index: int) -> bool:
    view = case.life.fresh[index]
    affiliate = case.affiliate_of.get(index)
    return (
        view.config is None
        and view.is_whole
        and view.public_key is None
        and not view.statuses
        and not view.specs
        and not any("KubeSpanIdentities" in name for name in view.unreadable)
        and affiliate is not None
        and affiliate.kubespan is None
        and "kubespan" not in (view.devices or ())  # the link goes when it is switched off
    )


def _files(case: Case) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name in [name for name, settings in joining(case).items() if not settings.kubespan.enabled]:
        yield differs(
            f"KubeSpan is off in {name}, and on on the nodes",
            f"{name}: KubeSpan is not enabled",
            why="The others cannot reach a node that has this configuration through the mesh.",
            advice=f"set machine.network.kubespan.enabled to true in {name}, or leave it so if that is meant",
        )

"""Peers that WireGuard does not have."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.facts.life import SETTLING_S
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.words import limited, some, verb
from talos_resources.model.metadata import Phase
from talos_resources.resources import PeerState


@cause(
    "spec-without-status",
    "a peer is known but WireGuard does not have it",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanPeerSpecs and KubeSpanPeerStatuses of one node",
    predicts="the node has no handshake with these peers, nor they with it",
    against="such a peer has the node up: then the statuses were not read",
    guide=SPECS_GUIDE,
)
def spec_without_status(case: Case) -> Iterator[Hypothesis]:
    """The manager makes a status for each spec at once; without a tunnel it makes none."""
    for index, view in case.life.fresh.items():
        if not view.is_whole and not view.statuses:
            continue
        no_device = index in case.life.devices_missing
        lacking = _known(case, index) if no_device and not _has_link(case, index) else dict(_lacking(case, index))
        if not lacking or case.is_unread(index, "KubeSpanPeerStatuses"):
            continue
        peers = [case.index_of[key] for key in lacking if key in case.index_of]
        if not view.statuses and any(case.state(peer, index) is LinkState.UP for peer in peers):
            continue
        own = [pair for pair in case.pairs.of(index) if not set(peers).isdisjoint(pair)]
        name = case.name(index)
        yield Hypothesis(
            title=f"{name} has no WireGuard device: its {some(len(lacking), 'peer')} {verb(len(lacking), 'has', 'have')} no status"
            if no_device
            else f"{name} has {some(len(lacking), 'peer spec')} without a status",
            explains=links(own),
            evidence=lambda no_device=no_device, lacking=lacking: limited(  # type: ignore[misc]  # bound now, called later
                [*(["LinkStatuses have no link kubespan"] if no_device else []), *(f"{label} ({key})" for key, label in lacking.items())]
            ),
            why="The kubespan link does not exist, so nothing can be sent into the mesh."
            if no_device
            else "KubeSpan's manager has not taken them up: it fails, has no device, or waits for its identity.",
            advice=f"look why in the log of {name}; a reboot makes the link anew",
            steps=(
                f"talosctl -n {case.asked(index)} logs controller-runtime | grep kubespan",
                f"talosctl -n {case.asked(index)} get links kubespan",
            ),
            after="`talosctl get kubespanpeerstatuses` lists every peer within 30 s",
            certainty=Certainty.CERTAIN,
            stands=True,
            stops=(index,),
        )


def _has_link(case: Case, index: int) -> bool:
    """Whether the node has a peer up: then there is a device, whatever the list of links says."""
    return any(status.spec.state is PeerState.UP for status in case.life.fresh[index].statuses)


def _known(case: Case, index: int) -> dict[str, str]:
    """Key → name of the peers that a node should have; as discovery lists them, where no node's specs are in the data."""
    view = case.life.fresh[index]
    if view.specs or any(other.specs for other in case.views.values()):
        return {spec.id: spec.spec.label for spec in view.specs}
    others = (each.spec for each in view.affiliates if each.spec.kubespan is not None)
    own = case.nodes[index].public_key
    return {each.kubespan.public_key: each.nodename for each in others if each.kubespan and each.kubespan.public_key != own}


def _lacking(case: Case, index: int) -> Iterator[tuple[str, str]]:
    view = case.life.fresh[index]
    now = view.as_of if not view.as_of.is_zero else case.reference
    for spec in map(view.spec_of.__getitem__, sorted(view.spec_of.keys() - view.status_of.keys())):
        if spec.metadata.phase is Phase.RUNNING and (now - spec.metadata.created) / S_NS > SETTLING_S:
            yield spec.id, spec.spec.label

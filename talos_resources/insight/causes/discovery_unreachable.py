"""Nodes that do not hear, or are not heard, through discovery."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.outdated import outdated
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.log_lines import UNREACHED, says
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Symptom, Tier, cause, links, unheard
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.words import limited, some, verb


@cause(
    "discovery-unreachable",
    "a node neither hears nor is heard through discovery",
    tier=Tier.DISCOVERY,
    needs="Affiliates of the node and of others",
    predicts="it lists nobody, or what it lists is older than what others list; after 30 minutes nobody lists it",
    against="it lists the others as they are now, and they list it",
    guide=ENABLING_GUIDE,
)
def discovery_unreachable(case: Case) -> Iterator[Hypothesis]:
    """What it knows of others is out of date, or others have lost it."""
    deaf = sorted(case.life.unheard)
    if deaf:
        yield _deaf(case, deaf)
    if len(case.life.fresh) < 3:
        return
    stale = case.once(outdated)
    for index in case.life.fresh:
        lost_by = _lost_by(case, index)
        if index in case.life.unheard or not (stale.get(index) or lost_by):
            continue
        yield _outdated(case, index, stale.get(index, []), lost_by)


def _deaf(case: Case, deaf: list[int]) -> Hypothesis:
    own = [pair for pair in case.pairs.faulty if not set(deaf).isdisjoint(pair)]
    others = [index for index in case.life.fresh if index not in deaf]
    listing = sorted({other for index in deaf for other in case.life.listed_by(index) if other in others})
    explained: frozenset[Symptom] = links(own) | unheard(deaf)
    return Hypothesis(
        title=f"{case.names(deaf)} cannot reach the discovery service: {verb(len(deaf), 'it knows', 'they know')} nobody",
        explains=explained,
        evidence=lambda: limited(
            [
                f"{case.names(deaf)}: no affiliate but {verb(len(deaf), 'its', 'their')} own",
                f"{case.names(listing)} still list {verb(len(deaf), 'it', 'them')}: an entry lives 30 m after its last refresh"
                if listing
                else f"nobody lists {verb(len(deaf), 'it', 'them')}",
                *([] if others else ["no node knows another: the service itself, or what all have in common, is in question"]),
            ]
        ),
        why="Peers are found through discovery only. WireGuard is not the matter: nobody knows whom to send to.",
        advice=f"check from {case.names(deaf)} that {_service(case, deaf[0])} can be reached (TCP, with DNS, proxy and firewall)",
        steps=(
            f"talosctl -n {case.asked(deaf[0])} logs controller-runtime | grep discovery",
            f"talosctl -n {case.asked(deaf[0])} get discoveryconfigs,resolvers,timestatus",
        ),
        after="`talosctl get affiliates` lists the other nodes within a minute",
        certainty=Certainty.CERTAIN if all(says(case.life.fresh[index], UNREACHED) for index in deaf) else Certainty.LIKELY,
        decide="controller-runtime's log says whether the service is not reached, or what it sends cannot be decrypted (another secret)",
    )


def _outdated(case: Case, index: int, stale: list[str], lost_by: int) -> Hypothesis:
    others = len(case.life.fresh) - 1
    sign = "has an old picture of others" if stale else "is not listed any more"
    return Hypothesis(
        title=f"{case.name(index)} cannot reach the discovery service: it {sign}",
        explains=links(case.pairs.of(index)),
        evidence=lambda: limited(
            [*stale, *([f"{lost_by} of {some(others, 'other node')} do not list it any more"] if lost_by else [])],
        ),
        why="It does not hear of new endpoints and keys, and after 30 m without a sign of life the others forget it.",
        advice=f"check that it reaches {_service(case, index)} (TCP; DNS, proxy, firewall)",
        steps=(f"talosctl -n {case.asked(index)} logs controller-runtime | grep discovery",),
        after="the others list it, and it lists them as they are now, within a minute",
        certainty=Certainty.LIKELY,
        decide="controller-runtime's log on the node says whether the service answers",
        stands=bool(stale),
    )


def _lost_by(case: Case, index: int) -> int:
    """How many of the others do not list a node that lists them, if most do not."""
    column = case.mesh.column(index)
    if LinkState.ABSENT not in column or not any(column[other] is LinkState.ABSENT for other in case.life.fresh):
        return 0
    if not case.life.takes_part(index):
        return 0
    others = [other for other in case.life.hearing if other != index]
    node_id = case.nodes[index].node_id or case.life.fresh[index].node_id
    lost = len(others) - sum(case.lists(other, index) for other in others)
    return lost if node_id and 2 * lost > len(others) and len(others) > 1 else 0


def _service(case: Case, index: int) -> str:
    view = case.life.fresh[index]
    return " and ".join(view.services or ()) or "the discovery service"

"""Another cluster secret, or another pre-shared key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.insight.causes.unread import unread_setting
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.log_lines import UNREADABLE, says
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.pairing import crossing
from talos_resources.insight.secret_hash import fingerprint
from talos_resources.insight.snapshot import NodeView
from talos_resources.insight.words import limited, size, some, verb

_UNREAD: Final = (
    "What nodes announce is encrypted with the cluster secret, which is also WireGuard's pre-shared key: neither can read the other."
)


_PROVEN: Final = 3
"""Of so many links the counters are shown."""


@cause(
    "secret-differs",
    "another cluster secret or pre-shared key",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs with the secret (only its salted hash is compared), the controllers' log, or the counters of both ends",
    predicts="nodes of one cluster id cannot read what the other announces; packets arrive at both ends, without any handshake, "
    "ever or since it was changed",
    against="a link of the node that is up: the secret is WireGuard's pre-shared key",
    guide=ENABLING_GUIDE,
)
def secret_differs(case: Case) -> Iterator[Hypothesis]:
    """Seen in the settings, or, where these are redacted, by packets that arrive and are refused."""
    yield from _files(case)
    clusters = _clusters(case)
    differing = [groups for groups in clusters if len(groups) > 1]
    if differing:
        yield from (_read(case, groups) for groups in differing)
        return
    sealed = [index for index in sorted(case.life.unheard) if _is_sealed(case.life.fresh[index])]
    if sealed and len(sealed) < len(case.life.fresh):
        yield _logged(case, sealed)
    if len(clusters) != 1:
        yield from _parted(case)
    yield from unread_setting(
        case,
        lambda view: not view.secret,
        may_be_all=False,
        what="another cluster secret",
        decide="sharedSecret in KubeSpanConfigs of both; the log says that what is heard cannot be decrypted, and the service answers",
    )
    for part in _apart(case):
        crossing_it = [pair for pair in case.pairs.faulty if len(set(pair) & part) == 1]
        known = [pair for pair in crossing_it if case.life.fresh.keys() >= set(pair)]
        if len(known) > 1 and all(map(case.pairs.is_refused, known)):
            yield _refused(case, sorted(part), crossing_it, known)


def _apart(case: Case) -> list[set[int]]:
    """Nodes without a link to the most of the mesh, those together that have links to each other."""
    parts = [set(part) for part in case.components]
    return parts[1:] if parts and len(parts[0]) > 1 else parts


def _clusters(case: Case) -> list[list[list[int]]]:
    """For each cluster id those that share a secret, the most first: other clusters have other secrets."""
    by_id: dict[str, dict[str, list[int]]] = {}
    for index, view in case.life.fresh.items():
        if view.secret:
            cluster_id = view.config.cluster_id if view.config else ""
            by_id.setdefault(cluster_id, {}).setdefault(view.secret, []).append(index)
    return [sorted(by_hash.values(), key=lambda indexes: (-len(indexes), indexes)) for by_hash in by_id.values()]


def _read(case: Case, groups: list[list[int]]) -> Hypothesis:
    odd = sorted(index for group in groups[1:] for index in group)
    between = crossing(case, groups)
    return Hypothesis(
        title=f"{case.names(odd)} {'uses' if len(odd) == 1 else 'use'} another cluster secret than "
        f"{some(len(groups[0]), 'other node', 'other nodes')}",
        explains=links(between) | unheard(odd) | unheard(index for group in groups if len(group) == 1 for index in group),
        evidence=lambda: limited(
            [
                "the salted hashes of the secrets differ; cluster id and service are the same",
                *(f"one secret: {case.names(group)}" for group in groups),
                *_arrivals(case, between),
            ]
        ),
        why=_UNREAD,
        advice=f"compare the secrets bundle that made {case.names(odd)} with the others', and apply the cluster's own",
        steps=(
            _compare(case, odd[0]),
            f"talosctl -n {case.asked(odd[0])} patch mc --mode=no-reboot -p @cluster-secret.yaml",
        ),
        after="the nodes list each other within a minute, and the links come up",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def _parted(case: Case) -> Iterator[Hypothesis]:
    """Nodes that hear of each other through discovery, and no others, although all reach it."""
    ids = {view.cluster_id or (view.config.cluster_id if view.config is not None else "") for view in case.life.fresh.values()}
    if len(ids) > 1 or any(view.services for view in case.life.fresh.values()):
        return  # of other clusters, or a service is known to be the matter or not
    left, parts = set(case.life.hearing), []
    while left:
        part, edge = [], [left.pop()]
        while edge:
            here = edge.pop()
            part.append(here)
            heard = {other for other in left if case.lists(here, other) or case.lists(other, here)}
            left -= heard
            edge += heard
        parts.append(sorted(part))
    parts.sort(key=lambda part: (-len(part), part))
    if len(parts) < 2 or any(len(part) < 2 for part in parts):
        return
    odd, others = sorted(index for part in parts[1:] for index in part), len(parts[0])
    yield Hypothesis(
        title=f"{case.names(odd)} and the other {others} nodes do not hear of each other, though each hears of its own: "
        "another cluster secret",
        explains=links(crossing(case, parts)),
        evidence=lambda: limited(f"these list each other and nobody else: {case.names(part)}" for part in parts),
        why="All reach a discovery service, as each lists some. Who cannot read what others announce has another cluster secret; "
        "or they use different services.",
        advice=f"compare the secrets bundle that made {case.names(odd)} with the others', and their discovery services",
        steps=tuple(
            f"talosctl -n {case.asked(part[0])} get kubespanconfigs,discoveryconfigs -o yaml   # compare by eye, do not paste secrets"
            for part in parts[:2]
        ),
        after="the nodes list each other within a minute, and the links come up",
        certainty=Certainty.LIKELY,
        decide="compare sharedSecret, and serviceEndpoint",
    )


def _is_sealed(view: NodeView) -> bool:
    """Whether its log says that it cannot decrypt what it hears; a secret that was read has been compared."""
    return not view.secret and says(view, UNREADABLE)


def _logged(case: Case, odd: list[int]) -> Hypothesis:
    """Their settings are not known, but their logs say that what they hear cannot be decrypted."""
    own = [pair for pair in case.pairs.faulty if not set(odd).isdisjoint(pair)]
    its = verb(len(odd), "its", "their")
    return Hypothesis(
        title=f"{case.names(odd)} cannot read what the others announce: {its} cluster secret differs",
        explains=links(own) | unheard(odd),
        evidence=lambda: (f"{case.names(odd)} {verb(len(odd), 'reaches', 'reach')} the discovery service, and knows nobody all the same",),
        why=_UNREAD,
        advice=f"compare the secrets bundle that made {case.names(odd)} with the others', and apply the cluster's own",
        steps=(_compare(case, odd[0]),),
        after="the nodes list each other within a minute, and the links come up",
        certainty=Certainty.LIKELY,
        decide="compare the sharedSecret of both",
    )


def _refused(case: Case, odd: list[int], pairs: list[Pair], known: list[Pair]) -> Hypothesis:
    is_new = not any(map(case.pairs.ever, known))
    return Hypothesis(
        title=f"{case.names(odd)} and the others refuse each other's packets: {verb(len(odd), 'its', 'their')} cluster secret differs",
        explains=links(pairs),
        evidence=lambda: limited(
            [*_arrivals(case, known), *case.pairs.proofs([pair for pair in sorted(known) if case.pairs.ever(pair)][:_PROVEN])]
        ),
        why=f"Packets arrive at both ends and no handshake is {'ever ' if is_new else ''}completed{'' if is_new else ' any more'}: "
        "the pre-shared key, which is the cluster secret, is not the same.",
        advice=f"compare cluster.secret of {case.names(odd)} with the others'",
        steps=(_compare(case, odd[0]),),
        after="the next handshake, within 5 s, is completed",
        certainty=Certainty.LIKELY,
        decide="compare the sharedSecret of both",
    )


def _arrivals(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair in sorted(pairs):
        for observer, peer in (pair, pair[::-1]):
            status = case.status(observer, peer)
            if status is not None and status.receive_bytes and status.last_handshake_time.is_zero:
                yield f"{size(status.receive_bytes)} arrived at {case.name(observer)} from {case.name(peer)}, no handshake ever"


def _compare(case: Case, node: int) -> str:
    """How to look at the secret of a node."""
    return f"talosctl -n {case.asked(node)} get kubespanconfigs -o yaml   # compare sharedSecret by eye, do not paste it"


def _files(case: Case) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    secrets = {view.secret for view in case.life.fresh.values() if view.secret}
    for name, settings in joining(case).items():
        own = fingerprint(settings.cluster_secret)
        if own and secrets and own not in secrets:
            yield differs(
                f"{name} has another cluster secret than the nodes, though it is of their cluster",
                "the salted hashes of the secrets differ; the cluster id is the same",
                why=_UNREAD,
                advice=f"compare the secrets bundle that made {name} with the nodes', and do not apply it",
            )

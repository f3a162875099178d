"""Things that only one node may have, and settings that all must share."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, clock, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.net import IPAddress, format_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate


def _name(affiliate: Affiliate) -> str:
    return affiliate.nodename or affiliate.hostname or affiliate.node_id


@rule("duplicate-key", "two nodes have the same WireGuard key", severity=Severity.ERROR, guide="KubeSpan, KubeSpanIdentities")
def duplicate_key(case: Case, this: Rule) -> Iterator[Finding]:
    """A cloned disk: the later one takes the place of the first."""
    holders: dict[str, list[Affiliate]] = {}
    for affiliate in case.affiliates.values():
        if affiliate.kubespan is not None and affiliate.kubespan.public_key:
            holders.setdefault(affiliate.kubespan.public_key, []).append(affiliate)
    for key, several in holders.items():
        if len(several) > 1:
            yield this.found(
                f"{', '.join(map(_name, several))} have the same WireGuard key",
                evidence=limited([f"key {key}", *(f"{_name(each)}: node id {each.node_id}" for each in several)]),
                cause="A machine was cloned with its STATE partition; others keep one peer for the key, so one of the nodes has no link.",
                advice="reset the STATE partition of all but one (`talosctl reset --system-labels-to-wipe STATE`)",
            )


@rule("duplicate-address", "two nodes have the same address", severity=Severity.ERROR, guide="KubeSpan, KubeSpanPeerSpecs")
def duplicate_address(case: Case, this: Rule) -> Iterator[Finding]:
    """Only the first of them gets what is sent there."""
    holders: dict[IPAddress, list[Affiliate]] = {}
    for affiliate in case.affiliates.values():
        mesh = (affiliate.kubespan.address,) if affiliate.kubespan is not None else ()
        for address in {address for address in (*affiliate.addresses, *mesh) if address is not None}:
            holders.setdefault(address, []).append(affiliate)
    together: dict[tuple[str, ...], list[IPAddress]] = {}
    for address, several in holders.items():
        if len({each.node_id for each in several}) > 1 and len({each.nodename for each in several if each.nodename}) > 1:
            together.setdefault(tuple(sorted(map(_name, several))), []).append(address)
    for names, addresses in together.items():
        yield this.found(
            f"{', '.join(names)} have the same address {', '.join(map(format_address, addresses[:4]))}",
            evidence=limited(f"{format_address(address)} is announced by {', '.join(names)}" for address in addresses),
            cause="KubeSpan routes an address to one peer only, the first by node id; the other cannot be reached at it.",
            advice="give one of them another address: a virtual IP or a NAT's inner network must not be announced by two nodes",
        )


@rule("duplicate-label", "two peers have the same node name", severity=Severity.ERROR, guide="KubeSpan, KubeSpanPeerSpecs")
def duplicate_label(case: Case, this: Rule) -> Iterator[Finding]:
    """Two machines of one name, or what is left of one that came back under another identity."""
    by_label: dict[str, list[Affiliate]] = {}
    for affiliate in case.affiliates.values():
        if affiliate.nodename and affiliate.kubespan is not None:
            by_label.setdefault(affiliate.nodename, []).append(affiliate)
    for label, several in by_label.items():
        if len({each.kubespan.public_key for each in several if each.kubespan}) < 2:
            continue
        lines = [
            f"node id {each.node_id[:12]}…, key {each.kubespan.public_key[:8]}…: {_liveness(case, each.kubespan.public_key)}"
            for each in several
            if each.kubespan is not None
        ]
        yield this.found(
            f"{len(several)} peers are called {label}",
            evidence=limited(lines),
            cause="Two machines have the same name, or one was installed anew and its old entry in discovery has not expired yet (30 m).",
            advice="rename one of them; an old entry goes by itself",
        )


def _liveness(case: Case, key: str) -> str:
    index = case.index_of.get(key)
    if index is None:
        return "no peer"
    up = sum(case.is_alive(observer, index) for observer in case.fresh if observer != index)
    return f"up for {up} nodes"


@rule("different-clusters", "nodes do not belong to the same cluster", severity=Severity.ERROR, guide="KubeSpan, Enabling")
def different_clusters(case: Case, this: Rule) -> Iterator[Finding]:
    """The cluster id makes the prefix of the mesh; discovery shows nodes of the same id only."""
    by_id: dict[str, list[int]] = {}
    for index, view in case.fresh.items():
        if view.config is not None and view.config.cluster_id:
            by_id.setdefault(view.config.cluster_id, []).append(index)
    if len(by_id) > 1:
        yield this.found(
            f"the nodes belong to {len(by_id)} different clusters",
            evidence=limited(f"cluster id {cluster_id[:8]}…: {case.names(indexes)}" for cluster_id, indexes in by_id.items()),
            cause="Nodes of different cluster ids do not find each other, and their mesh addresses have different prefixes.",
            advice="generate all configurations from one secrets file (`gen config --with-secrets`)",
        )


@rule("new-key", "a node came back with a new key", severity=Severity.NOTE, guide="KubeSpan, KubeSpanIdentities")
def new_key(case: Case, this: Rule) -> Iterator[Finding]:
    """Others know the node for longer than its key."""
    seen: dict[int, list[tuple[int, int]]] = {}
    for index, view in case.fresh.items():
        joined = {affiliate.spec.kubespan.public_key: affiliate.metadata for affiliate in view.affiliates if affiliate.spec.kubespan}
        for spec in view.specs:
            metadata = joined.get(spec.id)
            if metadata is not None and (spec.metadata.created - metadata.created) / 1e9 > 60:
                seen.setdefault(case.index_of[spec.id], []).append((index, spec.metadata.created))
    for peer, sights in seen.items():
        if 2 * len(sights) <= len(case.fresh) - 1:
            continue  # one node that was long without KubeSpan, for example
        moment = min(created for _, created in sights)
        yield this.found(
            f"{case.name(peer)} came back with a new WireGuard key at {clock(Timestamp(moment))}",
            evidence=limited([f"{case.names(index for index, _ in sights)}: the affiliate is older than the peer of its present key"]),
            cause="The key is kept on the STATE partition: the disk was wiped or replaced, or somebody else uses the node's identity.",
            advice="nothing if it was reinstalled; otherwise find out who did it",
        )

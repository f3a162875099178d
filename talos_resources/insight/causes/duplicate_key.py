"""A cloned disk: one identity, two machines."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import IDENTITIES_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.words import limited


@cause(
    "duplicate-key",
    "two nodes have the same WireGuard key",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanIdentities and Identities of the nodes, or their affiliates",
    predicts="others have one peer for the key, whose endpoint jumps between the machines",
    guide=IDENTITIES_GUIDE,
)
def duplicate_key(case: Case) -> Iterator[Hypothesis]:
    """A State partition holds both the node id and the KubeSpan key; a cloned disk has both."""
    for what, holders in _holders(case).items():
        own = [pair for pair in case.pairs.faulty if not holders.keys().isdisjoint(pair)]
        names = ", ".join(dict.fromkeys(holders.values()))
        first = next(iter(holders))
        yield Hypothesis(
            title=f"{names} have the same WireGuard key",
            explains=links(own) | unheard(holders),
            evidence=lambda what=what, holders=holders: limited([what, *_machines(case, holders)]),  # type: ignore[misc]  # bound now
            why="A machine was cloned with its STATE partition: others keep one peer for the key, so that only one of the "
            "machines has a link at a time.",
            advice="give all but one of the machines an identity of its own: wiping STATE makes a new one, but also takes the "
            "machine configuration, "
            "so have that at hand (maintenance mode); a control plane leaves etcd first",
            steps=(
                f"talosctl -n {case.asked(first)} get identities,kubespanidentities -o yaml",
                "talosctl -n CLONE get machineconfig v1alpha1 -o yaml > clone.yaml   # keep it: it is needed again",
                "talosctl -n CLONE reset --system-labels-to-wipe STATE --reboot      # after etcd remove-member, if it is a control plane",
                "talosctl -n CLONE apply-config --insecure -f clone.yaml",
            ),
            after="both machines are listed, each with a key of its own",
            certainty=Certainty.CERTAIN,
            stands=True,
            stops=tuple(holders),
        )


def _holders(case: Case) -> dict[str, dict[int, str]]:
    by_key: dict[str, dict[int, str]] = {}
    for index, view in case.life.fresh.items():
        if view.public_key:
            by_key.setdefault(f"key {view.public_key}", {})[index] = _called(case, index)
    told: dict[str, dict[str, str]] = {}
    for affiliate in case.affiliates.values():
        if affiliate.kubespan is not None and affiliate.kubespan.public_key:
            told.setdefault(f"key {affiliate.kubespan.public_key}", {})[affiliate.node_id] = (
                affiliate.nodename or affiliate.hostname or affiliate.node_id
            )
    for key, by_id in told.items():
        known = case.index_of.get(key.removeprefix("key "))
        if len(by_id) > 1 and len(by_key.get(key, ())) < 2 and known is not None:
            return {key: {known: ", ".join(by_id.values())}}
    by_node_id: dict[str, dict[int, str]] = {}
    for index, view in case.life.fresh.items():
        if view.node_id and view.public_key is None:
            by_node_id.setdefault(f"node id {view.node_id[:12]}…", {})[index] = _called(case, index)
    return {what: holders for what, holders in {**by_key, **by_node_id}.items() if len(holders) > 1}


def _called(case: Case, index: int) -> str:
    """By which name people know the machine: the clones may have one."""
    view = case.life.fresh[index]
    name = view.nodename or case.name(index)
    return (
        f"{name} ({view.node})"
        if view.node not in name and sum(other.nodename == view.nodename for other in case.life.fresh.values()) > 1
        else name
    )


def _machines(case: Case, holders: dict[int, str]) -> Iterator[str]:
    for index, name in holders.items():
        view = case.views.get(index)
        if view is not None:
            yield f"{name}: node id {(view.node_id or 'unknown')[:12]}…, hardware {', '.join(view.hardware[:2]) or 'unknown'}"

"""A node that runs and has no link."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight import quorum
from talos_resources.insight.causes.mesh_split import since
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import duration, limited, verb


@cause(
    "node-isolated",
    "a node runs but has no link to anybody",
    tier=Tier.COMMON,
    needs="the node's own report, or that discovery lists it longer than an entry lives",
    predicts="all its links are down since one moment, all others are up",
    against="any of its links is up",
    guide="KubeSpan",
)
def node_isolated(case: Case) -> Iterator[Hypothesis]:
    """Its uplink, its firewall, or its WireGuard: whatever is only its own."""
    alive = [index for index in sorted(case.life.on) if _runs(case, index) and case.pairs.is_cut_off(index)]
    if len(alive) == len(case.life.on) or len(case.life.on) < 3:
        return
    for indexes in case.life.together(alive):
        many = len(indexes)
        pairs = [pair for pair in case.pairs.faulty if not set(indexes).isdisjoint(pair)]
        yield Hypothesis(
            title=f"{case.names(indexes)} {verb(many, 'runs', 'run')} but {verb(many, 'has', 'have')} no link to any other node",
            explains=links(pairs),
            evidence=lambda indexes=indexes, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [
                    *_life(case, indexes),
                    *since(case, pairs),
                    *case.pairs.proofs(pairs[:3]),
                    *(
                        f"{case.name(index)} announces {', '.join(map(str, case.announced(index) or ())) or 'no endpoint'}"
                        for index in indexes
                        if case.announced(index) is not None
                    ),
                    *quorum.after_loss(case, indexes),
                ]
            ),
            why="What is only its own is broken: its uplink or switch port, its firewall (UDP 51820), or its WireGuard device.",
            advice=f"look at the network of {case.names(indexes)}: uplink, addresses, routes, then whether UDP 51820 passes in and out",
            steps=(
                f"talosctl -n {case.asked(indexes[0])} get links,addresses,routes",
                f"talosctl -n {case.asked(indexes[0])} logs controller-runtime | grep kubespan",
            ),
            after=f"{verb(many, 'its', 'their')} links come up by themselves within a minute",
            certainty=Certainty.LIKELY,
            decide="if nothing else reaches the node either (ping, API), it is the uplink; if only WireGuard fails, a firewall",
        )


def _runs(case: Case, index: int) -> bool:
    """Its own report says so; or discovery, and most others were asked and have lost it."""
    if index in case.life.fresh:
        return True
    asked = sum(other in case.life.witnesses for other in case.life.on if other != index)
    return 2 * asked > len(case.life.on) - 1 and asked > 1 and case.life.proof_of_life_s(index) is not None


def _life(case: Case, indexes: list[int]) -> Iterator[str]:
    for index in indexes:
        listed = case.life.proof_of_life_s(index)
        if index not in case.life.fresh and listed is not None:
            yield (
                f"{case.name(index)} is not off: discovery still lists it {duration(listed)} after its last handshake, and an "
                "entry lives 30 m without it"
            )

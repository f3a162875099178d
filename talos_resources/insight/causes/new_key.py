"""A node that came back with a new key."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.hypothesis import IDENTITIES_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import clock, limited
from talos_resources.model.finding import Severity
from talos_resources.model.timestamp import Timestamp

LATER_NS = 60 * S_NS


@cause(
    "new-key",
    "a node came back with a new key",
    severity=Severity.NOTE,
    tier=Tier.STATE,
    needs="Affiliates and peer specs of several nodes",
    predicts="others know the node for longer than its key",
    against="KubeSpan was off there for a while: others make its peer anew with the key that it had",
    guide=IDENTITIES_GUIDE,
)
def new_key(case: Case) -> Iterator[Hypothesis]:
    """Others know the node for longer than its key."""
    seen: dict[int, list[tuple[int, int]]] = {}
    for index, view in case.life.fresh.items():
        oldest = min((affiliate.metadata.created for affiliate in view.affiliates), default=Timestamp.ZERO)
        late = [spec for spec in view.specs if spec.metadata.created - oldest > LATER_NS]
        if not late:
            continue
        joined = {affiliate.spec.kubespan.public_key: affiliate.metadata for affiliate in view.affiliates if affiliate.spec.kubespan}
        for spec in late:
            metadata = joined.get(spec.id)
            if metadata is not None and spec.metadata.created - metadata.created > LATER_NS:
                seen.setdefault(case.index_of[spec.id], []).append((index, spec.metadata.created))
    for peer, sights in seen.items():
        if 2 * len(sights) <= len(case.life.fresh) - 1:
            continue  # one node that was long without KubeSpan, for example
        moment = min(created for _, created in sights)
        yield Hypothesis(
            title=f"{case.name(peer)} came back at {clock(Timestamp(moment), case.reference)}, with a new "
            "WireGuard key or after KubeSpan was off there",
            evidence=lambda sights=sights: limited(  # type: ignore[misc]  # bound now, called later
                [f"{case.names(index for index, _ in sights)}: the affiliate is older than the peer of its present key"]
            ),
            why="Others made its peer anew. They do so where KubeSpan was off on the node for a while. The key is kept on the STATE "
            "partition: if it is new, the disk was wiped or replaced, or somebody else uses the node's identity.",
            advice="nothing if it was reinstalled, or KubeSpan was switched off and on there; otherwise find out who did it",
            decide="publicKey of its KubeSpanIdentities beside that of an older bundle or recording",
            certainty=Certainty.LIKELY,
            stands=True,
        )

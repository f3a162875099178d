"""A link that is not up, and nothing tells why."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import by_shared_end, subject
from talos_resources.insight.words import limited, size


@cause(
    "link-down",
    "a link is not up and the data at hand do not tell why (one node's view)",
    tier=Tier.PAIR,
    needs="peer statuses of one node",
    predicts="nothing: the other end's view is missing",
    guide=STATUSES_GUIDE,
)
def link_down(case: Case) -> Iterator[Hypothesis]:
    """What is left when the other end cannot be asked."""
    for shared, pairs in by_shared_end(case.pairs.faulty):
        unread = sorted({index for pair in pairs for index in pair if index not in case.life.fresh})
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {case.pairs.down_for(pairs)}; why cannot be told from this data",
            explains=links(pairs),
            evidence=lambda pairs=pairs: limited([*_counted(case, pairs), *case.pairs.attempts(pairs)]),  # type: ignore[misc]
            why="One node's view does not tell whether the other is off, cut off, or only this path is blocked.",
            advice=f"get the same data of {case.names(unread)}" if unread else "look again in a minute, with all nodes",
            steps=tuple(
                f"talosctl -n {case.asked(index)} get kubespanpeerstatuses,kubespanpeerspecs,affiliates -o yaml" for index in unread[:2]
            ),
            after="`doctor` with both ends says where packets get lost",
            certainty=Certainty.POSSIBLE,
            decide="whether the other nodes have a link to it, and whether discovery still lists it half an hour after the last handshake",
        )


def _counted(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair in pairs:
        for observer, peer in (pair, pair[::-1]):
            status = case.status(observer, peer)
            if status is not None and status.receive_bytes == 0:
                yield (
                    f"nothing of {case.name(peer)} has ever arrived at {case.name(observer)}, which has sent {size(status.transmit_bytes)}"
                )

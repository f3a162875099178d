"""What may be the matter of nodes that hear of nobody where their settings are not known: rivals of `discovery-unreachable`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Hypothesis, links, unheard
from talos_resources.insight.snapshot import NodeView


def unread_setting(case: Case, is_unknown: Callable[[NodeView], bool], *, may_be_all: bool, what: str, decide: str) -> Iterator[Hypothesis]:
    """A rival, where a setting of all nodes that hear of nobody is unknown.

    Args:
        case: the evidence.
        is_unknown: whether the setting of a node is.
        may_be_all: it may be so on every node; else it is a difference, of which there are no more than two sides.
        what: that it may be.
        decide: the one observation that tells.
    """
    deaf = sorted(case.life.unheard)
    if not deaf or not all(is_unknown(case.life.fresh[index]) for index in deaf):
        return
    if not may_be_all and len(deaf) > 2 and len(deaf) == len(case.life.fresh):
        return
    yield Hypothesis(
        title=f"{what} on {case.names(deaf)}",
        explains=links(pair for pair in case.pairs.faulty if not set(deaf).isdisjoint(pair)) | unheard(deaf),
        why="Who cannot read, or is not told, what others announce knows nobody.",
        advice=decide,
        decide=decide,
        is_rival=True,
    )

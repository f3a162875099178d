"""What a report has beside the diagnosis: the broken links from both ends, what happened to them, and how nodes are set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from talos_resources.insight.doctor import Diagnosis
from talos_resources.insight.mesh import Link, LinkState, Mesh
from talos_resources.insight.outline import blamed
from talos_resources.insight.past import Past
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.timestamp import Timestamp

MOST_PAIRS: Final = 40
MOST_MOMENTS: Final = 120


@attrs.frozen(kw_only=True)
class Moment:
    """Something that happened.

    Attributes:
        at: when, by the clock of who saw it.
        who: a node, or `node → peer`.
        what: in words, without secrets.
        is_link: whether it is the state of a link.
    """

    at: Timestamp
    who: str
    what: str
    is_link: bool = False


@attrs.frozen(kw_only=True)
class Report:
    """All that a report tells.

    Attributes:
        source: where the data is from.
        made: when the report was made.
        diagnosis: of all nodes.
        views: of the nodes that answered; of their settings a report shows those that it names, never a secret.
        pairs: the broken links, each as both of its ends see it, the worst first.
        left_out: how many more pairs there are.
        past: what the recording knows; None without one.
        since: from when on changes are told; None for all.
        moments: what happened since then, the oldest first, without the first ones if there are too many.
        earlier: how many those are.
    """

    source: str
    made: Timestamp
    diagnosis: Diagnosis
    views: tuple[NodeView, ...]
    pairs: tuple[tuple[Link, Link], ...]
    left_out: int
    past: Past | None
    since: Timestamp | None
    moments: tuple[Moment, ...]
    earlier: int


def report(snapshot: Snapshot, diagnosis: Diagnosis, *, source: str, made: Timestamp, since: Timestamp | None = None) -> Report:
    """Puts together what a report tells.

    Args:
        snapshot: as the diagnosis was made of.
        diagnosis: see `examine`.
        source: for the head of the report.
        made: now.
        since: from when on changes are told; None for all that was recorded.
    """
    pairs = _pairs(diagnosis.mesh)
    moments = [] if snapshot.past is None else _moments(snapshot.past, diagnosis.mesh, snapshot.views, since)
    return Report(
        source=source,
        made=made,
        diagnosis=diagnosis,
        views=snapshot.views,
        pairs=tuple(pairs[:MOST_PAIRS]),
        left_out=max(0, len(pairs) - MOST_PAIRS),
        past=snapshot.past,
        since=since,
        moments=tuple(moments[-MOST_MOMENTS:]),
        earlier=max(0, len(moments) - MOST_MOMENTS),
    )


def _pairs(mesh: Mesh) -> list[tuple[Link, Link]]:
    """The links of which a direction is not up: those of nodes to blame first, what is down before what is not settled."""
    rank = {node.index: place for place, node in enumerate(blamed(mesh)[0])}
    found = ((node.index, peer) for node in mesh.observed if mesh.faults[node.index][0] for peer in mesh.faulty(node))
    keys = {(min(pair), max(pair)) for pair in found}

    def order(pair: tuple[int, int]) -> tuple[bool, int, tuple[int, int]]:
        down = LinkState.DOWN in {mesh.state(*pair), mesh.state(pair[1], pair[0])}
        return not down, min(rank.get(index, len(rank)) for index in pair), pair

    return [(mesh.link(here, there), mesh.link(there, here)) for here, there in sorted(keys, key=order)]


def _moments(past: Past, mesh: Mesh, views: Sequence[NodeView], since: Timestamp | None) -> list[Moment]:
    names = {node.public_key: node.name for node in mesh.nodes if node.public_key}
    own = _own_names(mesh, views)
    found = [
        Moment(at=turn.at, who=f"{own.get(node, node)} → {names.get(key, key)}", what=f"{turn.old} → {turn.new}", is_link=True)
        for (node, key), link in past.links.items()
        for turn in link.states
    ]
    found += [Moment(at=change.at, who=own.get(change.node, change.node), what=change.what) for change in past.changes]
    kept = found if since is None else [moment for moment in found if moment.at >= since]
    return sorted(kept, key=lambda moment: (moment.at, moment.who, moment.what))


def _own_names(mesh: Mesh, views: Sequence[NodeView]) -> Mapping[str, str]:
    """The name under which a node was asked → what people call it."""
    asked = {view.node for view in views}
    return {node.node: node.name for node in mesh.nodes if node.node in asked}

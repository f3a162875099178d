"""What a file has in it, in numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from talos_resources.backends.sqlite.periods import Period
from talos_resources.model.timestamp import Timestamp

if TYPE_CHECKING:
    from talos_resources.backends.sqlite.state import SqliteState


_COUNTS: Final = """
    SELECT node, namespace, type, count(wire), count(*) - count(wire), sum(loose + coalesce(packed, 0))
    FROM resources LEFT JOIN (SELECT key, sum(count) AS packed FROM packs GROUP BY key) USING (key)
    GROUP BY node, type, namespace ORDER BY node, type, namespace"""


@attrs.frozen
class KindKept:
    """What there is of a kind of a node.

    Attributes:
        node: whose.
        namespace: of the kind.
        type: of the kind.
        resources: that are there now, or were when the node was heard last.
        gone: that were there and are not any more.
        versions: of all of them that are kept, deletions included.
    """

    node: str
    namespace: str
    type: str
    resources: int
    gone: int
    versions: int


@attrs.frozen
class NodeKept:
    """When a node was recorded, oldest first."""

    name: str
    periods: tuple[Period, ...]

    @property
    def gaps(self) -> tuple[Period, ...]:
        """The times between in which nobody did."""
        return tuple(Period(one.ended, other.began) for one, other in pairwise(self.periods))


@attrs.frozen
class Kept:
    """All that a file has.

    Attributes:
        size: in bytes, with what is not yet in the file itself.
        nodes: by name.
        kinds: by node, type and namespace.
    """

    size: int
    nodes: tuple[NodeKept, ...]
    kinds: tuple[KindKept, ...]


def summary_of(state: SqliteState, *, now: Timestamp) -> Kept:
    """What the file of a state has.

    Args:
        state: of any node of the file.
        now: a recorder that is at work has recorded until now.
    """
    with state._file.reading() as connection:  # noqa: SLF001 - of the same package
        kinds = tuple(KindKept(*row) for row in connection.execute(_COUNTS))
    names = dict.fromkeys((*state.nodes(), *(kind.node for kind in kinds)))
    nodes = tuple(NodeKept(name, tuple(state.of_node(name).periods(now=now))) for name in sorted(names))
    path = state.path
    files = (path, path.with_name(f"{path.name}-wal"))
    return Kept(sum(file.stat().st_size for file in files if file.exists()), nodes, kinds)

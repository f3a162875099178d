"""The mesh: who sees whom, put together from what all nodes say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from talos_resources.codec.records import records
from talos_resources.insight.identity import Person, distinct_names, people
from talos_resources.insight.links import Link, LinkState, MeshNode, is_asymmetric
from talos_resources.insight.snapshot import NOTHING, NodeView, Snapshot
from talos_resources.model.errors import UnsupportedError
from talos_resources.model.net import format_address
from talos_resources.model.order import natural
from talos_resources.model.records import finished
from talos_resources.model.tabular import Tabular
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, MachineType

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Link", "LinkState", "Mesh", "MeshNode", "build", "is_asymmetric"]

_S: Final = 1_000_000_000

_STATES: Final = tuple(LinkState)
_CODES: Final = {state: code for code, state in enumerate(_STATES)}
_FAULTS: Final = frozenset(_CODES[state] for state in _STATES if state.is_fault)
_UNKNOWN: Final = _CODES[LinkState.UNKNOWN]
_OF_STATUS: Final = {state.value: _CODES[LinkState(state.value)] for state in (LinkState.UP, LinkState.DOWN, LinkState.UNKNOWN)}


class Mesh(Tabular):
    """All nodes and the state of every link between them; rows observe columns.

    Attributes:
        nodes: in the order of rows and columns: control planes first, then by name.
        errors: nodes that did not answer and that nobody else could be matched with: name → why.
    """

    def __init__(
        self,
        nodes: Sequence[MeshNode],
        codes: bytes | bytearray,
        statuses: Sequence[Sequence[KubeSpanPeerStatus | None] | None],
        errors: Mapping[str, str] = NOTHING,
        before: Mesh | None = None,
    ) -> None:
        """See `build`."""
        self.nodes = tuple(nodes)
        self.errors = dict(errors)
        self._codes = codes
        self._statuses = statuses
        self._before = before

    def state(self, observer: MeshNode | int, peer: MeshNode | int) -> LinkState:
        """How one node sees another."""
        return _STATES[self._codes[_index(observer) * len(self.nodes) + _index(peer)]]

    def row(self, observer: MeshNode | int) -> list[LinkState]:
        """How a node sees each node, in their order."""
        start = _index(observer) * len(self.nodes)
        return [_STATES[code] for code in self._codes[start : start + len(self.nodes)]]

    def codes(self, observer: MeshNode | int) -> bytes:
        """The same as one byte for each node: the place of its state in `LinkState`."""
        start = _index(observer) * len(self.nodes)
        return bytes(self._codes[start : start + len(self.nodes)])

    def column(self, peer: MeshNode | int) -> list[LinkState]:
        """How each node sees a node, in their order."""
        return [_STATES[code] for code in self._codes[_index(peer) :: len(self.nodes)]]

    def faulty(self, observer: MeshNode | int) -> list[int]:
        """The indexes of the nodes that a node does not see up."""
        return [column for column, code in enumerate(self.codes(observer)) if code in _FAULTS]

    def status(self, observer: MeshNode | int, peer: MeshNode | int) -> KubeSpanPeerStatus | None:
        """What a node holds of another."""
        row = self.statuses(observer)
        return None if row is None else row[_index(peer)]

    def statuses(self, observer: MeshNode | int) -> Sequence[KubeSpanPeerStatus | None] | None:
        """What a node holds of each node, in their order; None if it was not asked."""
        return self._statuses[_index(observer)]

    def link(self, observer: MeshNode | int, peer: MeshNode | int) -> Link:
        """One direction of a link, with everything that is known of it."""
        here, there = self.nodes[_index(observer)], self.nodes[_index(peer)]
        status = self.status(here, there)
        received, sent = self._rates(here, there, status)
        return Link(
            observer=here,
            peer=there,
            state=self.state(here, there),
            reverse=self.state(there, here),
            status=status,
            receive_rate=received,
            transmit_rate=sent,
        )

    def links(self, *, only_faults: bool = False) -> Iterator[Link]:
        """Every direction that somebody was asked about, row by row."""
        size = len(self.nodes)
        hidden = (_CODES[LinkState.SELF], _CODES[LinkState.UNSEEN], *((_CODES[LinkState.UP],) if only_faults else ()))
        for row in self.observed:
            for column, code in enumerate(self._codes[row.index * size : (row.index + 1) * size]):
                if code not in hidden:
                    yield self.link(row.index, column)

    @cached_property
    def observed(self) -> tuple[MeshNode, ...]:
        """The nodes whose own view is here."""
        return tuple(node for node in self.nodes if node.is_observed)

    @cached_property
    def counts(self) -> Mapping[LinkState, int]:
        """How many directions are in each state, of those that somebody was asked about."""
        return {state: self._codes.count(_CODES[state]) for state in _STATES if state not in {LinkState.SELF, LinkState.UNSEEN}}

    @property
    def total(self) -> int:
        """How many directions somebody was asked about."""
        return sum(self.counts.values())

    @property
    def is_healthy(self) -> bool:
        """Whether all of them are up, and everybody answered."""
        return self.counts[LinkState.UP] == self.total and not self.errors and not any(node.error for node in self.nodes)

    @cached_property
    def faults(self) -> tuple[tuple[int, int], ...]:
        """For each node, how many of its own links, and of others' links to it, are not up."""
        size = len(self.nodes)
        good = {_CODES[state] for state in (LinkState.UP, LinkState.SELF, LinkState.UNSEEN)}
        bad = bytes(code not in good for code in range(256))
        marks = bytes(self._codes).translate(bad)
        return tuple((sum(marks[index * size : (index + 1) * size]), sum(marks[index::size])) for index in range(size))

    @cached_property
    def asymmetries(self) -> tuple[tuple[int, int], ...]:
        """The pairs (observer that sees it up, peer that does not), by index."""
        size, up = len(self.nodes), _CODES[LinkState.UP]
        codes = self._codes
        suspects = [index for index, (own, _) in enumerate(self.faults) if own]
        return tuple(
            (column, row)
            for row in suspects
            for column in range(size)
            if codes[row * size + column] in _FAULTS and codes[column * size + row] == up
        )

    def worst_first(self) -> list[MeshNode]:
        """The nodes with most faults first, then in their order."""
        return sorted(self.nodes, key=lambda node: (-sum(self.faults[node.index]), node.index))

    def since(self, before: Mesh | None) -> Mesh:
        """The same mesh, with rates since an earlier one."""
        return Mesh(self.nodes, self._codes, self._statuses, self.errors, before)

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """A plain dictionary for each direction of a link.

        Args:
            json: texts in place of times, so that `json.dumps` takes them.
        """
        return records(self.links(), json=json)

    def to_networkx(self) -> nx.DiGraph[str]:
        """A directed graph: an edge from observer to peer for each direction, with the fields of `records`.

        Raises:
            UnsupportedError: the extra `notebook` is not installed.
        """
        try:
            import networkx as nx
        except ModuleNotFoundError as error:
            raise UnsupportedError(f"to_networkx() needs {error.name}; pip install 'talos-resources[notebook]'") from None

        graph: nx.DiGraph[str] = nx.DiGraph()
        for node in self.nodes:
            graph.add_node(node.name, public_key=node.public_key, machine_type=node.machine_type.value, observed=node.is_observed)
        for link in self.links():
            graph.add_edge(link.observer.name, link.peer.name, **finished(link.to_record(), json=True))
        return graph

    def __repr__(self) -> str:
        return f"<Mesh of {len(self.nodes)} nodes: {self.counts[LinkState.UP]} of {self.total} links up>"

    def _rates(self, here: MeshNode, there: MeshNode, status: KubeSpanPeerStatus | None) -> tuple[float | None, float | None]:
        if self._before is None or status is None:
            return None, None
        earlier = self._before.find(here), self._before.find(there)
        if earlier[0] is None or earlier[1] is None:
            return None, None
        old = self._before.status(earlier[0], earlier[1])
        elapsed = (here.as_of - earlier[0].as_of) / _S
        # Counters that went back belong to a link that was made anew.
        if old is None or elapsed <= 0 or status.receive_bytes < old.receive_bytes or status.transmit_bytes < old.transmit_bytes:
            return None, None
        return (status.receive_bytes - old.receive_bytes) / elapsed, (status.transmit_bytes - old.transmit_bytes) / elapsed

    def find(self, node: MeshNode) -> MeshNode | None:
        """The node of this mesh that has the same key, or the same name."""
        return self._by_key.get(node.public_key or node.name)

    @cached_property
    def _by_key(self) -> dict[str, MeshNode]:
        return {node.public_key or node.name: node for node in self.nodes}


def build(snapshot: Snapshot) -> Mesh:
    """The mesh that the nodes of a snapshot describe.

    Columns are everybody that any node knows. Nodes are matched by public key, see `identity`.
    """
    found = sorted(people(snapshot.views).items(), key=lambda item: _order(item[1]))
    errors = dict(snapshot.errors)
    nodes = _nodes([person for _, person in found], errors)
    size = len(nodes)
    positions = {key: index for index, (key, _) in enumerate(found)}
    codes = bytearray([_CODES[LinkState.UNSEEN]]) * (size * size)
    statuses: list[Sequence[KubeSpanPeerStatus | None] | None] = [None] * size
    for index, (_, person) in enumerate(found):
        if person.view is not None:
            statuses[index] = _fill(codes, index * size, size, person.view, positions)
    codes[:: size + 1] = bytes([_CODES[LinkState.SELF]]) * size
    return Mesh(nodes, codes, statuses, errors)


def _fill(codes: bytearray, start: int, size: int, view: NodeView, positions: Mapping[str, int]) -> list[KubeSpanPeerStatus | None]:
    """Writes the row of a node."""
    row = bytearray([_CODES[LinkState.ABSENT]]) * size
    held: list[KubeSpanPeerStatus | None] = [None] * size
    for key, status in view.status_of.items():
        column, spec = positions[key], status.spec
        row[column] = _OF_STATUS.get(spec.state, _UNKNOWN)
        held[column] = spec
    for key in view.spec_of.keys() - view.status_of.keys():  # known, but not yet to WireGuard
        row[positions[key]] = _UNKNOWN
    codes[start : start + size] = row
    return held


def _nodes(persons: Sequence[Person], errors: dict[str, str]) -> list[MeshNode]:
    """The nodes in order; an error goes to the node that it names, and from the mapping."""
    nodes = []
    for index, (person, name) in enumerate(zip(persons, distinct_names(persons), strict=True)):
        view = person.view
        names = {name, person.label, *map(format_address, person.addresses)}
        failed = next((asked for asked in errors if asked in names), None) if errors and view is None else None
        nodes.append(
            MeshNode(
                index=index,
                name=name,
                public_key=person.key,
                node_id=person.affiliate.node_id if person.affiliate is not None else "",
                machine_type=person.machine_type,
                addresses=person.addresses,
                labels=person.labels,
                node=view.node if view is not None else failed,
                as_of=view.as_of if view is not None else Timestamp.ZERO,
                error=errors.pop(failed) if failed is not None else "",
            )
        )
    return nodes


def _order(person: Person) -> tuple[bool, list[tuple[bool, int, str]], str]:
    """Control planes first, then by name with numbers as numbers, then by key."""
    is_worker = person.machine_type not in {MachineType.CONTROL_PLANE, MachineType.INIT}
    return is_worker, natural(person.name), person.key


def _index(node: MeshNode | int) -> int:
    return node if isinstance(node, int) else node.index

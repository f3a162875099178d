"""What `doctor` looks at: a snapshot, its mesh, and what several rules ask of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from statistics import median
from typing import Any, Final

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode, build
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.kubespan.constants import PEER_DOWN_S, TICK_S
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanPeerSpec, KubeSpanPeerStatus

S_NS: Final = 1_000_000_000
SETTLING_S: Final = 2 * TICK_S
"""A link that was made so lately may still come up."""
LATE_S: Final = 3 * TICK_S
"""Reports that are further apart are not of one moment, or not of one clock."""
NAMED: Final = 6
"""So many nodes are named in one line."""
SHOWN: Final = 8
"""So many lines of evidence are shown."""

Pair = tuple[int, int]


class Case:
    """A snapshot to be examined.

    Attributes:
        snapshot: what was found.
        mesh: the mesh that it makes.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.mesh: Mesh = build(snapshot)

    @property
    def nodes(self) -> Sequence[MeshNode]:
        """All nodes of the mesh."""
        return self.mesh.nodes

    @cached_property
    def views(self) -> Mapping[int, NodeView]:
        """Index of a node → what it holds, for those that answered."""
        by_name = {view.node: view for view in self.snapshot.views}
        return {node.index: by_name[node.node] for node in self.mesh.observed if node.node is not None}

    @cached_property
    def fresh(self) -> Mapping[int, NodeView]:
        """The same without those whose report is old."""
        return {index: view for index, view in self.views.items() if index not in self.old_reports}

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        """Public key → index."""
        return {node.public_key: node.index for node in self.nodes if node.public_key}

    def name(self, index: int) -> str:
        """What people call a node."""
        return self.nodes[index].name

    def names(self, indexes: Iterable[int]) -> str:
        """Several nodes in one line, the first few by name."""
        every = sorted(set(indexes))
        more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
        return f"{', '.join(map(self.name, every[:NAMED]))}{more}"

    def pair_name(self, pair: Pair) -> str:
        """Both ends of a link."""
        return f"{self.name(pair[0])} ↔ {self.name(pair[1])}"

    @cached_property
    def reference(self) -> Timestamp:
        """The time that most nodes agree on."""
        times = [view.as_of for view in self.snapshot.views if not view.as_of.is_zero]
        return Timestamp(int(median(sorted(times)))) if times else Timestamp.ZERO

    def offset_s(self, index: int) -> float:
        """By how many seconds the report of a node is ahead of most others; 0 if it has none."""
        view = self.views.get(index)
        return 0.0 if view is None or view.as_of.is_zero else (view.as_of - self.reference) / S_NS

    @cached_property
    def skewed(self) -> Mapping[int, float]:
        """Nodes whose clock is wrong → by how many seconds it is ahead.

        A report that is out of time may be old instead. Both ends of a link note the same handshake: if those
        times differ as the reports do, it is the clock; a report from the future is one of a wrong clock too.
        """
        if len(self.views) < 2:
            return {}
        late = {index: offset for index in self.views if abs(offset := self.offset_s(index)) > LATE_S}
        found = {}
        for index, offset in late.items():
            apart = self._handshakes_apart_s(index)
            if (apart is None and offset > 0) or (apart is not None and abs(apart - offset) < abs(apart)):
                found[index] = offset
        return found

    def _handshakes_apart_s(self, index: int) -> float | None:
        """How much later a node dates its handshakes than its peers do, in seconds; None without common ones."""
        differences = []
        for other in self.views:
            mine, theirs = self.mesh.status(index, other), self.mesh.status(other, index)
            if mine is None or theirs is None or mine.last_handshake_time.is_zero or theirs.last_handshake_time.is_zero:
                continue
            differences.append((mine.last_handshake_time - theirs.last_handshake_time) / S_NS)
        return median(differences) if differences else None

    @cached_property
    def old_reports(self) -> Mapping[int, float]:
        """Nodes that have not written their statuses for long → seconds since."""
        if len(self.views) < 2:
            return {}
        return {index: -self.offset_s(index) for index in self.views if index not in self.skewed and self.offset_s(index) < -LATE_S}

    @cached_property
    def silent(self) -> Mapping[int, str]:
        """Nodes that nobody has a link to and that do not speak for themselves → why that is known."""
        found = {}
        for node in self.nodes:
            observers = [index for index in self.fresh if index != node.index]
            if not observers or node.index in self.fresh:
                continue
            if any(self.is_alive(index, node.index) for index in observers):
                continue
            if node.error:
                found[node.index] = f"it did not answer: {node.error}"
            elif node.index in self.old_reports:
                found[node.index] = f"its last report is {duration(self.old_reports[node.index])} old"
            elif len(observers) > 1:
                found[node.index] = "nobody has a handshake with it"
        return found

    def is_alive(self, observer: int, peer: int) -> bool:
        """Whether a link is up, or so new that it may come up."""
        return self.mesh.state(observer, peer) is LinkState.UP or self.is_settling(observer, peer)

    def is_settling(self, observer: int, peer: int) -> bool:
        """Whether a link that is not up is too new to be judged."""
        status, view = self.mesh.status(observer, peer), self.views.get(observer)
        if view is None or self.mesh.state(observer, peer) is not LinkState.UNKNOWN:
            return False
        if status is None:
            return True
        age = (view.as_of - self.made(observer, peer)) / S_NS
        recent = not status.last_handshake_time.is_zero and (view.as_of - status.last_handshake_time) / S_NS < PEER_DOWN_S + SETTLING_S
        return age < SETTLING_S or recent

    def made(self, observer: int, peer: int) -> Timestamp:
        """When a node first knew a peer of this key."""
        return self._made.get((observer, peer), Timestamp.ZERO)

    @cached_property
    def _made(self) -> dict[Pair, Timestamp]:
        """Only of links that are not up: of a million links few are asked for."""
        faulty = {(link.observer.index, link.peer.index) for link in self.mesh.links(only_faults=True)}
        observers = {observer for observer, _ in faulty}
        return {
            (index, column): status.metadata.created
            for index in observers & self.views.keys()
            for status in self.views[index].statuses
            if (index, column := self.index_of[status.id]) in faulty
        }

    @cached_property
    def faulty_pairs(self) -> tuple[Pair, ...]:
        """Pairs of nodes of which at least one end does not see the other, without silent ones and new links."""
        pairs = set()
        for link in self.mesh.links(only_faults=True):
            here, there = link.observer.index, link.peer.index
            if here not in self.fresh or here in self.silent or there in self.silent or self.is_settling(here, there):
                continue
            pairs.add((min(here, there), max(here, there)))
        return tuple(sorted(pairs))

    def status(self, observer: int, peer: int) -> KubeSpanPeerStatus | None:
        """What a node holds of another."""
        return self.mesh.status(observer, peer)

    def spec(self, observer: int, peer: int) -> KubeSpanPeerSpec | None:
        """What a node knows of another from discovery."""
        return self._specs(observer).get(self.nodes[peer].public_key)

    def _specs(self, observer: int) -> Mapping[str, KubeSpanPeerSpec]:
        if observer not in self._specs_of:
            view = self.views.get(observer)
            self._specs_of[observer] = {spec.id: spec.spec for spec in view.specs} if view is not None else {}
        return self._specs_of[observer]

    @cached_property
    def _specs_of(self) -> dict[int, Mapping[str, KubeSpanPeerSpec]]:
        return {}

    @cached_property
    def affiliates(self) -> Mapping[str, Affiliate]:
        """Node id → affiliate: what the node says of itself, else what others heard."""
        found: dict[str, Affiliate] = {}
        for view in self.snapshot.views:
            for affiliate in view.affiliates:
                if affiliate.id == view.node_id or affiliate.id not in found:
                    found[affiliate.id] = affiliate.spec
        return found

    @cached_property
    def affiliate_of(self) -> Mapping[int, Affiliate]:
        """Index of a node → its affiliate."""
        return {node.index: self.affiliates[node.node_id] for node in self.nodes if node.node_id in self.affiliates}

    def listed_by(self, index: int) -> list[int]:
        """Who of those with a fresh report still knows a node through discovery."""
        node_id = self.nodes[index].node_id
        return [other for other, view in self.fresh.items() if other != index and any(item.id == node_id for item in view.affiliates)]

    def announced(self, index: int) -> tuple[AddrPort, ...]:
        """The endpoints that a node announces."""
        affiliate = self.affiliate_of.get(index)
        if affiliate is not None and affiliate.kubespan is not None:
            return tuple(endpoint for endpoint in affiliate.kubespan.endpoints if endpoint is not None)
        specs = (self.spec(observer, index) for observer in self.views)
        return next((tuple(endpoint for endpoint in spec.endpoints if endpoint is not None) for spec in specs if spec is not None), ())

    def seen_at(self, index: int) -> Counter[AddrPort]:
        """The endpoints at which others have a link to a node that is up → how many do."""
        if index not in self._seen:
            found = self._seen[index] = Counter()
            for observer in self.fresh:
                status = self.mesh.status(observer, index)
                if status is not None and status.endpoint is not None and self.mesh.state(observer, index) is LinkState.UP:
                    found[status.endpoint] += 1
        return self._seen[index]

    @cached_property
    def _seen(self) -> dict[int, Counter[AddrPort]]:
        return {}

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What rules have worked out for one another, by name."""
        return {}

    @cached_property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """Nodes that answered in sets that are connected by links that are up, the largest first."""
        left, sets = set(self.fresh), []
        while left:
            start = min(left)
            left.discard(start)
            reached, edge = [start], [start]
            while edge:
                here = edge.pop()
                found = [other for other in left if LinkState.UP in {self.mesh.state(here, other), self.mesh.state(other, here)}]
                left.difference_update(found)
                reached += found
                edge += found
            sets.append(tuple(sorted(reached)))
        return tuple(sorted(sets, key=lambda nodes: (-len(nodes), nodes)))


def duration(seconds: float) -> str:
    """`38 s`, `12 m`, `3 h 5 m`, `9 d`."""
    whole = int(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m"
    if whole < 86400:
        return f"{whole // 3600} h {whole // 60 % 60} m"
    return f"{whole // 86400} d"


def clock(moment: Timestamp) -> str:
    """A moment as the time of day, with the date if that is worth saying: `02:14:31`."""
    return f"{moment.to_datetime():%H:%M:%S}"


def limited(lines: Iterable[str]) -> tuple[str, ...]:
    """The first few lines of evidence; the rest, which may be a million, is not even made."""
    shown = tuple(islice(dict.fromkeys(islice(lines, 4 * SHOWN)), SHOWN + 1))
    return shown if len(shown) <= SHOWN else (*shown[:SHOWN], "…")


def up_pairs(case: Case) -> Iterator[Pair]:
    """Pairs of nodes that both answered and both see the other up."""
    indexes = sorted(case.fresh)
    for position, here in enumerate(indexes):
        row = case.mesh.row(here)
        for there in indexes[position + 1 :]:
            if row[there] is LinkState.UP and case.mesh.state(there, here) is LinkState.UP:
                yield here, there

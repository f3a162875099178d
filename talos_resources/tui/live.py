"""What `top` shows, kept current by watches: nothing here knows of a screen."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.insight.changes import field_changes
from talos_resources.insight.mesh import Mesh, build
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Follower, News, Note
from talos_resources.sources.views import snapshot_of, view_of
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated

SAMPLES: Final = 24
"""How many rates of a peer are kept."""
HAPPENINGS: Final = 1000
_PEERS: Final = kind_of(KubeSpanPeerStatus).type


@attrs.frozen
class Happening:
    """Something that happened.

    Attributes:
        number: one more than that of the one before.
        at: when this program heard of it.
        node: whose resource.
        change: `created`, `updated`, `destroyed`, or empty for a word about the node itself.
        resource: what it happened to; None for a word about the node.
        text: in words.
    """

    number: int
    at: Timestamp
    node: str
    change: str
    resource: Resource[Any] | None
    text: str


@attrs.frozen
class Peer:
    """A peer as a node sees it.

    Attributes:
        node: who sees it.
        resource: its status.
        handshake_s: seconds since the last handshake; None if there was none.
        receive_rate: bytes per second between the last two changes; None before there are two.
        transmit_rate: likewise.
        history: bytes per second both ways, the newest last.
    """

    node: str
    resource: Resource[KubeSpanPeerStatus]
    handshake_s: float | None
    receive_rate: float | None
    transmit_rate: float | None
    history: tuple[float, ...]


@attrs.define
class _Rates:
    """The counters of a peer over time."""

    last: tuple[float, int, int] | None = None
    receive: float | None = None
    transmit: float | None = None
    history: deque[float] = attrs.Factory(lambda: deque(maxlen=SAMPLES))

    def take(self, at: float, received: int, sent: int) -> None:
        """Takes a sample; a counter that began anew gives no rate."""
        if self.last is not None and at > self.last[0]:
            seconds = at - self.last[0]
            self.receive = max(0, received - self.last[1]) / seconds
            self.transmit = max(0, sent - self.last[2]) / seconds
            self.history.append(self.receive + self.transmit)
        self.last = (at, received, sent)


class Live:
    """The nodes of a cluster as they are.

    Attributes:
        nodes: their names.
        revision: grows with everything that is new.
    """

    def __init__(self, cluster: Cluster, nodes: Sequence[str]) -> None:
        """Prepares; the cluster stays the caller's to close."""
        self.nodes = tuple(nodes)
        self.revision = 0
        self._cluster = cluster
        self._lock = threading.Lock()
        self._held: dict[str, dict[str, dict[str, Resource[Any]]]] = {node: {} for node in nodes}
        self._coming: dict[tuple[str, str], dict[str, Resource[Any]] | None] = {}
        self._rates: dict[tuple[str, str], _Rates] = {}
        self._troubles: dict[str, dict[str, str]] = {node: {} for node in nodes}
        self._happenings: deque[Happening] = deque(maxlen=HAPPENINGS)
        self._count = 0
        self._follower = Follower(cluster, nodes, on_news=self._take, on_note=self._note)

    def start(self) -> None:
        """Begins to follow."""
        self._follower.start()

    def close(self) -> None:
        """Ends; twice is no error."""
        self._follower.close()

    def troubles(self) -> dict[str, str]:
        """Nodes that cannot be followed, or not all of them → why."""
        with self._lock:
            return {node: next(iter(texts.values())) for node, texts in self._troubles.items() if texts}

    def mesh(self) -> Mesh:
        """Who sees whom, as far as is known."""
        with self._lock:
            held = {node: [resource for of_type in types.values() for resource in of_type.values()] for node, types in self._held.items()}
            troubles = {node: texts for node, texts in self._troubles.items() if texts}
            unread = self._unread()
        raw: dict[str, Any] = {}
        for node, resources in held.items():
            if not resources and node in troubles:
                raw[node] = TalosResourcesError(next(iter(troubles[node].values())))
                continue
            if node in unread and _PEERS not in self._held[node]:  # nothing is absent before it can be there
                raw[node] = TalosResourcesError("it is being read")
                continue
            state = MemoryState()
            state.restore(resources)
            raw[node] = view_of(state, node)
        if all(isinstance(answer, TalosResourcesError) for answer in raw.values()):
            return build(Snapshot(views=(), errors={node: answer.message for node, answer in raw.items()}))
        return build(snapshot_of(raw))

    def reading(self) -> int:
        """Of how many nodes not all has come yet that there was at the beginning."""
        with self._lock:
            return sum(not texts for node, texts in self._troubles.items() if node in self._unread())

    def _unread(self) -> set[str]:
        begun = {node for node, _ in self._coming}
        pending = {node for (node, _), coming in self._coming.items() if coming is not None}
        return (set(self.nodes) - begun) | pending

    def peers(self) -> list[Peer]:
        """Every peer of every node, those that are not up first."""
        now = time.time()
        with self._lock:
            found = [self._peer(node, resource, now) for node in self.nodes for resource in self._held[node].get(_PEERS, {}).values()]
        return sorted(found, key=lambda peer: (peer.resource.spec.state.value == "up", peer.node, peer.resource.spec.label))

    def happenings(self, after: int = 0) -> list[Happening]:
        """What happened after a number, oldest first."""
        with self._lock:
            return [happening for happening in self._happenings if happening.number > after]

    def kinds(self, node: str) -> list[Kind[Any]]:
        """The kinds that a node knows; asks it.

        Raises:
            TalosResourcesError: it does not answer.
        """
        from talos_resources.state.registry import known_kinds

        return sorted(known_kinds(self._cluster.state(node)), key=lambda kind: kind.type)

    def listing(self, node: str, kind: Kind[Any]) -> Sequence[Resource[Any]]:
        """The resources of a kind; asks the node.

        Raises:
            TalosResourcesError: it does not answer, or refuses.
        """
        return self._cluster.state(node).list(kind)

    def _peer(self, node: str, resource: Resource[KubeSpanPeerStatus], now: float) -> Peer:
        rates = self._rates.get((node, resource.id)) or _Rates()
        handshake = resource.spec.last_handshake_time
        age = None if handshake.is_zero else now - handshake / 1e9
        return Peer(node, resource, age, rates.receive, rates.transmit, tuple(rates.history))

    def _take(self, news: News) -> None:
        with self._lock:
            where = news.node, news.kind.type
            if not news.events:
                self._coming[where] = {}
            for event in news.events:
                self._event(where, event, news.at)
            self._troubles[news.node].pop(news.kind.type, None)
            self.revision += 1

    def _event(self, where: tuple[str, str], event: AnyEvent, at: Timestamp) -> None:
        node, name = where
        coming = self._coming.get(where)
        held = self._held[node].setdefault(name, {})
        match event:
            case Created(resource) | Updated(resource):
                if coming is not None:
                    coming[resource.id] = resource
                else:
                    self._tell(node, held.get(resource.id), resource, at)
                    held[resource.id] = resource
                self._sample(node, resource, at)
            case Destroyed(reference, resource):
                held.pop(reference.id, None)
                self._happen(at, node, "destroyed", resource, "destroyed")
            case Bootstrapped() if coming is not None:
                self._held[node][name] = coming
                self._coming[where] = None
            case _:
                pass

    def _tell(self, node: str, old: Resource[Any] | None, resource: Resource[Any], at: Timestamp) -> None:
        if old is None:
            self._happen(at, node, "created", resource, "created")
        elif fields := [field for field in field_changes(old, resource) if not field.is_counter]:
            from talos_resources.views.changes import fields_text

            self._happen(at, node, "updated", resource, fields_text(fields))

    def _happen(self, at: Timestamp, node: str, change: str, resource: Resource[Any] | None, text: str) -> None:
        self._count += 1
        self._happenings.append(Happening(self._count, at, node, change, resource, text))

    def _sample(self, node: str, resource: Resource[Any], at: Timestamp) -> None:
        if isinstance(resource.spec, KubeSpanPeerStatus):
            rates = self._rates.setdefault((node, resource.id), _Rates())
            rates.take(at / 1e9, resource.spec.receive_bytes, resource.spec.transmit_bytes)

    def _note(self, note: Note) -> None:
        with self._lock:
            key = "" if note.kind is None else note.kind.type
            if note.is_error:
                self._troubles[note.node][key] = note.text
            else:
                self._troubles[note.node].pop(key, None)
            self._happen(Timestamp(time.time_ns()), note.node, "", None, note.text)
            self.revision += 1


_BARS: Final = " ▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as bars, each relative to the highest."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    return "".join(_bars(shown, top)).rjust(width)


def _bars(values: Sequence[float], top: float) -> Iterator[str]:
    for value in values:
        yield _BARS[0] if top <= 0 or value <= 0 else _BARS[max(1, round(value / top * (len(_BARS) - 1)))]

"""What `top` shows, kept current by watches: nothing here knows of a screen."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.insight.changes import field_changes
from talos_resources.insight.mesh import Mesh, build
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Follower, News, Note
from talos_resources.sources.snapshots import view_of
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated
from talos_resources.tui.peers import Peer, Rates

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


@attrs.define
class _Node:
    """What is held of a node.

    Attributes:
        held: type → id → resource.
        awaited: types whose contents have not all come yet since the beginning; None before the types are known.
        troubles: type, or empty for the node itself → why it is not followed.
        revision: grows with what is held.
        clock: the newest time stamp of its statuses, by its own clock.
        heard: when it told that, by our monotonic clock; None as long as it tells nothing new, like a file.
        view: what the mesh needs of `held`, as of a revision.
    """

    held: dict[str, dict[str, Resource[Any]]] = attrs.Factory(dict)
    awaited: set[str] | None = None
    troubles: dict[str, str] = attrs.Factory(dict)
    revision: int = 0
    clock: int = 0
    heard: float | None = None
    view: tuple[int, NodeView] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all has come that there was at the beginning: nothing is absent before it can be there."""
        return self.awaited is not None and not self.awaited

    def now(self) -> float:
        """The time by its clock, seconds since 1970."""
        return self.clock / 1e9 + (0.0 if self.heard is None else time.monotonic() - self.heard)


class Live:
    """The nodes of a cluster as they are.

    Attributes:
        nodes: their names.
        revision: grows with everything that is new.
        cluster: whose nodes.
    """

    def __init__(self, cluster: Cluster, nodes: Sequence[str]) -> None:
        """Prepares; the cluster stays the caller's to close."""
        self.nodes = tuple(nodes)
        self.revision = 0
        self.cluster = cluster
        self._lock = threading.Lock()
        self._known = {node: _Node() for node in nodes}
        self._coming: dict[tuple[str, str], dict[str, Resource[Any]] | None] = {}
        self._rates: dict[tuple[str, str], Rates] = {}
        self._happenings: deque[Happening] = deque(maxlen=HAPPENINGS)
        self._count = 0
        self._follower = Follower(cluster, nodes, on_news=self._take, on_note=self._note, on_kinds=self._await)

    def start(self) -> None:
        """Begins to follow."""
        self._follower.start()

    def close(self) -> None:
        """Ends; twice is no error."""
        self._follower.close()

    def troubles(self) -> dict[str, str]:
        """Nodes that cannot be followed, or not all of them → why."""
        with self._lock:
            return {name: next(iter(node.troubles.values())) for name, node in self._known.items() if node.troubles}

    def mesh(self) -> Mesh:
        """Who sees whom, as far as is known: a node that is still being read is no part of it yet."""
        raw: dict[str, NodeView | TalosResourcesError] = {}
        for name, node in self._known.items():
            with self._lock:
                trouble = next(iter(node.troubles.values()), None)
                if trouble is not None and not (node.is_whole and any(node.held.values())):
                    raw[name] = TalosResourcesError(trouble)
                elif node.is_whole:
                    raw[name] = self._view(name, node)
        views = tuple(answer for answer in raw.values() if isinstance(answer, NodeView))
        errors = {name: answer.message for name, answer in raw.items() if isinstance(answer, TalosResourcesError)}
        return build(Snapshot(views=views, errors=errors))

    def _view(self, name: str, node: _Node) -> NodeView | TalosResourcesError:
        if node.view is None or node.view[0] != node.revision:
            state = MemoryState()
            state.restore([resource for of_type in node.held.values() for resource in of_type.values()])
            try:
                node.view = node.revision, view_of(state, name)
            except TalosResourcesError as error:
                return error
        return node.view[1]

    def reading(self) -> int:
        """Of how many nodes not all has come yet that there was at the beginning."""
        with self._lock:
            return sum(not node.is_whole and not node.troubles for node in self._known.values())

    def peers(self) -> dict[tuple[str, str], Sequence[str | float | None]]:
        """Node and id of every peer of every node → what is to be said of it; those that are not up first.

        Node, label, state, seconds since the last handshake, rate of both ways, received, sent, endpoint; None where
        that is not known.
        """
        with self._lock:
            found = [
                (resource.spec.state is PeerState.UP, name, resource.spec.label, resource.id, resource.spec)
                for name, node in self._known.items()
                for resource in node.held.get(_PEERS, {}).values()
            ]
            clocks = {name: node.now() for name, node in self._known.items()}
            rates = {key: (each.receive, each.transmit) for key, each in self._rates.items()}
        found.sort(key=itemgetter(0, 1, 2, 3))
        peers: dict[tuple[str, str], Sequence[str | float | None]] = {}
        for _, name, label, key, spec in found:
            handshake, (received, sent) = spec.last_handshake_time, rates.get((name, key), (None, None))
            age = None if handshake.is_zero else clocks[name] - handshake / 1e9
            both = None if received is None or sent is None else received + sent
            peers[name, key] = (name, label or key, spec.state.value, age, both, received, sent, str(spec.endpoint or ""))
        return peers

    def held(self, node: str) -> list[Resource[Any]]:
        """All that is followed of a node and known now."""
        with self._lock:
            known = self._known.get(node)
            return [] if known is None else [resource for of_type in known.held.values() for resource in of_type.values()]

    def peer(self, node: str, id: str) -> Peer | None:
        """A peer as a node sees it now; None if it has gone."""
        with self._lock:
            if (resource := self._known[node].held.get(_PEERS, {}).get(id)) is None:
                return None
            rates = self._rates.get((node, id)) or Rates()
            handshake = resource.spec.last_handshake_time
            age = None if handshake.is_zero else self._known[node].now() - handshake / 1e9
            return Peer(node, resource, age, rates.receive, rates.transmit, tuple(rates.history))

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

        return sorted(known_kinds(self.cluster.state(node)), key=lambda kind: kind.type)

    def listing(self, node: str, kind: Kind[Any]) -> Sequence[Resource[Any]]:
        """The resources of a kind; asks the node.

        Raises:
            TalosResourcesError: it does not answer, or refuses.
        """
        return self.cluster.state(node).list(kind)

    def _await(self, node: str, kinds: Sequence[Kind[Any]]) -> None:
        with self._lock:
            known = self._known[node]
            if known.awaited is None:  # a type that is told again stays as it was until it has been
                known.awaited = {kind.type for kind in kinds}
                self.revision += 1

    def _take(self, news: News) -> None:
        with self._lock:
            where = news.node, news.kind.type
            if not news.events:
                self._coming[where] = {}
            for event in news.events:
                self._event(where, event, news.at)
            self._known[news.node].troubles.pop(news.kind.type, None)
            self._known[news.node].revision += 1
            self.revision += 1

    def _event(self, where: tuple[str, str], event: AnyEvent, at: Timestamp) -> None:
        node, name = where
        coming = self._coming.get(where)
        known = self._known[node]
        held = known.held.setdefault(name, {})
        match event:
            case Created(resource) | Updated(resource):
                if coming is not None:
                    coming[resource.id] = resource
                else:
                    self._tell(node, held.get(resource.id), resource, at)
                    held[resource.id] = resource
                self._sample(node, resource, at, is_news=coming is None)
            case Destroyed(reference, resource):
                held.pop(reference.id, None)
                self._happen(at, node, "destroyed", resource, "destroyed")
            case Bootstrapped() if coming is not None:
                known.held[name] = coming
                self._coming[where] = None
                (known.awaited or set()).discard(name)
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

    def _sample(self, node: str, resource: Resource[Any], at: Timestamp, *, is_news: bool) -> None:
        if isinstance(resource.spec, KubeSpanPeerStatus):
            rates = self._rates.setdefault((node, resource.id), Rates())
            rates.take(at / 1e9, resource.spec.receive_bytes, resource.spec.transmit_bytes)
            known = self._known[node]
            known.clock = max(known.clock, resource.metadata.updated, resource.metadata.created)
            known.heard = time.monotonic() if is_news else known.heard

    def _note(self, note: Note) -> None:
        with self._lock:
            known = self._known[note.node]
            key = "" if note.kind is None else note.kind.type
            known.troubles.pop(key, None)
            if note.is_error:
                known.troubles[key] = note.text
                (known.awaited or set()).discard(key)  # what cannot be read is not waited for
            self._happen(Timestamp(time.time_ns()), note.node, "", None, note.text)
            self.revision += 1

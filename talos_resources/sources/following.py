"""Watching kinds of nodes for as long as it takes: nodes that are away are tried again, and told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from time import time_ns
from typing import Any, Final, NamedTuple

from talos_resources.model.errors import ConnectError, TalosResourcesError, UnknownKindError
from talos_resources.model.kind import Kind
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.away import Away, Interruptible, away_text
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.last_news import LastNews
from talos_resources.state.contract import State
from talos_resources.state.events import AnyEvent, Errored

MESH_TYPES: Final = (
    "Namespaces.meta.cosi.dev",
    "ResourceDefinitions.meta.cosi.dev",
    "KubeSpanConfigs.kubespan.talos.dev",
    "KubeSpanIdentities.kubespan.talos.dev",
    "KubeSpanPeerSpecs.kubespan.talos.dev",
    "KubeSpanPeerStatuses.kubespan.talos.dev",
    "KubeSpanEndpoints.kubespan.talos.dev",
    "Affiliates.cluster.talos.dev",
    "Members.cluster.talos.dev",
    "Identities.cluster.talos.dev",
    "DiscoveryConfigs.cluster.talos.dev",
    "Infos.cluster.talos.dev",
)
"""What is followed unless types are named: the mesh and the cluster it is of."""

FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 30.0


class News(NamedTuple):
    """What a watch brought.

    Attributes:
        node: whose.
        kind: of all events.
        events: with what is there first, up to Bootstrapped; none when a watch begins, and all is told anew.
        at: when they came.
    """

    node: str
    kind: Kind[Any]
    events: Sequence[AnyEvent]
    at: Timestamp


class Note(NamedTuple):
    """What interrupts or resumes the following of a node, in words; `kind` is None for all of it."""

    node: str
    kind: Kind[Any] | None
    text: str
    is_error: bool


def kinds_of(state: State, types: Sequence[str] = ()) -> Sequence[Kind[Any]]:
    """The kinds that are to be followed.

    Args:
        state: of the node.
        types: any of their names; empty for those of `MESH_TYPES` that the node knows.

    Raises:
        UnknownKindError: the node has no such type.
    """
    kinds = []
    for name in types or MESH_TYPES:
        try:
            kinds.append(state.kind(name))
        except UnknownKindError:
            if types:
                raise
    return kinds


class Follower:
    """Threads that watch each kind of each node, from `start` to `close`."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[str],
        *,
        types: Sequence[str] = (),
        on_news: Callable[[News], None],
        on_note: Callable[[Note], None],
        on_kinds: Callable[[str, Sequence[Kind[Any]]], None] = lambda _node, _kinds: None,
        on_missed: Callable[[str, Timestamp], None] = lambda _node, _since: None,
    ) -> None:
        """Prepares.

        Args:
            cluster: whose nodes; it stays the caller's to close.
            nodes: which of them.
            types: see `kinds_of`.
            on_news: called by any of the threads; news of one kind of one node come in order.
            on_note: likewise.
            on_kinds: called with a node and the kinds of it that will be told from their beginning, before any news of
                that, which then begins, and before a note that the node is followed again.
            on_missed: called with a node and a moment since which changes of it may have been lost, before the note that
                it is not followed or while it is not; what came of them will be told.
        """
        self._cluster = cluster
        self._nodes = tuple(nodes)
        self._types = tuple(types)
        self._on_news = on_news
        self._on_note = on_note
        self._on_kinds = on_kinds
        self._on_missed = on_missed
        self._last = LastNews()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watches: set[Any] = set()
        self._away = Away(self._tell_away)

    def start(self) -> None:
        """Begins."""
        for node in self._nodes:
            threading.Thread(target=self._follow_node, args=(node,), name=f"follow {node}", daemon=True).start()

    def close(self) -> None:
        """Ends all watches; twice is no error."""
        self._stopping.set()
        with self._lock:
            watches, self._watches = tuple(self._watches), set()
        for watch in watches:
            watch.close()

    def _follow_node(self, node: str) -> None:
        """Finds out which kinds the node has, and follows each in a thread."""
        delay = FIRST_DELAY_S
        told = ""
        while not self._stopping.is_set():
            try:
                kinds = kinds_of(self._cluster.state(node), self._types)
            except Exception as error:  # noqa: BLE001 - whatever it is: a thread that ends in silence looks like a node without news
                reason = _reason(error)
                if reason != told:
                    self._on_note(Note(node, None, f"cannot be followed: {reason}; trying again", is_error=True))
                    told = reason
                self._stopping.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY_S)
                continue
            if told:
                self._on_note(Note(node, None, "is followed now", is_error=False))
            self._on_kinds(node, kinds)
            for kind in kinds:
                self._on_news(News(node, kind, (), Timestamp(time_ns())))
                threading.Thread(target=self._follow, args=(node, kind), name=f"follow {node} {kind.type}", daemon=True).start()
            return

    def _follow(self, node: str, kind: Kind[Any]) -> None:
        """Watches a kind, anew when a watch ends."""
        delay = FIRST_DELAY_S
        told = ""
        while not self._stopping.is_set():
            away = None
            try:
                for batch in self._batches(node, kind):
                    if not batch:  # a new watch; a batch may be from before an interruption that is known already
                        self._on_kinds(node, (kind,))
                        self._away.note(node, kind.type, None)
                    if told:
                        self._on_note(Note(node, kind, f"{kind.display_type} is followed again", is_error=False))
                    delay, told = FIRST_DELAY_S, ""
                    now = Timestamp(time_ns())
                    self._last.came(node, kind, now)
                    self._on_news(News(node, kind, batch, now))
                reason = "the watch was closed"
            except ConnectError as error:  # the node is away, which all of its watches have in common
                reason, away = "", error
                self._tell_missed(node, kind, error)
            except Exception as error:  # noqa: BLE001 - likewise
                reason = _reason(error)
                self._tell_missed(node, kind, error)
            if self._stopping.is_set():
                return
            if away is not None:
                self._away.note(node, kind.type, away)
            elif reason != told:
                self._away.forget(node, kind.type)
                self._on_note(Note(node, kind, f"{kind.display_type} is not followed for now: {reason}", is_error=True))
                told = reason
            self._stopping.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    def _batches(self, node: str, kind: Kind[Any]) -> Any:
        """The events of one watch until it is closed.

        Raises:
            TalosResourcesError: why it ended.
        """
        with self._cluster.state(node).watch_kind(kind) as watch:
            with self._lock:
                self._watches.add(watch)
            try:
                yield ()
                if isinstance(watch, Interruptible):
                    watch.tell_interruptions(partial(self._interrupted, node, kind))
                while not self._stopping.is_set():
                    try:
                        batch = watch.next_batch()
                    except StopIteration:
                        return
                    if isinstance(batch[-1], Errored):
                        raise batch[-1].error
                    yield batch
            finally:
                with self._lock:
                    self._watches.discard(watch)

    def _interrupted(self, node: str, kind: Kind[Any], reason: TalosResourcesError | None) -> None:
        if reason is not None:
            self._tell_missed(node, kind, reason)
        self._away.note(node, kind.type, reason)

    def _tell_missed(self, node: str, kind: Kind[Any], reason: Exception) -> None:
        since = self._last.sure(node, kind, reason, now=Timestamp(time_ns()))
        if since is not None:
            self._on_missed(node, since)

    def _tell_away(self, node: str, reason: TalosResourcesError | None) -> None:
        """Tells once that a node is away, and once that all its watches go on: it has a dozen of them."""
        if reason is not None:
            self._last.away(node)
        if not self._stopping.is_set():
            self._on_note(Note(node, None, away_text(reason), is_error=reason is not None))


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, TalosResourcesError) else f"{type(error).__name__}: {error}"

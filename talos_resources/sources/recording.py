"""Following nodes and keeping what they tell in a SQLite file.

Each kind of each node is watched by a thread of its own, which begins with what is there: what is as the file
has it already is not written again, and what the file has and the node does not is noted as gone. So a recorder
may stop and start as it likes. What the watches bring is written together, twice a second.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic, time_ns
from typing import Any, Final, NamedTuple

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import TalosResourcesError, UnknownKindError
from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Reference
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.cluster import Cluster
from talos_resources.state.contract import State
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Updated

DEFAULT_TYPES: Final = (
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
"""What is recorded unless types are named: the mesh and the cluster it is of."""

WRITE_EVERY_S: Final = 0.5
FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 30.0
PRUNE_EVERY_S: Final = 600.0


class _News(NamedTuple):
    """What a watch brought: events of one kind of one node, with when they came; none as it begins."""

    node: str
    kind: Kind[Any]
    events: Sequence[AnyEvent]
    at: Timestamp


Note = Callable[[str, str], None]
"""Told the node and what happened to its recording, in words."""


def _silent(_node: str, _text: str) -> None:
    pass


def kinds_of(state: State, types: Sequence[str] = ()) -> Sequence[Kind[Any]]:
    """The kinds that are to be followed.

    Args:
        state: of the node.
        types: any of their names; empty for those of `DEFAULT_TYPES` that the node knows.

    Raises:
        UnknownKindError: the node has no such type.
    """
    kinds = []
    for name in types or DEFAULT_TYPES:
        try:
            kinds.append(state.kind(name))
        except UnknownKindError:
            if types:
                raise
    return kinds


class Recorder:
    """Records some nodes until it is stopped.

    Attributes:
        written: how many changes have been written.
    """

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[str],
        target: SqliteState,
        *,
        types: Sequence[str] = (),
        show_secrets: bool = False,
        keep_s: float | None = None,
        on_note: Note = _silent,
    ) -> None:
        """Prepares.

        Args:
            cluster: whose nodes; it stays the caller's to close.
            nodes: which of them.
            target: where to; it stays the caller's to close.
            types: what to record, under any of their names; empty for `DEFAULT_TYPES`.
            show_secrets: record private keys and other secrets too.
            keep_s: forget what is older, in seconds; None for never.
            on_note: told what interrupts and resumes the recording of a node.
        """
        self.written = 0
        self._cluster = cluster
        self._nodes = tuple(nodes)
        self._target = target
        self._types = tuple(types)
        self._show_secrets = show_secrets
        self._keep_s = keep_s
        self._note = on_note
        self._news: queue.SimpleQueue[_News | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watches: set[Any] = set()
        # What a node has told since its watch of a kind began; None once it has told all.
        self._beginning: dict[tuple[str, Kind[Any]], set[str] | None] = {}

    def run(self) -> None:
        """Records until `stop`, and writes what has come by then.

        Raises:
            TalosResourcesError: the file cannot be written.
        """
        for node in self._nodes:
            threading.Thread(target=self._follow_node, args=(node,), name=f"record {node}", daemon=True).start()
        pruned = monotonic()
        try:
            while not self._stopping.is_set():
                self._write(self._gathered())
                if self._keep_s is not None and monotonic() - pruned > PRUNE_EVERY_S:
                    pruned = monotonic()
                    self._target.prune(before=Timestamp(time_ns() - int(self._keep_s * 1e9)))
        finally:
            self._stopping.set()
            self._write(self._left())
            with self._lock:
                watches = tuple(self._watches)
            for watch in watches:
                watch.close()

    def stop(self) -> None:
        """Ends `run`; any thread may."""
        self._stopping.set()
        self._news.put(None)

    def _follow_node(self, node: str) -> None:
        """Finds out which kinds the node has, and follows each in a thread."""
        delay = FIRST_DELAY_S
        while not self._stopping.is_set():
            try:
                state = self._cluster.state(node)
                kinds = kinds_of(state, self._types)
            except TalosResourcesError as error:
                self._note(node, f"cannot be recorded: {error.message}; trying again")
                self._stopping.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY_S)
                continue
            for kind in kinds:
                threading.Thread(target=self._follow, args=(node, kind), name=f"record {node} {kind.type}", daemon=True).start()
            return

    def _follow(self, node: str, kind: Kind[Any]) -> None:
        """Watches a kind, anew when a watch ends."""
        delay = FIRST_DELAY_S
        told = ""
        while not self._stopping.is_set():
            try:
                with self._cluster.state(node).watch_kind(kind) as watch:
                    with self._lock:
                        self._watches.add(watch)
                    self._news.put(_News(node, kind, (), Timestamp(time_ns())))
                    while not self._stopping.is_set():
                        batch = watch.next_batch()
                        if isinstance(batch[-1], Errored):
                            raise batch[-1].error
                        if told:
                            self._note(node, f"{kind.display_type} is recorded again")
                        delay, told = FIRST_DELAY_S, ""
                        self._news.put(_News(node, kind, batch, Timestamp(time_ns())))
            except StopIteration:
                reason = "the watch was closed"
            except TalosResourcesError as error:
                reason = error.message
            if self._stopping.is_set():
                return
            if reason != told:
                self._note(node, f"{kind.display_type} is not recorded for now: {reason}")
                told = reason
            self._stopping.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    def _gathered(self) -> list[_News]:
        """What comes within a while; waits for the first of it."""
        first = self._news.get()
        if first is None:
            return []
        self._stopping.wait(WRITE_EVERY_S)
        return [first, *self._left()]

    def _left(self) -> list[_News]:
        left = []
        try:
            while True:
                if (news := self._news.get_nowait()) is not None:
                    left.append(news)
        except queue.Empty:
            return left

    def _write(self, news: Iterable[_News]) -> None:
        with self._target.batch():
            for node, kind, events, at in news:
                state = self._target.of_node(node)
                if not events:
                    self._beginning[node, kind] = set()
                for event in events:
                    self.written += self._write_event(state, kind, event, at)

    def _write_event(self, state: SqliteState, kind: Kind[Any], event: AnyEvent, at: Timestamp) -> int:
        beginning = self._beginning.get((state.node, kind))
        match event:
            case Created(resource) | Updated(resource):
                if beginning is not None:
                    beginning.add(resource.id)
                return state.put(self._shown(kind, resource), at=at)
            case Destroyed(reference):
                return state.drop(reference, at=at)
            case Bootstrapped() if beginning is not None:
                self._beginning[state.node, kind] = None
                gone = [held for held in state.list(kind) if held.id not in beginning]
                return sum(state.drop(Reference(held.namespace, held.type, held.id), at=at) for held in gone)
            case _:
                return 0

    def _shown(self, kind: Kind[Any], resource: Resource[Any]) -> Resource[Any]:
        return resource if self._show_secrets else redacted(resource, sensitive=kind.sensitive)

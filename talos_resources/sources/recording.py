"""Following nodes and keeping what they tell in a SQLite file.

A recorder begins with what is there: what is as the file has it already is not written again, and what the file
has and the node does not is noted as gone. So it may stop and start as it likes. What the watches bring is
written together, twice a second, and with it from when to when each node was heard: a recording that says nothing of
a time is another thing than one that says that nothing happened.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic, time_ns
from typing import Any, Final

from talos_resources.backends.sqlite.periods import HEARTBEAT_S, Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Reference
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Follower, News, Note
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Updated

WRITE_EVERY_S: Final = 0.5
PRUNE_EVERY_S: Final = 600.0


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
        on_note: Callable[[Note], None] | None = None,
    ) -> None:
        """Prepares.

        Args:
            cluster: whose nodes; it stays the caller's to close.
            nodes: which of them.
            target: where to; it stays the caller's to close.
            types: what to record, under any of their names; empty for the mesh and the cluster.
            show_secrets: record private keys and other secrets too.
            keep_s: forget what is older, in seconds; None for never.
            on_note: told what interrupts and resumes the recording of a node.
        """
        self.written = 0
        self._target = target
        self._show_secrets = show_secrets
        self._keep_s = keep_s
        self._news: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._is_stopping = False  # not an Event: a signal's handler may set it, whatever this very thread is doing
        self._may_lack = False
        self._on_note = on_note
        self._follower = Follower(
            cluster, nodes, types=types, on_news=self._news.put, on_note=self._noted, on_kinds=self._begin, on_missed=self._missed
        )
        # Node → since when it is heard; those that are away are not in it.
        self._heard: dict[str, Timestamp] = {}
        self._away: set[str] = set()
        self._ended: list[tuple[str, Period]] = []
        self._latest: dict[str, Period] = {}
        self._lock = threading.Lock()
        # What had come by then has been gathered, and is written before a period says that it is known.
        self._gathered_until = Timestamp(time_ns())
        # What a node has told since its watch of a kind began, as far as that is written; None once it has told all.
        self._beginning: dict[tuple[str, Kind[Any]], set[str] | None] = {}
        # What a node has yet to tell all of, known before any of it comes; and how many beginnings are on their way.
        self._untold: set[tuple[str, Kind[Any]]] = set()
        self._coming: Counter[tuple[str, Kind[Any]]] = Counter()

    def run(self) -> None:
        """Records until `stop`, and writes what has come by then.

        Raises:
            TalosResourcesError: the file cannot be written.
        """
        self._follower.start()
        pruned = beat = monotonic()
        try:
            while not self._is_stopping:
                self._write(self._gathered(beat + HEARTBEAT_S - monotonic()))
                if monotonic() - beat >= HEARTBEAT_S:
                    beat = monotonic()
                    self._keep_periods()
                if self._keep_s is not None and monotonic() - pruned > PRUNE_EVERY_S:
                    pruned = monotonic()
                    self._target.prune(before=Timestamp(time_ns() - int(self._keep_s * 1e9)))
        finally:
            self._is_stopping = True
            try:
                if not self._may_lack:
                    self._write(self._left())
                    self._keep_periods(is_open=False)
            finally:
                self._follower.close()

    def stop(self) -> None:
        """Ends `run`; any thread may, and the handler of a signal."""
        self._is_stopping = True
        self._news.put(None)

    def _gathered(self, wait_s: float) -> list[News]:
        """What comes within a while; waits so long for the first of it."""
        # If it is not written in the end, it is not known of this time what there was, and nothing that comes later helps.
        self._may_lack = True
        try:
            first = self._news.get(timeout=max(wait_s, 0))
        except queue.Empty:
            return self._left()
        found: list[News] = []
        news, end = first, monotonic() + WRITE_EVERY_S
        with suppress(queue.Empty):
            while news is not None:
                found.append(news)
                news = self._news.get(timeout=max(end - monotonic(), 0))
        return found + self._left()

    def _left(self) -> list[News]:
        left = []
        until = Timestamp(time_ns())
        try:
            while True:
                if (news := self._news.get_nowait()) is not None:
                    left.append(news)
        except queue.Empty:
            self._gathered_until = until
            return left

    def _write(self, news: Iterable[News]) -> None:
        """Writes all or nothing."""
        written = 0
        with self._target.batch():
            for node, kind, events, at in news:
                state = self._target.of_node(node)
                if not events:
                    with self._lock:
                        self._coming[node, kind] -= 1
                        self._beginning[node, kind] = set()
                for event in events:
                    written += self._write_event(state, kind, event, at)
        self._may_lack = False
        self.written += written

    def _noted(self, note: Note) -> None:
        """Called by the threads that follow: while a node is away, nothing is known of it."""
        with self._lock:
            if note.kind is not None:
                if note.is_error:
                    self._lose(note.node, note.kind)
            elif note.is_error:
                self._away.add(note.node)
                self._end(note.node)
            else:
                self._away.discard(note.node)
            self._hear(note.node)
        if self._on_note is not None:
            self._on_note(note)

    def _begin(self, node: str, kinds: Sequence[Kind[Any]]) -> None:
        """These kinds will be told from their beginning."""
        with self._lock:
            self._untold.update((node, kind) for kind in kinds)
            self._coming.update((node, kind) for kind in kinds)

    def _missed(self, node: str, since: Timestamp) -> None:
        """The period in which a node was heard ends where something may be missing, also if it is written already."""
        with self._lock:
            self._end(node)
            latest = self._latest.get(node)
            if latest is not None and since < latest.ended:
                self._latest[node] = Period(latest.began, max(latest.began, since))
                self._ended.append((node, self._latest[node]))

    def _lose(self, node: str, kind: Kind[Any]) -> None:
        """A kind is not told any more; one that never was is not waited for. The lock is held."""
        if self._beginning.get((node, kind), kind) is None:
            self._untold.add((node, kind))
            self._end(node)
        else:
            self._untold.discard((node, kind))

    def _end(self, node: str) -> None:
        """A node is not heard any more; the lock is held."""
        if (began := self._heard.pop(node, None)) is not None:
            self._latest[node] = Period(began, Timestamp(time_ns()))
            self._ended.append((node, self._latest[node]))

    def _hear(self, node: str) -> None:
        """A node is heard from now on if it is there and has told all that there is of every kind; the lock is held."""
        if node in self._away or node in self._heard or any(of == node for of, _ in self._untold):
            return
        if any(of == node and told is None for (of, _), told in self._beginning.items()):
            self._heard[node] = Timestamp(time_ns())

    def _keep_periods(self, *, is_open: bool = True) -> None:
        """Writes until when each node was heard; of what has come since it is not yet written what it was."""
        now = self._gathered_until
        with self._lock:
            ended, self._ended = self._ended, []
            found = [*ended, *((node, Period(began, max(began, now), is_open)) for node, began in self._heard.items())]
        with self._target.batch():
            for node, period in found:
                self._target.of_node(node).keep_period(period)

    def _write_event(self, state: SqliteState, kind: Kind[Any], event: AnyEvent, at: Timestamp) -> int:
        beginning = self._beginning.get((state.node, kind))
        match event:
            case Created(resource) | Updated(resource):
                if beginning is not None:
                    beginning.add(resource.id)
                # What comes while all is told anew is what there is, whatever the file has: a node's clock may be set back.
                return state.put(self._shown(kind, resource), at=at, forward=beginning is None)
            case Destroyed(reference, last):
                return state.drop(reference, at=at, last=last)
            case Bootstrapped() if beginning is not None:
                with self._lock:
                    self._beginning[state.node, kind] = None
                    if not self._coming[state.node, kind]:
                        self._untold.discard((state.node, kind))
                    self._hear(state.node)
                gone = [held for held in state.list(kind) if held.id not in beginning]
                return sum(state.drop(Reference(held.namespace, held.type, held.id), at=at) for held in gone)
            case _:
                return 0

    def _shown(self, kind: Kind[Any], resource: Resource[Any]) -> Resource[Any]:
        return resource if self._show_secrets else redacted(resource, sensitive=kind.sensitive)

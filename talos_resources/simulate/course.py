"""The whole course of a simulation as a recording: every version of every resource at its virtual time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.kind import typed_kind, untyped
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.witness import SERVED_EVENTS, Witness

S = TypeVar("S")

Tell = Callable[[Resource[Any] | Reference], None]
"""Told of every write: the resource as it is now, or what is gone."""


class CourseRecorder(Witness):
    """Records nodes as they are simulated.

    A node that is switched off is not heard until it is on again; then it begins with nothing, as a real one does.

    Attributes:
        written: how many changes have been written.
        on_end: called with the State of a node that is switched off.
    """

    def __init__(self, target: SqliteState, *, show_secrets: bool = False) -> None:
        """Prepares.

        Args:
            target: an empty file; it stays the caller's to close.
            show_secrets: record private keys and other secrets too.
        """
        self.written = 0
        self.on_end: Callable[[MemoryState], None] | None = None
        self._now: Callable[[], Timestamp] = lambda: Timestamp.ZERO
        self._target = target
        self._show_secrets = show_secrets
        self._lock = threading.Lock()  # clients of served nodes may write too
        self._told: list[tuple[str, Resource[Any] | Reference, Timestamp]] = []
        self._states: dict[str, MemoryState] = {}
        self._began: dict[str, Timestamp] = {}

    def attend(self, now: Callable[[], Timestamp]) -> None:
        """See `Witness`."""
        self._now = now

    def begin(self, node: str, clock: Callable[[], Timestamp]) -> MemoryState:
        """See `Witness`."""
        before = self._states.get(node)
        if before is not None:
            for namespace, name in before.held_kinds():
                for held in before.list(typed_kind(name) or untyped(name, namespace), namespace=namespace):
                    self._tell(node, held.metadata.reference)
        self._began[node] = self._now()
        state = self._states[node] = ToldState(lambda what: self._tell(node, what), clock=clock)
        return state

    def end(self, node: str, state: MemoryState) -> None:
        """See `Witness`."""
        self._keep(node)
        del self._began[node]
        if self.on_end is not None:
            self.on_end(state)

    def settle(self) -> None:
        """Writes what has happened since the last time."""
        with self._lock:
            told, self._told = self._told, []
        with self._target.batch():
            for node, what, at in told:
                state = self._target.of_node(node)
                if isinstance(what, Reference):
                    self.written += state.drop(what, at=at)
                else:
                    self.written += state.put(self._shown(what), at=at)
            for node in self._began:
                self._keep(node)

    def _keep(self, node: str) -> None:
        self._target.of_node(node).keep_period(Period(self._began[node], self._now()))

    def _tell(self, node: str, what: Resource[Any] | Reference) -> None:
        with self._lock:
            self._told.append((node, what, self._now()))

    def _shown(self, resource: Resource[Any]) -> Resource[Any]:
        if self._show_secrets:
            return resource
        kind = typed_kind(resource.metadata.type)
        return redacted(resource, sensitive=kind is None or kind.sensitive)


class ToldState(MemoryState):
    """A state in memory that tells of every write, in order."""

    def __init__(self, tell: Tell, *, clock: Callable[[], Timestamp]) -> None:
        super().__init__(clock=clock, capacity=SERVED_EVENTS, gap=0)
        self._tell = tell
        self._telling = threading.Lock()  # held over both, the writing and the telling

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """See `State`."""
        with self._telling:
            stored = super().create(resource, owner=owner)
            self._tell(stored)
        return stored

    def update(self, resource: Resource[S], *, owner: str | None = None, expected_phase: Phase | None = Phase.RUNNING) -> Resource[S]:
        """See `State`."""
        with self._telling:
            stored = super().update(resource, owner=owner, expected_phase=expected_phase)
            self._tell(stored)
        return stored

    def _destroy(self, about: Reference, owner: str) -> None:
        with self._telling:
            super()._destroy(about, owner)
            self._tell(about)

"""Reading nodes again and again, so that whoever asks gets an answer at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from talos_resources.insight.metrics import Reading
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.errors import TalosResourcesError
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.snapshots import view_of

MISSED: Final = 3
"""A node that has not answered for so many rounds is not shown any more."""


@attrs.define
class _Target:
    view: NodeView | None = None
    since: float = 0.0
    duration_s: float | None = None
    errors: int = 0
    error: str = "it has not answered yet"
    failed: bool = True


class Poll:
    """Nodes that are read in the background, each by a thread of its own: a dead one delays nobody."""

    def __init__(self, cluster: Cluster, nodes: Sequence[str], *, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read before `start`.

        Args:
            cluster: whose nodes.
            nodes: their names.
            every_s: seconds from the end of a reading to the next.
            clock: seconds, for tests.
        """
        self._cluster = cluster
        self._every_s = every_s
        self._clock = clock
        self._targets = {node: _Target() for node in nodes}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begins to read."""
        for node in self._targets:
            threading.Thread(target=self._follow, args=(node,), name=f"poll {node}", daemon=True).start()

    def stop(self) -> None:
        """Reads no more; a reading that hangs is left to itself."""
        self._stop.set()

    def _follow(self, node: str) -> None:
        while not self._stop.is_set():
            self.read(node)
            self._stop.wait(self._every_s)

    def read(self, node: str) -> None:
        """Reads a node once and keeps what came back."""
        target, began = self._targets[node], self._clock()
        try:
            view = view_of(self._cluster.state(node), node)
        except Exception as error:  # noqa: BLE001 - whatever it is: the next reading is tried, and this one is told of
            with self._lock:
                target.errors += 1
                target.error = error.message if isinstance(error, TalosResourcesError) else f"{type(error).__name__}: {error}"
                target.failed = True
            return
        ended = self._clock()
        with self._lock:
            target.view, target.since, target.duration_s, target.failed = view, ended, ended - began, False

    def now(self) -> tuple[Snapshot, dict[str, Reading]]:
        """What is known now, without waiting: the nodes that answered lately, and how reading goes."""
        moment = self._clock()
        views, errors, readings = [], {}, {}
        with self._lock:
            for node, target in self._targets.items():
                age = None if target.view is None else moment - target.since
                late = age is None or age > MISSED * self._every_s + (target.duration_s or 0.0)
                if target.view is not None and not late:
                    views.append(target.view)
                else:
                    errors[node] = target.error if target.failed else f"it has not answered for {age:.0f} s"
                readings[node] = Reading(
                    is_up=not target.failed and not late, errors=target.errors, age_s=age, duration_s=target.duration_s
                )
        return Snapshot(views=tuple(views), errors=errors), readings

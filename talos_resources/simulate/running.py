"""A simulation that goes on by itself, in real or scaled time, while others look at its nodes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.event import Event
from talos_resources.simulate.faults import Faults

log: Final = logging.getLogger(__name__)

T = TypeVar("T")

STEP_S: Final = 0.1
"""How often time passes, at most: what happens within so long happens together."""

_TURN_S: Final = 0.25
"""For so long at a time what is due is done; then others get their turn."""

_POLL_S: Final = 1.0
"""How often the nodes look for what clients have written."""

BEHIND_S: Final = 5.0
"""From so much on it is told that the machine does not keep up."""


class RunningCluster:
    """A cluster and the thread that lets its time pass.

    Everything that changes the cluster goes through `do`; reading the States of its nodes needs no care.

    Attributes:
        cluster: the nodes; only `do` may change them.
        speed: seconds that pass for each of this machine's; 0 for time that passes by `advance` alone.
        faults: those that are there; only for calls within `do`.
        behind_s: by how much the simulation is late, in seconds of this machine.
    """

    def __init__(
        self,
        cluster: SimulatedCluster,
        events: Sequence[Event] = (),
        *,
        speed: float = 1.0,
        ready_s: float = 0.0,
        on_note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Schedules what will happen; nothing runs yet.

        Args:
            cluster: not started.
            events: what happens to it when.
            speed: see the class.
            ready_s: how many seconds have passed already when it is started.
            on_note: called with what happens, a line each, by any thread.
        """
        self.cluster = cluster
        self.speed = speed
        self.faults = Faults(cluster, on_healed=lambda struck: on_note(f"healed: {struck.what}"))
        self.behind_s = 0.0
        self._on_note = on_note
        self._ready_s = ready_s
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._was_behind = False
        for event in events:
            cluster.clock.at(cluster.moment(event.at_s), lambda event=event: self._happen(event))  # type: ignore[misc]

    def start(self) -> None:
        """Switches the nodes on, and lets time pass if it has a speed; once."""
        with self._lock:
            self.cluster.start()
            self.cluster.run_until(self._ready_s)
        if self.speed > 0:
            self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Lets no more time pass; twice is no error."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self.cluster.witness.settle()

    def do(self, call: Callable[[], T]) -> T:
        """Calls between two steps, so that what is changed happens at one moment; what is due at once is done.

        Whatever it raises is raised here.
        """
        with self._lock:
            result = call()
            self._pass(self.cluster.clock.now(), pause=self._turn())
            return result

    def advance(self, seconds: float) -> None:
        """Lets so many seconds pass at once, as fast as the machine can."""
        with self._lock:
            self._pass(self.cluster.moment(self.cluster.elapsed_s + seconds))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _happen(self, event: Event) -> None:
        event.act()
        self._on_note(event.what)

    def _pass(self, until: Timestamp, *, poll: bool = True, pause: Callable[[], bool] = lambda: False) -> None:
        self.cluster.clock.run_until(until, poll=poll, pause=pause)
        self.cluster.witness.settle()

    def _turn(self) -> Callable[[], bool]:
        """Says when others want their turn; never where time passes by `advance` alone, which a test wants to be over at once."""
        if not self.speed:
            return lambda: False
        end = time.monotonic() + _TURN_S
        return lambda: self._stop.is_set() or time.monotonic() > end

    def _run(self) -> None:
        began, start_s = time.monotonic(), self.cluster.elapsed_s
        polled = began
        while not self._stop.is_set():
            now = time.monotonic()
            goal_s = start_s + (now - began) * self.speed
            poll = now - polled >= _POLL_S
            polled = now if poll else polled
            with self._lock:
                try:
                    self._pass(self.cluster.moment(goal_s), poll=poll, pause=self._turn())
                except Exception:  # a simulation that stands still in silence looks like a quiet cluster
                    log.exception("the simulation has stopped")
                    self._on_note("the simulation has stopped: it failed; the log has more")
                    return
                due, late_s = self.cluster.clock.next_time(), (goal_s - self.cluster.elapsed_s) / self.speed
                wait_s = 1.0 if due is None else (due - self.cluster.clock.now()) / 1e9 / self.speed
            self._tell_lateness(late_s)
            self._stop.wait(0.001 if late_s > STEP_S else min(max(wait_s, STEP_S), 1.0))

    def _tell_lateness(self, late_s: float) -> None:
        self.behind_s = late_s
        if (late_s > BEHIND_S) != self._was_behind:
            self._was_behind = late_s > BEHIND_S
            text = f"this machine is too slow for the speed {self.speed:g}x: the simulation is {late_s:.0f} s late"
            self._on_note(text if self._was_behind else "the simulation is on time again")
